"""What a watch takes to decide about a window, one by one and many at once.

python -m benchmarks.decisions [--rounds 7] [--quick]

CPU seconds of one core, medians of interleaved rounds; both ways are shown the same windows in the same state, and must
say the same to the bit, and so must many at once by numba. Windows come as profiles: what rows cost until they are one
tells `benchmarks.profiles`. Batched, the evidence of those who have nothing to tell is not in the measure: it is worked
out when somebody asks.

Batched, no decision is made for less than what its tables take to be read; where no two features share one, that is
most of it. By numba they are bytes, an eighth of it.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import orjson
from rich.console import Console
from rich.table import Table

from benchmarks.profiles import COLUMNS, SEED, rows_of
from monitoring.drift.compiled import WAY
from monitoring.drift.departures import Departures
from monitoring.drift.fleet import AT_ONCE, Fleet, Way
from monitoring.drift.watches import DriftWatch, Sight, Told
from monitoring.profiles.alternatives import shares
from monitoring.profiles.learning import learn
from monitoring.profiles.profile import Profile
from monitoring.profiles.reference import Floats, Reference
from statemachine.policies.policy import Policy
from statemachine.policies.sections import Drift

PAST, ROWS, POOL = 50_000, 1_000, 2_000
MODELS, AIM_US = (1, 100, 10_000), 10
#: Models with tables of their own are fewer: ten thousand would want gigabytes, and a hundred fit no cache either.
OWN_TABLES = (100, 1_000)
LEAST = 200  #: decisions in a measure, so that few models are asked more than once
POLICY = Policy().drift
#: By which a suspicion stays one, however many windows of nothing are shown: what is clear changes the question.
LASTING = replace(POLICY, clear=1e300)
ALONE, BATCHED, COMPILED = "one by one", "batched", "by numba"
#: How many models are asked at once.
WAYS: dict[str, Way | None] = {BATCHED: None, COMPILED: WAY}


class Crowd:
    """Watches that are shown a window each in every round, and what it took, in µs a watch."""

    def __init__(self, name: str, watches: Sequence[DriftWatch], policy: Drift = POLICY) -> None:
        self.name, self._policy, self.count = name, policy, len(watches)
        self._times = max(1, LEAST // self.count)
        #: Held from round to round, as whoever has fleets does; where few models are asked, several that are equal.
        self._fleets = {way: [Fleet(watches, ask) for _ in range(self._times)] for way, ask in WAYS.items()}
        self.took = {way: list[float]() for way in (ALONE, *WAYS)}

    def look(self, windows: Sequence[Profile], number: int) -> None:
        """Show each watch its window of round *number*, in every way.

        Raises:
            RuntimeError: They do not say the same, or ask another question from now on.
        """
        row = number * ROWS
        sights = [
            Sight(row, windows[(number * self.count + at) % len(windows)], self._policy) for at in range(self.count)
        ]
        watches = list(self._fleets[BATCHED][0].watches)
        begun = time.process_time()
        for _ in range(self._times):
            single = [watch.observe(row, one.window, one.policy) for watch, one in zip(watches, sights, strict=True)]
        took, told = {ALONE: time.process_time() - begun}, {ALONE: single}
        for way, fleets in self._fleets.items():
            begun = time.process_time()
            loud = [fleet.observe(sights) for fleet in fleets]
            took[way] = time.process_time() - begun
            told[way] = list(zip(fleets[0].watches, fleets[0].findings(sights, loud[0]), strict=True))
        for way, seconds in took.items() if number else ():  # the first round is for nothing
            self.took[way].append(seconds / self._times / self.count * 1e6)
        if any(_told(each) != _told(single) for each in told.values()):
            message = f"{self.name}: many at once were told otherwise than one by one"
            raise RuntimeError(message)
        if any(finding.verdict in ("alarm", "cleared") for _, finding in single) and self._policy is LASTING:
            message = f"{self.name}: a suspicion was over"
            raise RuntimeError(message)


def _told(told: Sequence[Told]) -> list[bytes]:
    return [orjson.dumps([watch.to_json(), finding.to_json()]) for watch, finding in told]


def crowds(start: DriftWatch, *, quick: bool) -> list[Crowd]:
    """Give watches of one model's tables, under suspicion as well, and watches with tables of their own."""
    suspect = start._replace(phase="suspect", accused=0, onset_row=0)
    most = MODELS[:-1] if quick else MODELS
    found = [Crowd(f"{count:,}", [start] * count) for count in most]
    found.append(Crowd(f"{MODELS[1]:,}, all under suspicion", [suspect] * MODELS[1], LASTING))
    fewer = OWN_TABLES[:1] if quick else OWN_TABLES
    own = [Crowd(f"{count:,}, each with tables of its own", _apart(start, count)) for count in fewer]
    unlike = [Crowd(f"{count:,}, and no two features share one", _apart(start, count, unlike=True)) for count in fewer]
    return [*found, *own, *unlike]


