"""What rows cost until they are a profile, and a window with all its tests beside Evidently and NannyML.

python -m benchmarks.profiles [--rounds 7] [--quick]

CPU seconds of one core, medians of interleaved rounds. Beside ours stand what reading the rows takes at least (their
sum) and what fixed bins take that are not exact. The others run in environments of their own, on the same rows, in
this run.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from itertools import cycle
from pathlib import Path

import numpy as np
import orjson
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmarks.peers.environment import environment
from monitoring.drift.departures import Departures
from monitoring.drift.watches import DriftWatch
from monitoring.profiles.aims import learn_projections
from monitoring.profiles.compiled import CompiledCounter
from monitoring.profiles.counting import ArrayCounter, Counter
from monitoring.profiles.learning import learn
from monitoring.profiles.logbins import count_durations
from monitoring.profiles.moments import Moments
from monitoring.profiles.newcomers import Newcomers
from monitoring.profiles.packing import packed
from monitoring.profiles.profile import Profile, loss_table, profile, repeated_rows
from monitoring.profiles.reference import Column, Reference
from monitoring.quality.habits import Habits, learn_habits
from monitoring.quality.inspection import Inspection
from monitoring.quality.resent import MEMORY, Trail, digests
from monitoring.quality.seen import Seen
from statemachine.policies.policy import Policy

Floats = NDArray[np.float64]
PAST, ROWS, NUMERIC, LEVELS, WINDOW = 50_000, 100_000, 20, (3, 8, 20, 50, 200), 1_000
PROJECTIONS = 8
COLUMNS = [
    *(Column(name=f"x{at}") for at in range(NUMERIC)),
    *(Column(name=f"c{levels}", kind="categorical", categories=levels) for levels in LEVELS),
]
SEED = 20261125
PEERS = {"evidently": 500, "nannyml": 50}  #: how many times their CPU seconds ours should go into
Measures = dict[str, tuple[Callable[[], object], int]]  #: what is run, and how many times at once


def rows_of(chance: np.random.Generator, rows: int) -> Floats:
    """Draw features and, last, an output; one row in fifty of the first feature is missing."""
    drawn = [chance.normal(size=(rows, NUMERIC)), *(chance.integers(0, k, rows) for k in LEVELS), chance.random(rows)]
    table = np.column_stack(drawn)
    table[::50, 0] = np.nan
    return table


def fixed_bins(rows: Floats) -> NDArray[np.int64]:
    """Count on 64 even bins: no quantiles, nothing exact, but all columns at once."""
    cells = np.clip(np.nan_to_num(rows) * 8 + 32, 0, 63).astype(np.int64) + 64 * np.arange(rows.shape[1])
    return np.bincount(cells.ravel(), minlength=64 * rows.shape[1])


def fixed_bins_in_stretches(rows: Floats) -> None:
    """Count on even bins what fits the cache at once."""
    for at in range(0, len(rows), 2_048):
        fixed_bins(rows[at : at + 2_048])


class Window:
    """A window with all that the service works out of it by default: profile, repeated rows, faults and drift."""

    def __init__(self, reference: Reference, habits: Habits, counter: Counter) -> None:
        self._reference, self._counter, self._policy = reference, counter, Policy()
        self._quality = Inspection.start(reference, habits, self._policy.quality)
        self._drift = DriftWatch.start(reference, self._policy.drift)
        self._departures = Departures.start(self._drift.dictionary)
        self._trail = Trail()

    def judge(self, rows: Floats) -> None:
        """Look at *rows*."""
        matrix, served = rows[:, :-1], rows[:, -1]
        found = profile(self._reference, matrix, served, self._counter)
        facts, repeats = self._quality.facts(matrix), repeated_rows(matrix, served)
        here = digests(matrix)
        resent, self._trail = self._trail.resent(here), self._trail.after(here)
        self._quality.observe(Seen(start_row=0, profile=found, repeats=repeats, facts=facts, resent=resent))
        evidence = self._drift.dictionary.evidence([found.counts])
        self._drift.observe(0, found, self._policy.drift, evidence)
        self._departures.observe(0, found, self._policy.drift, evidence)


def seconds(run: Callable[[], object], times: int) -> float:
    """Return the CPU seconds of one run."""
    begun = time.process_time()
    for _ in range(times):
        run()
    return (time.process_time() - begun) / times


def medians(measures: Measures, rounds: int) -> dict[str, float]:
    """Run everything once for nothing, then in interleaved rounds."""
    found: dict[str, list[float]] = {name: [] for name in measures}
    for run, _ in measures.values():
        run()
    for _ in range(rounds):
        for name, (run, times) in measures.items():
            found[name].append(seconds(run, times))
    return {name: statistics.median(each) for name, each in found.items()}


def peer(name: str, past: Floats, now: Floats, rounds: int) -> float:
    """Return the median CPU seconds of the other tool, by its own environment, on the same rows."""
    script = Path(__file__).parent / "peers" / f"{name}_window.py"
    with tempfile.TemporaryDirectory(prefix="remission-peers-") as folder:
        np.save(Path(folder) / "past.npy", past)
        np.save(Path(folder) / "now.npy", now)
        quiet = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore", "HOME": folder}
        quiet["NML_DISABLE_USAGE_LOGGING"] = "1"
        command = [str(environment(name)), str(script), folder, str(rounds)]
        said = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=quiet).stdout
    return float(statistics.median(json.loads(said.splitlines()[-1])))


def main() -> None:
    """Measure, and print figures beside their aims."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--quick", action="store_true", help="three rounds, and of the windows the small one")
    options = parser.parse_args()
    rounds = 3 if options.quick else options.rounds
    chance = np.random.default_rng(SEED)
    past, rows = rows_of(chance, PAST), rows_of(chance, ROWS)
    reference = learn(COLUMNS, past[:, :-1], past[:, -1])
    counters: dict[str, Counter] = {"numpy": ArrayCounter(reference), "numba": CompiledCounter(reference)}
    joint = learn_projections(reference, past[:, :-1], past[:, -1], PROJECTIONS)
    beside: dict[str, Counter] = {
        f"numpy, {PROJECTIONS} projections": ArrayCounter(reference, joint),
        f"numba, {PROJECTIONS} projections": CompiledCounter(reference, joint),
    }
    console = Console(width=120)
    console.print(throughput(counters | beside, rows, rounds))
    console.print(sizes(reference, counters["numpy"], rows[:WINDOW], rounds))
    for window in (WINDOW,) if options.quick else (WINDOW, 10 * WINDOW, ROWS):
        console.print(beside_peers(reference, counters, past, rows[:window], 1 if options.quick else 3))


