"""Changes of shape that no alternative of the dictionary is near to: how soon they are seen with what is learned.

And how often what is learned cries wolf. Its run length is the one that is promised, a tenth of the budget on top of
that of the dictionary: nothing is tuned.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from benchmarks.detectors.aims import Line
from benchmarks.detectors.charts import e_detector
from benchmarks.detectors.delays import AFTER, BEFORE, STRETCH, Racer, counted, raced
from benchmarks.detectors.false_alarms import HEAVY, LIGHT, SWINGS, drawn, least
from benchmarks.detectors.size import PAST, ROWS, RUN_LENGTH, SEED, SHORT, TOLERANCES, Size
from benchmarks.detectors.tasks import Task
from benchmarks.detectors.worlds import Law, calm, reference, windows
from monitoring.drift.learned import RARER, LearnedWatch
from monitoring.drift.promises import DriftThresholds
from monitoring.profiles.profile import Profile
from monitoring.profiles.reference import FIRST_BIN, Feature, Floats, Ints, Reference

ZONES = {TOLERANCES[0]: SHORT, TOLERANCES[-1]: ROWS}  #: and how many rows are waited for
WITHOUT, WITH = "the dictionary", "the dictionary and what is learned"
#: By name: bins of the feature whose values go, the share of them that goes, and the bins that they go to.
SHAPES: dict[str, tuple[slice, float, tuple[slice, ...]]] = {
    "3 % become one middle value": (slice(0, 64), 0.03, (slice(32, 33),)),
    "10 % become one middle value": (slice(0, 64), 0.1, (slice(32, 33),)),
    "15 % of the middle quarter go to both sides": (slice(24, 40), 0.15, (slice(12, 24), slice(40, 52))),
    "40 % of one eighth go to another": (slice(8, 16), 0.4, (slice(32, 40),)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shaped(Law):
    """A normal law of which some values go elsewhere."""

    shape: str

    def slots(self, feature: Feature) -> Floats:
        """Return the probability of each slot, (slots,)."""
        found, (source, share, targets) = Law(missing=self.missing).slots(feature), SHAPES[self.shape]
        bins = found[FIRST_BIN:]
        gone, into = bins[source].sum() * share, np.zeros(len(bins))
        for target in targets:
            into[target] = bins[target]
        bins[source] *= 1 - share
        bins += gone * into / into.sum()
        return found


def tasks(size: Size, thresholds: dict[str, float]) -> Iterator[Task]:
    """Give a task for each shape, zone and repeat."""
    for shape in SHAPES:
        for tolerance, rows in ZONES.items():
            name = "e-detector" if not tolerance else f"e-detector, tolerance {tolerance}, every {ROWS} rows"
            for repeat in range(_repeats(size)):
                work = partial(_run, shape, tolerance, rows, thresholds[name], repeat)
                yield Task(f"{shape}, {tolerance}, {repeat}", work)


def calm_tasks(size: Size) -> Iterator[Task]:
    """Give a task for each world and reference in which nothing happens."""
    for world in (*LIGHT, *HEAVY):
        for number in range(size.references):
            yield Task(f"shapes, {world}, {number}", partial(_calm, world, number, max(size.drawn // 2, 10)))


def lines(size: Size, found: dict[str, Any]) -> Iterator[Line]:
    """Tell the windows until an alarm, and the run length where nothing happens."""
    for shape in SHAPES:
        for tolerance in ZONES:
            runs = [found[f"{shape}, {tolerance}, {repeat}"] for repeat in range(_repeats(size))]
            for name in (WITHOUT, WITH):
                seen = sum(run[name] < AFTER for run in runs)
                yield Line(
                    what=f"{shape}, tolerance {tolerance}: {name}", reached=float(np.mean([run[name] for run in runs])),
                    note=f"seen in {seen} of {len(runs)} runs",
                )  # fmt: skip
    for tolerance in ZONES:
        for world in (*LIGHT, *HEAVY):
            if world != SWINGS or tolerance > 0:
                yield _run_length(size, found, tolerance, world)


def _run_length(size: Size, found: dict[str, Any], tolerance: float, world: str) -> Line:
    some = [found[f"shapes, {world}, {number}"][f"{tolerance}"] for number in range(size.references)]
    count, alarms = (sum(one[k] for one in some) for k in range(2))
    return Line(
        what=f"run length of what is learned, at least: tolerance {tolerance}, {world}", reached=least(count, alarms),
        at_least=RUN_LENGTH, note=f"{alarms} alarms in {count:,} windows, {size.references} references",
    )  # fmt: skip


def _repeats(size: Size) -> int:
    return max(size.repeats // 6, 2)


def _run(shape: str, tolerance: float, rows: int, threshold: float, repeat: int) -> dict[str, float]:
    """Give the windows of a thousand rows until an alarm, with and without what is learned."""
    rng, laws = np.random.default_rng([SEED, 10, repeat]), (Shaped(shape=shape), *calm()[1:])
    past = reference(calm(), rng, PAST)
    ours = Racer(WITHOUT, e_detector(tolerance), rows)
    told = raced([ours], {WITHOUT: threshold}, counted(past, laws, rng, rows), past)
    policy = DriftThresholds(false_alarm_windows=RUN_LENGTH * ours.per_window, tolerance=tolerance)
    watch = follow(LearnedWatch.start(past), windows(past, calm(), rng, rows, BEFORE * ours.per_window), policy)[0]
    found = _until(watch, past, laws, rng, policy)
    return {**told, WITH: min(told[WITHOUT], found / ours.per_window)}


def _until(
    watch: LearnedWatch, past: Reference, laws: tuple[Law, ...], rng: np.random.Generator, policy: DriftThresholds
) -> float:
    """Give the number of the window that alarms."""
    a_window = round(policy.false_alarm_windows / RUN_LENGTH)
    for first in range(0, AFTER * a_window, STRETCH):
        watch, alarms, _ = follow(watch, windows(past, laws, rng, ROWS // a_window, STRETCH), policy)
        if alarms:
            return float(first + alarms[0] + 1)
    return float(AFTER * a_window)


def follow(watch: LearnedWatch, counts: Ints, policy: DriftThresholds) -> tuple[LearnedWatch, list[int], int]:
    """Show windows to a watch; give it, the windows that alarmed, and how many were watched and not asked."""
    alarms, watched = list[int](), 0
    rows = int(counts[0, : watch.groups.reference.starts[1]].sum())
    for number, one in enumerate(counts):
        watched += watch.phase == "watching"
        watch, found = watch.observe(number * rows, Profile(rows, one), policy)
        alarms += [number] * (found.verdict == "alarm")
    return watch, alarms, watched


def _calm(world: str, number: int, count: int) -> dict[str, tuple[int, int]]:
    """Give for each zone how many windows in which nothing happens were watched, and how many alarmed."""
    rng = np.random.default_rng([SEED, 11, number])
    if world in LIGHT:
        laws = LIGHT[world]()
        past = reference(laws, rng, PAST)
        counts = windows(past, laws, rng, ROWS, count)
    else:
        past, counts = drawn(HEAVY[world], rng, count)
    told = {}
    for tolerance in ZONES:
        policy = DriftThresholds(false_alarm_windows=RUN_LENGTH / RARER, tolerance=tolerance)
        _, alarms, watched = follow(LearnedWatch.start(past), counts, policy)
        told[f"{tolerance}"] = (watched, len(alarms))
    return told
