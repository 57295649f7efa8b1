"""How soon it shows that two features go together otherwise, though each looks as it did.

Charts of single features have the thresholds at which they race. The e-detector with sums of features has the one by
which its run length is promised: it needs no null streams, and others would only be lower.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from benchmarks.detectors.aims import Line
from benchmarks.detectors.charts import e_detector
from benchmarks.detectors.delays import AFTER, BEFORE, STRETCH, Racer, raced, racers
from benchmarks.detectors.size import PAST, ROWS, RUN_LENGTH, SEED, TOLERANCES, Size
from benchmarks.detectors.tasks import Task
from benchmarks.detectors.worlds import FEATURES, calm, learned
from monitoring.profiles.aims import learn_projections
from monitoring.profiles.counting import ArrayCounter
from monitoring.profiles.reference import Floats, Ints

PROJECTIONS = 8
WITH_SUMS = f"e-detector with {PROJECTIONS} sums of features"
PAIR = (0, 1)  #: of 276
#: From which correlation to which, and how soon the sums are to see it.
COURSES = {(0.8, 0.0): 2.0, (0.8, -0.8): 2.0, (0.8, 0.7): 5.0, (0.0, 0.8): None}


def tasks(size: Size, thresholds: dict[str, float]) -> Iterator[Task]:
    """Give a task for each course and repeat."""
    for course in COURSES:
        for repeat in range(_repeats(size)):
            yield Task(f"together {course}, {repeat}", partial(_run, thresholds, course, repeat))


def lines(size: Size, found: dict[str, Any]) -> Iterator[Line]:
    """Tell the windows until an alarm; what is not seen counts as all that were watched."""
    for (before, after), at_most in COURSES.items():
        runs = [found[f"together {(before, after)}, {repeat}"] for repeat in range(_repeats(size))]
        for name in runs[0]:
            seen = sum(run[name] < AFTER for run in runs)
            yield Line(
                what=f"correlation of one pair {before} -> {after}: {name}",
                reached=float(np.mean([run[name] for run in runs])),
                at_most=at_most if name == WITH_SUMS else None, note=f"seen in {seen} of {len(runs)} runs",
            )  # fmt: skip


def _repeats(size: Size) -> int:
    return max(size.repeats // 6, 2)


def _run(thresholds: dict[str, float], course: tuple[float, float], repeat: int) -> dict[str, float]:
    rng = np.random.default_rng([SEED, 8, repeat])
    past = _rows(rng, PAST, course[0])
    reference = learned(tuple(calm()[:1] * FEATURES), past)
    projections = learn_projections(reference, past[:, :-1], past[:, -1], PROJECTIONS)
    counter = ArrayCounter(reference, projections)
    counts = _counted(counter, rng, course)
    whole = Racer(WITH_SUMS, e_detector(TOLERANCES[0]), ROWS)
    sums = raced([whole], {WITH_SUMS: math.log(RUN_LENGTH)}, iter(counts), projections.joined(reference))
    single = [racer for racer in racers() if racer.rows == ROWS]
    width = reference.starts[-1]
    return sums | raced(single, thresholds, (some[:, :width] for some in counts), reference)


def _counted(counter: ArrayCounter, rng: np.random.Generator, course: tuple[float, float]) -> list[Ints]:
    before, after = course
    parts = [(before, BEFORE), *((after, STRETCH) for _ in range(0, AFTER, STRETCH))]
    return [np.stack([_window(counter, rng, share) for _ in range(windows)]) for share, windows in parts]


def _window(counter: ArrayCounter, rng: np.random.Generator, correlation: float) -> Ints:
    rows = _rows(rng, ROWS, correlation)
    return counter.count(rows[:, :-1], rows[:, -1])


def _rows(rng: np.random.Generator, rows: int, correlation: float) -> Floats:
    """Draw normal features of which one pair is correlated."""
    found, (first, second) = rng.normal(size=(rows, FEATURES)), PAIR
    found[:, second] = correlation * found[:, first] + math.sqrt(1 - correlation**2) * found[:, second]
    return found
