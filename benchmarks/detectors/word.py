"""Whether the whole watch keeps its word: alarm, confirmation, clearing and the features that are named."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np

from benchmarks.detectors.aims import Line
from benchmarks.detectors.size import PAST, ROWS, SEED, Size
from benchmarks.detectors.tasks import Task
from benchmarks.detectors.worlds import calm, changed, reference, windows
from monitoring.drift.fleet import Fleet
from monitoring.drift.promises import DriftThresholds
from monitoring.drift.watches import DriftFinding, DriftWatch, Sight
from monitoring.profiles.profile import Profile
from monitoring.profiles.reference import Ints, Reference

#: The defaults of a policy.
THRESHOLDS = DriftThresholds(false_alarm_windows=10_000.0, tolerance=0.02)
CALM, LATER = 3, 40  #: windows before something happens, and behind that
MOVED = ("f00", "f01", "f02")
PASTS = 20  #: references among which runs take turns
TEN_MILLION, BENIGN_WINDOWS = 10_000_000, 50


@dataclass(frozen=True, slots=True)
class Course:
    """What happens to three features: how far off, for how many windows."""

    name: str
    shift: float
    windows: int
    at_most: float | None = None
    at_least: float | None = None


COURSES = (
    Course("a window 0.5 sd off", 0.5, 1, at_most=0.01),
    Course("two windows 0.5 sd off", 0.5, 2, at_most=0.01),
    Course("two windows 0.2 sd off", 0.2, 2, at_most=0.01),
    Course("0.2 sd off from then on", 0.2, LATER, at_least=0.99),
    Course("0.5 sd off from then on", 0.5, LATER, at_least=0.99),
)


def tasks(size: Size) -> Iterator[Task]:
    """Give a task for all runs that begin at one reference."""
    for course in COURSES:
        for number in range(PASTS):
            yield Task(f"{course.name}, {number}", partial(_runs, course, number, 2 * size.references))
    for number in range(PASTS):
        yield Task(f"benign, {number}", partial(_benign, number))


def lines(size: Size, found: dict[str, Any]) -> Iterator[Line]:
    """Tell what share was confirmed, what share of the named features had not changed, and what was raised in vain."""
    runs = 2 * size.references
    for course in COURSES:
        told = [one for number in range(PASTS) for one in found[f"{course.name}, {number}"]]
        share = sum(one["confirmed"] for one in told) / runs
        note = f"{sum(one['alarms'] > 0 for one in told)} of {runs} runs alarmed"
        what = f"confirmed: {course.name}"
        yield Line(what=what, reached=share, at_most=course.at_most, at_least=course.at_least, note=note)
        if course.at_least is not None:
            named = [one["false"] / one["named"] if one["named"] else 0.0 for one in told]
            what = f"share of false features among the named: {course.name}"
            yield Line(what=what, reached=float(np.mean(named)), at_most=THRESHOLDS.fdr)
    raised = sum(found[f"benign, {number}"] for number in range(PASTS))
    note = f"{PASTS * BENIGN_WINDOWS} windows of {TEN_MILLION:,} rows, half of the tolerance away"
    yield Line(what="alarms of a change within the zone", reached=raised, at_most=0, note=note)


@cache
def _past(number: int) -> Reference:
    return reference(calm(), np.random.default_rng([SEED, 4, number]), PAST)


def _runs(course: Course, number: int, runs: int) -> list[dict[str, int]]:
    """Follow every twentieth run, all of one reference, side by side."""
    past = _past(number)
    counts = [_drawn(course, past, run) for run in range(number, runs, PASTS)]
    return [_summed(said) for said in watched(past, np.stack(counts), ROWS)] if counts else []


def _drawn(course: Course, past: Reference, run: int) -> Ints:
    rng, off = np.random.default_rng([SEED, 5, run]), changed(calm(), range(len(MOVED)), shift=course.shift)
    parts = ((calm(), CALM), (off, course.windows), (calm(), LATER - course.windows))
    return np.concatenate([windows(past, laws, rng, ROWS, count) for laws, count in parts])


def _summed(said: list[DriftFinding]) -> dict[str, int]:
    named = [each["name"] for one in said if one.verdict == "confirmed" for each in one.features]
    return {
        "alarms": sum(one.verdict == "alarm" for one in said),
        "confirmed": int(any(one.verdict == "confirmed" for one in said)),
        "named": len(named),
        "false": sum(name not in MOVED for name in named),
    }


def watched(past: Reference, counts: Ints, rows: int) -> list[list[DriftFinding]]:
    """Show windows, (watches, windows, flat slots), to watches that know the same past, and return what each says."""
    fleet, said = Fleet([DriftWatch.start(past, THRESHOLDS)] * len(counts)), list[list[DriftFinding]]()
    for number in range(counts.shape[1]):
        sights = [Sight(number * rows, Profile(rows, one), THRESHOLDS) for one in counts[:, number]]
        said.append(fleet.findings(sights, fleet.observe(sights)))
    return [list(each) for each in zip(*said, strict=True)]


def _benign(number: int) -> int:
    """Count the alarms of huge windows in which a feature differs by half of what is tolerated."""
    past, rng = _past(number), np.random.default_rng([SEED, 7, number])
    shift = THRESHOLDS.tolerance / 2 * math.sqrt(2 * math.pi)  # of a normal mean, to this distance in total variation
    counts = windows(past, changed(calm(), range(1), shift=shift), rng, TEN_MILLION, BENIGN_WINDOWS)
    return sum(one.verdict == "alarm" for one in watched(past, counts[None], TEN_MILLION)[0])
