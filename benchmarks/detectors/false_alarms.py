"""How often nothing is taken for something: null windows of many references, each learned anew from its own rows."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from scipy.stats import chi2

from benchmarks.detectors.aims import Line
from benchmarks.detectors.charts import e_detector
from benchmarks.detectors.size import CONFIDENCE, PAST, ROWS, RUN_LENGTH, SEED, TOLERANCES, Size
from benchmarks.detectors.tasks import Task
from benchmarks.detectors.worlds import (
    Drawn,
    autoregressive,
    calm,
    correlated,
    daily,
    learned,
    reference,
    tied,
    windows,
)
from monitoring.profiles.counting import ArrayCounter
from monitoring.profiles.reference import Ints, Reference

LIGHT = {"independent": calm, "tied": tied}
HEAVY = {
    "every pair of features correlated 0.5": correlated(0.5),
    "AR(1) 0.1": autoregressive(0.1),
    "AR(1) 0.3": autoregressive(0.3),
    "a day's swing of 0.02 sd": daily(0.02, 200),
}
ROWS_DRAWN, PAST_DRAWN = 200, 4_000  #: of worlds that are drawn row by row
SWINGS = "a day's swing of 0.02 sd"  #: within every zone but the one of nothing


def tasks(size: Size) -> Iterator[Task]:
    """Give a task for each world and reference."""
    for world in (*LIGHT, *HEAVY):
        for number in range(size.references):
            yield Task(f"false alarms, {world}, {number}", partial(_alarms, world, size, number))


def lines(size: Size, found: dict[str, Any]) -> Iterator[Line]:
    """Bound the run length from below, for each world and tolerance and for all of them together."""
    for tolerance in TOLERANCES:
        seen = {}
        for world in (*LIGHT, *HEAVY):
            if world != SWINGS or tolerance > 0:
                some = [found[f"false alarms, {world}, {number}"] for number in range(size.references)]
                seen[world] = [sum(one[f"{tolerance}"][k] for one in some) for k in range(2)]
        seen["all of them"] = [sum(one[k] for one in seen.values()) for k in range(2)]
        for world, (count, alarms) in seen.items():
            yield Line(
                what=f"run length, at least: tolerance {tolerance}, {world}", reached=least(count, alarms),
                at_least=RUN_LENGTH, note=f"{alarms} alarms in {count:,} windows, {size.references} references",
            )  # fmt: skip


def least(count: int, alarms: int) -> float:
    """Return the lower 95 % bound of the run length: the exact one of a Poisson number of alarms.

    >>> round(least(3_000, 0))  # no alarm in three run lengths is what it takes
    1001
    """
    return float(count / (chi2.ppf(CONFIDENCE, 2 * (alarms + 1)) / 2))


def _alarms(world: str, size: Size, number: int) -> dict[str, tuple[int, int]]:
    """Give for each tolerance how many null windows of one reference were looked at, and how many alarmed."""
    rng, threshold = np.random.default_rng([SEED, 1, number]), math.log(RUN_LENGTH)
    if world in LIGHT:
        laws = LIGHT[world]()
        past = reference(laws, rng, PAST)
        counts = windows(past, laws, rng, ROWS, size.windows)
    else:
        past, counts = drawn(HEAVY[world], rng, size.drawn)
    told = {}
    for tolerance in TOLERANCES:
        levels = e_detector(tolerance).follow(past, threshold).levels(counts)
        told[f"{tolerance}"] = (len(counts), int((levels >= threshold).sum()))
    return told


def drawn(draw: Drawn, rng: np.random.Generator, count: int) -> tuple[Reference, Ints]:
    """Draw a reference and windows behind it, row by row, in one stretch of time."""
    rows = draw(rng, PAST_DRAWN + count * ROWS_DRAWN)
    found = learned(tuple(calm()[:1] * rows.shape[1]), rows[:PAST_DRAWN])
    later = rows[PAST_DRAWN:].reshape(count, ROWS_DRAWN, -1)
    counter = ArrayCounter(found)
    return found, np.stack([counter.count(one[:, :-1], one[:, -1]) for one in later])
