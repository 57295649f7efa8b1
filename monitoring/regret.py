"""Regret: would a fresh model of the same training size do better, or only one with more data?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from measures.sums import Block, log_e, span
from statemachine.policy import Policy

SAME_SIZE, MORE_DATA = "recent", "all"  #: names of the challengers


@dataclass(frozen=True, slots=True, kw_only=True)
class Regret:
    """What challengers showed."""

    finding: str  #: none, regret or improvement
    log_evidence: float  #: nats, for the challenger that the finding is about


def judge(inputs: dict[str, Any], policy: Policy) -> Regret:
    """Judge the latest challenges together.

    `inputs`: `challenges`, oldest first, each `{"champion": blocks of its loss, "leads": {name: blocks of champion
    minus challenger}}` on rows that no challenger of that round had seen; `design_rows`.
    """
    rounds = inputs["challenges"][-policy.regret.memory :]
    champion = span(_joined(entry["champion"] for entry in rounds))
    needed = -math.log(policy.regret.alpha)
    loudest = 0.0
    for name, finding in ((SAME_SIZE, "regret"), (MORE_DATA, "improvement")):
        lead = span(_joined(entry["leads"].get(name, []) for entry in rounds))
        nats = log_e(lead, float(inputs["design_rows"]))
        loudest = max(loudest, nats)
        if nats > needed and lead.mean > policy.regret.least_gain * champion.mean:
            return Regret(finding=finding, log_evidence=nats)
    return Regret(finding="none", log_evidence=loudest)


def _joined(lists: Any) -> list[Block]:  # noqa: ANN401 - an iterable of lists of blocks, as JSON gives it
    found: list[Block] = []
    for blocks in lists:
        part: Sequence[Block] = blocks
        found.extend(part)
    return found