def throughput(counters: dict[str, Counter], rows: Floats, rounds: int) -> Table:
    """Rows a second on one core, and what part of the least that could be done."""
    measures: Measures = {
        "sum of the rows": (rows.sum, 10),
        "64 even bins, numpy": (lambda: fixed_bins_in_stretches(rows), 1),
    }
    for name, counter in counters.items():
        measures[f"exact profile, {name}"] = (lambda c=counter: c.count(rows[:, :-1], rows[:, -1]), 1)  # type: ignore[misc]  # bound
    found = medians(measures, rounds)
    aims = {"exact profile, numpy": "≥ 3", "exact profile, numba": "≥ 8"}
    title = f"{len(rows):,} rows of {rows.shape[1] - 1} features and an output, one core, medians of {rounds} rounds"
    table = Table("what", "M rows/s", "of even bins", "of reading", "aim", title=title, header_style="bold")
    for name, each in found.items():
        ratios = [f"{found[other] / each:.3f}" for other in ("64 even bins, numpy", "sum of the rows")]
        table.add_row(name, f"{len(rows) / each / 1e6:.2f}", *ratios, aims.get(name, ""))
    return table


def sizes(reference: Reference, counter: Counter, rows: Floats, rounds: int) -> Table:
    """What a profile of a window takes to keep and to merge."""
    one = profile(reference, rows[:, :-1], rows[:, -1], counter)
    text = len(orjson.dumps(one.to_json()))
    two = Profile(one.rows, one.counts.copy())
    moments = Moments.of(reference, rows[:, :-1], rows[:, -1])
    delays, words = count_durations(rows[:, 0] ** 2 * 1e3), Newcomers.of(f"w{at}" for at in range(len(rows)))
    measures: Measures = {
        "profile": (lambda: one + two, 1_000), "counts": (lambda: one.counts + two.counts, 1_000),
        "moments": (lambda: moments + moments, 1_000), "durations": (lambda: delays + delays, 1_000),
        "newcomers": (lambda: words + words, 100),
    }  # fmt: skip
    found = medians(measures, rounds)
    table = Table("what", "figure", "aim", title=f"the profile of {len(rows):,} rows", header_style="bold")
    losses = loss_table(reference, rows[:, :-1], rows[:, -1], rows[:, -1].round(), np.full(len(rows), 1 << 19))
    joint = len(orjson.dumps(losses.to_json()))
    table.add_row("bytes of JSON, as evidence holds it", f"{text:,}", "≤ 4,096")
    table.add_row("beside it, of a diagnosis: bytes of losses by label and bin", f"{joint:,}", "")
    beside = {"moments": moments.to_json(), "durations": packed(delays), "newcomers": words.to_json()}
    for name, told in beside.items():
        table.add_row(f"beside it, {name}: bytes", f"{len(orjson.dumps(told)):,}", "")
    table.add_row("µs to merge two profiles", f"{found['profile'] * 1e6:.2f}", "≤ 2")
    table.add_row("µs of that for the counts", f"{found['counts'] * 1e6:.2f}", "≤ 2")
    for name in beside:
        table.add_row(f"µs to merge {name}", f"{found[name] * 1e6:.2f}", "")
    return table


def beside_peers(reference: Reference, counters: dict[str, Counter], past: Floats, now: Floats, rounds: int) -> Table:
    """A window with all its tests, ours and theirs."""
    habits = learn_habits(COLUMNS, past[:, :-1], len(now))
    windows = {name: Window(reference, habits, counter) for name, counter in counters.items()}
    # Rows that come again are a fault, and cost more to look at: hence as many windows as are remembered, and one more.
    chance = np.random.default_rng(SEED)
    fresh = cycle([now, *(rows_of(chance, len(now)) for _ in range(MEMORY))])
    ours = medians({n: (lambda w=one: w.judge(next(fresh)), 5) for n, one in windows.items()}, 5)  # type: ignore[misc]  # bound
    title = f"a window of {len(now):,} rows with all its tests, CPU"
    table = Table("who", "ms", "by ours, numpy", "by ours, numba", "aim", title=title, header_style="bold")
    for name, each in ours.items():
        table.add_row(f"ours, {name}", f"{each * 1e3:.2f}", "", "", "")
    for name, aim in PEERS.items():
        theirs = peer(name, past, now, rounds)
        ratios = [f"{theirs / ours[mine]:,.0f}" for mine in ("numpy", "numba")]
        table.add_row(name, f"{theirs * 1e3:,.1f}", *ratios, f"≥ {aim}")
    return table


if __name__ == "__main__":
    main()
