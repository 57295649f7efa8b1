"""Segments: did the loss rise in one part of the rows, though the whole drowns it?

Each segment has its own e-detector of a lasting rise, as the whole has (`decline.py`). Their mean is an
e-detector too, whatever one segment has to do with another (Shin, Ramdas and Rinaldo 2023, arXiv 2203.03532, section
2: mixtures), so one run length holds for all of them together. What is normal for a segment rests on few rows of the
reference: the upper end of what these leave credible counts, with one chance of error split over the segments.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from measures.chance import errors_of_any
from measures.sums import MOST_NATS, log_e, span
from monitoring.performance.decline import DESIGN_WINDOWS
from statemachine.policies.policy import Policy
from statemachine.policies.sections import Segments

KEPT = 256  #: answers: of some models' segments
Sums = tuple[int, int, int]  #: a block that can be a key


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentAlarm:
    """What the segments say together, and the loudest of them."""

    name: str
    log_evidence: float  #: nats; of the mean of all e-detectors
    onset: int  #: index of the first window of the span that speaks loudest
    raised: bool


@lru_cache(KEPT)  # of a reference, which stays, it is asked with every block of labels
def normal(blocks: tuple[Sums, ...], segments: int, policy: Segments) -> float | None:
    """Give the loss a row that may be normal for a segment, by its *blocks* of the reference; None if too few rows.

    The upper end of a one-sided interval at level `alpha` over the number of *segments*, by the normal law: the mean of
    the reference is wrong for good, so it must be too low in none of them.

    >>> round(normal(((30, 15 << 20, 15 << 20),) * 4, 2, Segments()) or 0.0, 4)
    0.5909
    """
    found = span(blocks)
    if found.rows < policy.least_rows:
        return None
    return found.mean + errors_of_any(policy.alpha, segments) * math.sqrt(found.variance) / found.rows


def alarm(inputs: dict[str, Any], policy: Policy) -> SegmentAlarm:
    """Look for a lasting rise of the loss in any segment.

    `inputs`: `segments`, each with `name`, `blocks` of its losses, one a window and the newest last, `level` a row that
    is accepted, and `window`, its rows in a window.
    """
    told = [_detected(each, policy.loss.memory) for each in inputs["segments"]]
    if not told:
        return SegmentAlarm(name="", log_evidence=0.0, onset=0, raised=False)
    mean = math.fsum(total for total, _, _ in told) / len(told)
    loudest = max(range(len(told)), key=lambda k: told[k][0])
    _, onset, starts = told[loudest]
    return SegmentAlarm(
        name=str(inputs["segments"][loudest]["name"]), log_evidence=math.log1p(max(mean - starts, 0.0)), onset=onset,
        raised=mean > policy.segments.run_length,
    )  # fmt: skip


def _detected(segment: dict[str, Any], memory: int) -> tuple[float, int, int]:
    """Give the sum of evidence over all starting windows of one segment, the loudest of them, and their number."""
    blocks, level, design = segment["blocks"], float(segment["level"]), DESIGN_WINDOWS * int(segment["window"])
    starts = range(len(blocks) - 1, -1, -1)[:memory]
    found = [(log_e(span(blocks[start:], level), design), start) for start in starts]
    total = math.fsum(math.exp(min(nats, MOST_NATS)) for nats, _ in found)
    return total, max(found, default=(0.0, 0))[1], len(found)
