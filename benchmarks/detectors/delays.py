"""How soon a change is seen, when every chart cries wolf equally often.

Every chart gets the threshold at which its own run length on the same null streams is the same, so that none is helped
or hurt by its default. What adds up evidence may look often: it looks every 25 rows, and its run length is that of the
others in rows. Delays are in windows of 1,000 rows.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, partial
from itertools import pairwise
from typing import Any

import numpy as np

from benchmarks.detectors.aims import Line
from benchmarks.detectors.charts import Chart, e_detector, peers
from benchmarks.detectors.size import PAST, ROWS, RUN_LENGTH, SEED, SHORT, TOLERANCES, Size
from benchmarks.detectors.tasks import Task
from benchmarks.detectors.worlds import LEVELS, Laws, calm, changed, windows
from benchmarks.detectors.worlds import reference as reference_of
from monitoring.profiles.reference import Floats, Ints, Reference

STRETCH = 5  #: windows of `ROWS` rows that are drawn at once
BEFORE, AFTER = 10, 100  #: windows of `ROWS` rows around a change; what is not seen by then counts as all of them
OURS = "e-detector"  #: with no zone, as the others have none
MEANS = {"mean +0.1 sd": 0.1, "mean +0.2 sd": 0.2, "mean +0.5 sd": 0.5}
Record = list[tuple[int, float]]  #: windows at which a path was higher than ever, and its level there


@dataclass(frozen=True, slots=True)
class Racer:
    """A chart, and how many rows it waits for."""

    name: str
    chart: Chart
    rows: int

    @property
    def per_window(self) -> int:
        """How many of its own windows are one of `ROWS` rows."""
        return ROWS // self.rows


@cache
def racers() -> tuple[Racer, ...]:
    """Return all that take part."""
    zoned = [Racer(f"{OURS}, tolerance {t}, every {ROWS} rows", e_detector(t), ROWS) for t in TOLERANCES[1:]]
    rare = Racer(f"{OURS} every {ROWS} rows", e_detector(TOLERANCES[0]), ROWS)
    return (Racer(OURS, e_detector(TOLERANCES[0]), SHORT), *zoned, rare, *(Racer(c.name, c, ROWS) for c in peers()))


def changes() -> dict[str, Laws]:
    """Return what happens, in one feature of 25 unless it says more."""
    first, category = range(1), range(19, 20)
    share = (0.35, *(level * 0.65 / 0.7 for level in (LEVELS / LEVELS.sum()).tolist()[1:]))
    gone = (*(LEVELS[:-1] / LEVELS[:-1].sum()).tolist(), 0.0)
    return {
        "mean +0.05 sd": changed(calm(), first, shift=0.05),
        **{name: changed(calm(), first, shift=shift) for name, shift in MEANS.items()},
        "five means +0.1 sd": changed(calm(), range(5), shift=0.1),
        "scale x 1.1": changed(calm(), first, scale=1.1),
        "scale x 1.3": changed(calm(), first, scale=1.3),
        "missing 2 -> 4 %": changed(calm(), first, missing=0.04),
        "a category 31 -> 35 %": changed(calm(), category, levels=share),
        "a category of 3 % gone": changed(calm(), category, levels=gone),
        "a new category, 1 %": changed(calm(), category, new=0.01),
    }


#: Of the changes that are no shift of a mean.
OTHERS = ("scale x 1.1", "scale x 1.3", "missing 2 -> 4 %", "a category 31 -> 35 %", "a category of 3 % gone",
          "a new category, 1 %")  # fmt: skip


def tuning(size: Size) -> Iterator[Task]:
    """Give a task for each null stream."""
    for number in range(size.streams):
        yield Task(f"null stream {number}", partial(_records, size, number))


def racing(size: Size, thresholds: dict[str, float]) -> Iterator[Task]:
    """Give a task for each repeat, with all changes behind one reference."""
    for repeat in range(size.repeats):
        yield Task(f"delays, {repeat}", partial(_delays, thresholds, size, repeat))


def shifting(size: Size, thresholds: dict[str, float]) -> Iterator[Task]:
    """Give a task for each reference, with more repeats of each shift of a mean, for the e-detector alone."""
    for number in range(size.streams):
        yield Task(f"shifts, {number}", partial(_shifts, {OURS: thresholds[OURS]}, size, number))


def thresholds(size: Size, found: dict[str, Any]) -> dict[str, float]:
    """Find the threshold of each chart from the records of null streams."""
    told = {}
    for racer in racers():
        records = [found[f"null stream {number}"][racer.name] for number in range(size.streams)]
        told[racer.name] = threshold(records, size.calm * racer.per_window, RUN_LENGTH * racer.per_window)
    return told


def threshold(records: list[Record], windows: int, run_length: float) -> float:
    """Return the least level at which the first alarms of streams of *windows* windows come *run_length* apart.

    Run length is windows that were watched, to the first alarm or to the end, over alarms: the estimate of greatest
    likelihood where alarms come at a constant rate.

    >>> threshold([[(0, 1.0), (4, 3.0)], [(2, 2.0)]], 10, 15.0)  # by 3.0: 5 + 10 windows, one alarm
    3.0
    """
    levels = sorted({level for record in records for _, level in record})
    for level in levels:
        firsts = [next((at + 1 for at, height in record if height >= level), 0) for record in records]
        alarms = sum(first > 0 for first in firsts)
        if sum(first or windows for first in firsts) >= run_length * alarms:
            return level
    return math.nextafter(levels[-1], math.inf)


@cache
def _past(number: int) -> Reference:
    """Learn the reference of a stream, once in each process."""
    return reference_of(calm(), np.random.default_rng([SEED, 2, number]), PAST)


def _records(size: Size, number: int) -> dict[str, Record]:
    past, told = _past(number), {}
    for rows in (SHORT, ROWS):
        counts = windows(past, calm(), np.random.default_rng([SEED, 6, number, rows]), rows, size.calm * ROWS // rows)
        for racer in racers():
            if racer.rows == rows:
                told[racer.name] = record(racer.chart.follow(past).levels(counts))
    return told


def record(levels: Floats) -> Record:
    """Return where *levels* was higher than ever before.

    >>> record(np.array([1.0, 0.5, 2.0]))
    [(0, 1.0), (2, 2.0)]
    """
    highest = np.maximum.accumulate(levels)
    fresh = [0, *(k for k, (old, new) in enumerate(pairwise(highest.tolist()), start=1) if new > old)]
    return [(k, float(levels[k])) for k in fresh]


def _delays(thresholds: dict[str, float], size: Size, repeat: int) -> dict[str, dict[str, float]]:
    """Give for each change and chart the number of windows from the change to the first alarm behind it."""
    past = _past(repeat % size.streams)
    told: dict[str, dict[str, float]] = {}
    for change, laws in changes().items():
        told[change] = {}
        for rows in (SHORT, ROWS):
            racing = [racer for racer in racers() if racer.rows == rows]
            rng = np.random.default_rng([SEED, 3, repeat, rows])
            told[change] |= raced(racing, thresholds, counted(past, laws, rng, rows), past)
    return told


def _shifts(thresholds: dict[str, float], size: Size, number: int) -> dict[str, list[float]]:
    """Give for each shift the windows until an alarm, in every repeat that begins at this reference."""
    ours, past, told = [racer for racer in racers() if racer.name == OURS], _past(number), dict[str, list[float]]()
    for kind, change in enumerate(MEANS):
        rngs = [np.random.default_rng([SEED, 9, kind, repeat]) for repeat in range(number, size.shifts, size.streams)]
        streams = [counted(past, changes()[change], rng, SHORT) for rng in rngs]
        told[change] = [raced(ours, thresholds, stream, past)[OURS] for stream in streams]
    return told


def counted(past: Reference, after: Laws, rng: np.random.Generator, rows: int) -> Iterator[Ints]:
    """Draw what comes before a change, and then stretch by stretch what comes behind it."""
    yield windows(past, calm(), rng, rows, BEFORE * (ROWS // rows))
    while True:
        yield windows(past, after, rng, rows, STRETCH * (ROWS // rows))


def raced(
    racing: list[Racer], thresholds: dict[str, float], stretches: Iterator[Ints], past: Reference
) -> dict[str, float]:
    """Show counts of windows to charts: first what comes before a change, then stretch by stretch what comes behind."""
    told = dict.fromkeys((racer.name for racer in racing), float(AFTER))
    paths = {racer.name: racer.chart.follow(past, thresholds[racer.name]) for racer in racing}
    before = next(stretches)
    for racer in racing:
        paths[racer.name].levels(before)
    for at in range(0, AFTER, STRETCH):
        counts = next(stretches)
        for racer in [racer for racer in racing if racer.name in paths]:
            levels = paths[racer.name].levels(counts)
            seen = np.flatnonzero(levels >= thresholds[racer.name])
            if len(seen):
                told[racer.name] = at + (int(seen[0]) + 1) / racer.per_window
                del paths[racer.name]
        if not paths:
            break
    return told


def means(size: Size, found: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Return the mean delay by change and chart."""
    runs = [found[f"delays, {repeat}"] for repeat in range(size.repeats)]
    return {
        change: {racer.name: float(np.mean([run[change][racer.name] for run in runs])) for racer in racers()}
        for change in changes()
    }


def lines(delays: dict[str, dict[str, float]]) -> Iterator[Line]:
    """Hold the delays to what was aimed at."""
    small, ours = delays["mean +0.1 sd"], delays["mean +0.1 sd"][OURS]
    for peer, share in (("KS", 0.2), ("PSI", 0.04), ("EWMA of chi-square", 0.5)):
        what = f"delay of {OURS} / {peer}, mean +0.1 sd"
        yield Line(
            what=what, reached=ours / small[peer], at_most=share, note=f"{ours:.2f} and {small[peer]:.2f} windows"
        )
    for change in OTHERS:
        beside = {peer.name: delays[change][peer.name] for peer in peers()}
        best = min(beside, key=lambda name: beside[name])
        note = f"{delays[change][OURS]:.2f} and {beside[best]:.2f} windows ({best})"
        what = f"delay of {OURS} / the best peer, {change}"
        yield Line(what=what, reached=delays[change][OURS] / beside[best], at_most=1.0, note=note)
