"""Faults of clocks, and of what sends rows: the rows are what they were, and their times or their order are not."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from benchmarks.causes.ground import Ground, Sick
from benchmarks.causes.planting import Chance, Plant, Planted
from monitoring.profiles.reference import Ints

Clock = Callable[[Ints, int], Ints]  #: right times, and the rows of a window

HOUR_US = 3_600_000_000
TIME, ROW = "@time", "@row"  #: the names under which faults of times, and of whole rows, are reported


def told_by(clock: Clock) -> Plant:
    """Let a faulty clock tell the times of rows."""

    def plant(on: Ground, _: Chance) -> Iterator[Planted]:
        rows = slice(on.onset, on.onset + on.sick_rows)
        times = clock(on.times_us[rows], on.window)
        sick = Sick(on.rows[rows], on.outputs[rows], on.labels[rows], times)
        yield Planted(sick=sick, kinds=("data_quality",), features=(TIME,))

    return plant


def hour_behind(times_us: Ints, _: int) -> Ints:
    """Set the clock back by an hour, and leave it there."""
    return times_us - HOUR_US


def hour_ahead(times_us: Ints, _: int) -> Ints:
    """Set the clock ahead by an hour, and leave it there."""
    return times_us + HOUR_US


def backwards(times_us: Ints, window: int) -> Ints:
    """Let time run backwards within each window."""
    return np.concatenate([times_us[start : start + window][::-1] for start in range(0, len(times_us), window)])


def standing(times_us: Ints, _: int) -> Ints:
    """Let the clock stand still."""
    return np.full_like(times_us, times_us[0])


def period_twice(on: Ground, _: Chance) -> Iterator[Planted]:
    """Let the first half of the rows come again behind themselves, with the times that they had."""
    source = on.onset + np.arange(on.sick_rows) % (on.sick_rows // 2)
    sick = Sick(on.rows[source], on.outputs[source], on.labels[source], on.times_us[source])
    yield Planted(sick=sick, kinds=("data_quality",), features=(ROW,))
