"""What each promotion was worth: the version promoted beside the one that it replaced, on the rows of its reign."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from backtest.report import measure
from backtest.stream import Floats, Stream

Answers = Callable[[str, int, int], Floats]  #: what a version answers on rows [first, end)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reign:
    """One version as champion, from row `row` up to `until`."""

    row: int
    until: int
    version: str
    replaced: str
    gain: float | None  #: share of the replaced version's loss that it saved; None where the rows cannot tell


def reigns(stream: Stream, metric: str, events: list[dict[str, Any]], answers: Answers) -> list[dict[str, Any]]:
    """Give the reign of each promoted version, in order."""
    promoted = [event for event in events if event["type"] == "promotion_confirmed"]
    times = [event["occurred_us"] for event in promoted]
    starts = [int(row) for row in np.searchsorted(stream.times_us, times, side="right")]
    found = []
    for event, (first, end) in zip(promoted, pairwise([*starts, stream.rows]), strict=True):
        mine, before = event["payload"]["champion"], event["payload"]["rollback_target"]
        gain = _gain(*(_loss(stream, metric, answers(one, first, end), first, end) for one in (mine, before)))
        found.append(asdict(Reign(row=first, until=end, version=mine, replaced=before, gain=gain)))
    return found


def _loss(stream: Stream, metric: str, answers: Floats, first: int, end: int) -> float:
    outputs = np.full(stream.rows, np.nan)
    outputs[first:end] = answers
    value, _ = measure(stream, metric, outputs, first, end)
    return value if metric == "mae" else 1 - value


def _gain(mine: float, before: float) -> float | None:
    if np.isnan(mine) or np.isnan(before):
        return None
    return 1 - mine / before if before else -mine
