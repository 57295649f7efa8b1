"""Segments of a holdout: is a candidate worse in a part of the rows, though it leads in the whole?

Each declared segment is held against the champion, on the same rows, by a normal test that all of them share
(Bonferroni), as a diagnosis holds it against its past (`diagnosis/segments.py`). A holdout is looked at once, and who
won it was chosen by the whole, so nothing more has to be paid for.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from measures.chance import errors_of_any
from measures.sums import block, excess, span
from statemachine.policies.policy import Policy

SEGMENTS = "segments"  #: the gate, and the key of a report
Blocks = list[list[int]]
Held = Sequence[npt.NDArray[np.bool_]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """How a candidate does in one segment, beside the champion."""

    name: str
    rows: int
    told: bool  #: whether there are enough rows to say so
    worse: float = 0.0  #: standard errors by which it is worse than the policy tolerates; below zero where it is not
    errors: float = 0.0  #: the lead in standard errors, as that of the whole
    gain: float = 0.0  #: the lead as a share of the champion's loss


def by_segment(held: Held, values: npt.NDArray[np.int64], blocks: int) -> list[Blocks]:
    """Add up fixed-point *values* (n,) of the rows that each segment holds, in the *blocks* of the whole.

    >>> by_segment([np.array([True, False, True])], np.array([1 << 20, 5, 3 << 20]), 3)
    [[[1, 1048576, 1048576], [0, 0, 0], [1, 3145728, 9437184]]]
    """
    cuts = np.array_split(np.arange(len(values)), min(blocks, max(len(values), 1)))
    return [[block(values[cut][mine[cut]]) for cut in cuts] for mine in held]


def told_of(found: list[Any]) -> dict[str, Any]:
    """Give what a report, or an entrant of one, tells of its segments; nothing where none are declared."""
    return {SEGMENTS: found} if found else {}


def parts(report: dict[str, Any], entrant: str, policy: Policy) -> list[Part]:
    """Say how the *entrant* does in each segment of a *report*; nothing where it tells of none."""
    entry = next(one for one in report["entrants"] if one["name"] == entrant)
    declared, leads = report.get(SEGMENTS, ()), entry.get(SEGMENTS, ())
    return [_part(one["name"], one["champion"], lead, policy) for one, lead in zip(declared, leads, strict=True)]


def bound(found: Sequence[Part], policy: Policy) -> float:
    """Say by how many standard errors a segment must be worse to count; all that are told share one chance of error."""
    told = sum(one.told for one in found)
    return errors_of_any(policy.gates.segment_alpha, told) if told else 0.0


def ruins(report: dict[str, Any], entrant: str, policy: Policy) -> bool:
    """Say whether the *entrant* is shown to be worse in a segment than the policy tolerates."""
    found = parts(report, entrant, policy)
    return any(one.told and one.worse > bound(found, policy) for one in found)


def _part(name: str, champion: Blocks, saved: Blocks, policy: Policy) -> Part:
    cost, lead = span(champion), span(saved)
    if lead.rows < policy.segments.least_rows:
        return Part(name=name, rows=lead.rows, told=False)
    beyond = excess(cost, lead, policy.gates.segment_tolerance)
    return Part(
        name=name, rows=lead.rows, told=True, worse=beyond.total / math.sqrt(beyond.variance),
        errors=lead.total / math.sqrt(lead.variance), gain=lead.mean / cost.mean if cost.mean > 0 else 0.0,
    )  # fmt: skip
