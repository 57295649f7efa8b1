"""Evaluates the detector of drift: false alarms, delay beside peers at equal run length, and whether it keeps its word.

python -m benchmarks.detectors [--quick] [--jobs 2]

Everything is drawn from seeds. False alarms: null windows of many references, each learned anew; the run length is
bounded below by the exact Poisson bound on the alarms. Delay: every chart gets the threshold at which its own run
length on null streams is the same, so that none is helped by its default. Word: the state machine of alarm,
confirmation and clearing, as the service runs it.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.stats import chi2

from benchmarks.detectors.charts import Chart, e_detector, peers
from benchmarks.detectors.worlds import (
    Drawn,
    Laws,
    autoregressive,
    calm,
    changed,
    correlated,
    daily,
    learned,
    tied,
    windows,
)
from benchmarks.detectors.worlds import reference as reference_of
from monitoring.drift import DriftThresholds, DriftWatch, Verdict
from monitoring.profile import Profile, profile
from monitoring.reference import Floats, Ints, Reference

SEED = 20261125
RUN_LENGTH, CONFIDENCE = 1_000, 0.95
TOLERANCES = (0.005, 0.02)  #: of the thresholds by themselves, and of a policy that leaves them out
PAST = 20_000  #: rows of a reference
ROWS = 1_000  #: of a window
LEVELS = (0.35, 0.2, 0.15, 0.1, 0.1, 0.07, 0.03, 0.0)  #: of a category, after the change


@dataclass(frozen=True, slots=True)
class Size:
    """How much is drawn."""

    references: int
    windows: int  #: of each reference, where counts can be drawn
    drawn: int  #: of each reference, where rows must be
    tuning: int  #: null streams of 400 windows for the thresholds of charts
    repeats: int  #: of each change


FULL, QUICK = Size(200, 2_500, 100, 60, 60), Size(12, 200, 20, 12, 12)
HEAVY = {"correlated 0.5": correlated(0.5), "AR(1) 0.1": autoregressive(0.1), "AR(1) 0.3": autoregressive(0.3),
         "a day's swing of 0.02 sd": daily(0.02, 200)}  # fmt: skip
LIGHT = {"independent": calm, "tied": tied}
ROWS_DRAWN, PAST_DRAWN = 200, 4_000  #: of worlds that are drawn row by row


def main() -> None:
    """Measure, and print three tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a few minutes; its bounds are wide")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    size, console = QUICK if options.quick else FULL, Console(width=140)
    with ProcessPoolExecutor(options.jobs) as pool:
        console.print(_false_alarms(size, pool))
        console.print(_delays(size, pool))
        console.print(_word(size, pool))


def _false_alarms(size: Size, pool: ProcessPoolExecutor) -> Table:
    table = Table("world", "tolerance", "windows", "alarms", "run length, at least", "aim", title="false alarms")
    for tolerance in TOLERANCES:
        for name in (*LIGHT, *HEAVY):
            counted = list(pool.map(partial(_alarms, name, tolerance, size), range(size.references)))
            seen, alarms = sum(count for count, _ in counted), sum(found for _, found in counted)
            least = seen / (chi2.ppf(CONFIDENCE, 2 * (alarms + 1)) / 2)
            row = (name, f"{tolerance}", f"{seen:,}", f"{alarms}", f"{least:,.0f}", f"{RUN_LENGTH:,}")
            table.add_row(*row)
    return table


def _alarms(world: str, tolerance: float, size: Size, number: int) -> tuple[int, int]:
    """Give how many null windows of one reference were looked at, and how many alarmed."""
    rng, chart, threshold = np.random.default_rng([SEED, 1, number]), e_detector(tolerance), math.log(RUN_LENGTH)
    if world in LIGHT:
        laws = LIGHT[world]()
        found = reference_of(laws, rng, PAST)
        counts = windows(found, laws, rng, ROWS, size.windows)
    else:
        found, counts = _drawn(HEAVY[world], rng, size.drawn)
    levels = chart.paths(chart.added(found, counts)[None], threshold)
    return len(counts), int((levels >= threshold).sum())


def _drawn(draw: Drawn, rng: np.random.Generator, count: int) -> tuple[Reference, Ints]:
    """Draw a reference and windows behind it, row by row, in one stretch of time."""
    rows = draw(rng, PAST_DRAWN + count * ROWS_DRAWN)
    found = learned(tuple(calm()[:1] * rows.shape[1]), rows[:PAST_DRAWN])
    later = rows[PAST_DRAWN:].reshape(count, ROWS_DRAWN, -1)
    return found, np.stack([profile(found, one[:, :-1], one[:, -1]).counts for one in later])


def _changes() -> dict[str, Laws]:
    first, category = range(1), range(19, 20)
    return {
        "mean +0.05 sd": changed(calm(), first, shift=0.05),
        "mean +0.1 sd": changed(calm(), first, shift=0.1),
        "mean +0.2 sd": changed(calm(), first, shift=0.2),
        "scale x 1.1": changed(calm(), first, scale=1.1),
        "scale x 1.3": changed(calm(), first, scale=1.3),
        "missing 2 -> 4 %": changed(calm(), first, missing=0.04),
        "five means +0.1 sd": changed(calm(), range(5), shift=0.1),
        "a category 30 -> 35 %": changed(calm(), category, levels=LEVELS),
        "a new category, 1 %": changed(calm(), category, new=0.01),
    }