def _apart(watch: DriftWatch, count: int, *, unlike: bool = False) -> list[DriftWatch]:
    return [_copied(watch, unlike=unlike) for _ in range(count)]


def _copied(watch: DriftWatch, *, unlike: bool) -> DriftWatch:
    tables = watch.dictionary.tables
    held = [
        (run, np.repeat(run.values, run.features // len(run.values) if unlike else 1, axis=0)) for run in tables.runs
    ]
    own = replace(tables, runs=tuple(run._replace(values=values.copy()) for run, values in held))
    return watch._replace(dictionary=replace(watch.dictionary, tables=own))


def drawn(reference: Reference, chance: np.random.Generator) -> list[Profile]:
    """Draw windows from the reference itself: nothing is wrong with most models most of the time."""
    laws = [np.array(shares(feature)) for feature in reference.features]
    counts = [chance.multinomial(ROWS, law / law.sum(), size=POOL) for law in laws]
    return [Profile(ROWS, one) for one in np.concatenate(counts, axis=1).astype(np.int64)]


def main() -> None:
    """Measure, and print figures beside the aim."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--quick", action="store_true", help="three rounds, and no thousands of models")
    options = parser.parse_args()
    rounds = 3 if options.quick else options.rounds
    chance = np.random.default_rng(SEED)
    past = rows_of(chance, PAST)
    reference = learn(COLUMNS, past[:, :-1], past[:, -1])
    start, windows = DriftWatch.start(reference, POLICY), drawn(reference, chance)
    asked = crowds(start, quick=options.quick)
    alone: dict[str, list[float]] = {"counts times tables alone": [], "reading tables alone, where none is shared": []}
    both = list[tuple[float, float]]()
    most = unshared(start)
    for number in range(rounds + 1):
        for one in asked:
            one.look(windows, number)
        for found, each in zip(alone.values(), (products(start, windows), reading(most)), strict=True):
            found.append(each)
        both.append(with_departures(start, windows))
    shown = table(asked, start, rounds)
    twice, once = (statistics.median(each) for each in zip(*both, strict=True))
    both_ways = [f"{each:.1f}" for each in (twice, once, twice / once)]
    shown.add_row("1, and what departs: asked twice, once", *both_ways[:2], "", both_ways[2], "")
    for name, took in alone.items():
        shown.add_row(name, "", f"{statistics.median(took):.1f}", "", "", "")
    Console(width=120).print(shown)


def with_departures(watch: DriftWatch, windows: Sequence[Profile]) -> tuple[float, float]:
    """Return what a watch and departures take, in µs a window: where the dictionary is asked twice, and once."""
    departures, some = Departures.start(watch.dictionary), windows[:LEAST]
    begun = time.process_time()
    for one in some:
        watch.observe(0, one, POLICY)
        departures.observe(0, one, POLICY)
    between = time.process_time()
    for one in some:
        evidence = watch.dictionary.evidence([one.counts])
        watch.observe(0, one, POLICY, evidence)
        departures.observe(0, one, POLICY, evidence)
    ended = time.process_time()
    return (between - begun) / len(some) * 1e6, (ended - between) / len(some) * 1e6


def unshared(watch: DriftWatch) -> Floats:
    """Return the tables of as many watches as have tables of their own, where no two features share one.

    That is what is read of them: of narrow alternatives there are none.
    """
    held = _copied(watch, unlike=True).dictionary.tables
    read = [run.values[..., :wide].ravel() for run, wide in zip(held.runs, held.parted.wide, strict=True)]
    return np.tile(np.concatenate(read), (OWN_TABLES[0], 1))


def reading(tables: Floats) -> float:
    """Return what reading *tables*, a line a watch, takes alone, in µs a watch."""
    begun = time.process_time()
    tables.sum()
    return (time.process_time() - begun) / len(tables) * 1e6


def products(watch: DriftWatch, windows: Sequence[Profile]) -> float:
    """Return what counts times tables take alone, in µs a window: no decision is made for less."""
    counts = [window.counts for window in windows]
    begun = time.process_time()
    for at in range(0, len(counts), AT_ONCE):
        watch.dictionary.evidence(counts[at : at + AT_ONCE])
    return (time.process_time() - begun) / len(counts) * 1e6


def table(asked: Sequence[Crowd], start: DriftWatch, rounds: int) -> Table:
    """Tell what a decision takes, and how many times less it takes in company."""
    features, alternatives = len(start.dictionary.reference.features) - 1, len(start.sums)
    title = (
        f"µs of a core to decide about a window of {ROWS:,} rows: {features} features and an output,"
        f" {alternatives} alternatives, medians of {rounds} rounds"
    )
    shown = Table("models at once", ALONE, *WAYS, "times", "aim", title=title, header_style="bold")
    for one in asked:
        took = {way: statistics.median(each) for way, each in one.took.items()}
        aim = f"≤ {AIM_US}" if one.count >= MODELS[1] else ""
        shown.add_row(one.name, *(f"{each:.1f}" for each in (*took.values(), took[ALONE] / took[BATCHED])), aim)
    return shown


if __name__ == "__main__":
    main()