def _delays(size: Size, pool: ProcessPoolExecutor) -> Table:
    charts = [*(e_detector(tolerance) for tolerance in TOLERANCES), *peers()]
    names = [f"e-detector, {tolerance}" for tolerance in TOLERANCES] + [chart.name for chart in peers()]
    title = f"windows of {ROWS} rows until an alarm, after a change in 1 of 25 features; run length {RUN_LENGTH}"
    table = Table("change", *names, title=title)
    thresholds = list(pool.map(partial(_threshold, size), range(len(charts))))
    for change in _changes():
        means = pool.map(partial(_delay, size, change, thresholds), range(len(charts)))
        table.add_row(change, *(f"{mean:.2f}" for mean in means))
    return table


def _chart(number: int) -> Chart:
    return [*(e_detector(tolerance) for tolerance in TOLERANCES), *peers()][number]


@cache
def _past(number: int) -> Reference:
    """Learn the reference of a stream, once in each process."""
    return reference_of(calm(), np.random.default_rng([SEED, 2, number]), PAST)


def _threshold(size: Size, number: int) -> float:
    """Find the threshold at which a chart alarms once in `RUN_LENGTH` null windows."""
    chart, added = _chart(number), []
    for stream in range(size.tuning):
        found, rng = _past(stream), np.random.default_rng([SEED, 6, stream])
        added.append(chart.added(found, windows(found, calm(), rng, ROWS, 400)))
    width = max(one.shape[1] for one in added)  # references keep alternatives of their own
    padded = np.stack([np.pad(one, ((0, 0), (0, width - one.shape[1])), constant_values=-1e6) for one in added])
    return _bisected(chart, padded)


def _bisected(chart: Chart, added: Floats) -> float:
    low, high, allowed = -50.0, 100.0, added.shape[0] * added.shape[1] / RUN_LENGTH
    for _ in range(24):
        middle = (low + high) / 2
        if (chart.paths(added, middle) >= middle).sum() > allowed:
            low = middle
        else:
            high = middle
    return high


BEFORE, AFTER = 10, 100


def _delay(size: Size, change: str, thresholds: list[float], number: int) -> float:
    """Give the mean number of windows from a change to the first alarm behind it; what is never seen counts as all."""
    chart, threshold, delays = _chart(number), thresholds[number], []
    for repeat in range(size.repeats):
        found = _past(repeat)
        rng = np.random.default_rng([SEED, 3, repeat])
        calm_ones, after = (
            windows(found, laws, rng, ROWS, n) for laws, n in ((calm(), BEFORE), (_changes()[change], AFTER))
        )
        levels = chart.paths(chart.added(found, np.concatenate([calm_ones, after]))[None], threshold)[0, BEFORE:]
        seen = np.flatnonzero(levels >= threshold)
        delays.append(int(seen[0]) + 1 if len(seen) else AFTER)
    return float(np.mean(delays))


def _word(size: Size, pool: ProcessPoolExecutor) -> Table:
    table = Table("what comes", "share confirmed", "aim", title="blips and what lasts, by the defaults of a policy")
    runs = size.references * 2
    for name, shift, bad, aim in _courses():
        found = list(pool.map(partial(_confirms, shift, bad), range(runs)))
        table.add_row(name, f"{sum(found) / runs:.3f}", aim)
    benign = sum(pool.map(_benign, range(size.references // 4)))
    table.add_row("a change within the zone, 10,000,000 rows a window: alarms", f"{benign}", "0")
    return table


def _courses() -> Iterator[tuple[str, float, int, str]]:
    yield "a window 0.5 sd off", 0.5, 1, "<= 0.01"
    yield "two windows 0.5 sd off", 0.5, 2, "<= 0.01"
    yield "0.2 sd off from then on", 0.2, 40, ">= 0.99"


THRESHOLDS = DriftThresholds(false_alarm_windows=10_000.0, tolerance=0.02)  #: the defaults of a policy


def _confirms(shift: float, bad: int, number: int) -> bool:
    found = _past(number % 20)
    rng = np.random.default_rng([SEED, 4, number])
    off = changed(calm(), range(3), shift=shift)
    counts = [windows(found, laws, rng, ROWS, n) for laws, n in ((calm(), 3), (off, bad), (calm(), 40 - min(bad, 40)))]
    return "confirmed" in _verdicts(found, np.concatenate(counts), ROWS)


def _verdicts(found: Reference, counts: Ints, rows: int) -> list[Verdict]:
    watch, said = DriftWatch.start(found, THRESHOLDS), []
    for number, one in enumerate(counts):
        watch, finding = watch.observe(number * rows, Profile(rows, one), THRESHOLDS)
        said.append(finding.verdict)
    return said


def _benign(number: int) -> int:
    """Count the alarms of 50 windows of ten million rows whose features differ by half of what is tolerated."""
    found = _past(number)
    rng, rows = np.random.default_rng([SEED, 5, number]), 10_000_000
    shift = THRESHOLDS.tolerance / 2 * math.sqrt(2 * math.pi)  # of a normal mean, to this distance in total variation
    counts = windows(found, changed(calm(), range(1), shift=shift), rng, rows, 50)
    return _verdicts(found, counts, rows).count("alarm")


if __name__ == "__main__":
    main()
