"""Plants faults of each kind in the public streams, and tells what the judge of quality makes of them.

    python -m benchmarks.faults --data DIR [--streams a,b]

Each fault begins half way, in one feature that the stream chooses by its seed, and lasts for five windows. *Found* is a
fault that is reported of that feature while it lasts and is not reported where nothing is planted; *named* is one of
the right kind. *Elsewhere* counts findings about other features that the planted fault alone has brought. The last line
tells what is reported with nothing planted: much of it is drift out of the reference's range.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.table import Table

from backtest.stream import Stream, read_stream
from monitoring.drift.streams import ROW
from monitoring.profiles.learning import learn
from monitoring.profiles.profile import profile, repeated_rows
from monitoring.profiles.reference import OUTPUT, Column, Reference
from monitoring.quality.habits import Habits, learn_habits
from monitoring.quality.inspection import Inspection
from monitoring.quality.resent import Trail, digests
from monitoring.quality.seen import Seen
from statemachine.policies.policy import Policy
from statemachine.policies.sections import FAULTS as FURTHER
from statemachine.policies.sections import Quality

Floats = npt.NDArray[np.float64]
Reports = dict[int, set[tuple[str, str]]]  #: by window, the features and kinds that are reported
Plant = Callable[[Floats, Floats, np.random.Generator], Floats]

WINDOWS = 5  #: that a fault lasts
LEAST_DISTINCT = 65  #: values that a feature has in the reference, so that it counts as measured


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to values, given the reference's and chance; the kind that names it; what it happens to."""

    kind: str
    plant: Plant
    on: str = "numeric"


def _some(values: Floats, chance: np.random.Generator, share: float, code: float) -> Floats:
    return np.where(chance.uniform(size=len(values)) < share, code, values)


def _one(values: Floats, chance: np.random.Generator, value: float) -> Floats:
    return np.where(np.arange(len(values)) == chance.integers(len(values)), value, values)


FAULTS: dict[str, Fault] = {
    "missing, 3 of 10": Fault("missing", lambda v, _, c: _some(v, c, 0.3, np.nan)),
    "infinite, 1 of 10": Fault("invalid", lambda v, _, c: _some(v, c, 0.1, np.inf)),
    "-9999, 1 of 10": Fault("sentinel", lambda v, _, c: _some(v, c, 0.1, -9999.0)),
    "the least value, 3 of 10": Fault("sentinel", lambda v, r, c: _some(v, c, 0.3, float(np.nanmin(r)))),
    "the median, 3 of 10": Fault("sentinel", lambda v, r, c: _some(v, c, 0.3, float(np.nanmedian(r)))),
    "times 1000": Fault("unit", lambda v, _r, _c: v * 1000),
    "times 10": Fault("unit", lambda v, _r, _c: v * 10),
    "divided by 10": Fault("unit", lambda v, _r, _c: v / 10),
    "Celsius to Fahrenheit": Fault("unit", lambda v, _r, _c: v * 1.8 + 32),
    "stuck at its last value": Fault("stuck", lambda v, _r, _c: np.full_like(v, v[np.isfinite(v)][0])),
    "a new word, 3 of 10": Fault("new_category", lambda v, r, c: _some(v, c, 0.3, float(np.nanmax(r)) + 1), "word"),
    "each row twice": Fault("duplicate", lambda v, _r, _c: np.repeat(v, 2)[: len(v)], "row"),
    "each row again a window later": Fault("resent", lambda v, _r, _c: np.tile(v[: len(v) // WINDOWS], WINDOWS), "row"),
    "a thousand ranges off, 1 row": Fault(
        "absurd", lambda v, r, c: _one(v, c, float(np.nanmax(r) + 1e3 * np.ptp(r[np.isfinite(r)])))
    ),
    "-9999, 1 row": Fault("absurd", lambda v, _, c: _one(v, c, -9999.0)),
}


@dataclass(slots=True)
class Tally:
    """What became of one kind of fault over the streams."""

    planted: int = 0
    found: int = 0
    named: int = 0
    delays: list[int] = field(default_factory=list)
    elsewhere: int = 0
    called: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """A stream as the judge sees it."""

    name: str
    columns: tuple[Column, ...]
    rows: Floats
    reference_rows: int
    window: int
    reference: Reference
    habits: Habits
    policy: Policy

    @classmethod
    def of(cls, stream: Stream) -> World:
        """Learn the reference of *stream*; with no model, the outputs are zero and tell nothing."""
        first = stream.reference_rows
        columns = tuple(_declared(one.name, one.words, one.values[:first]) for one in stream.columns)
        rows = np.column_stack(
            [np.where(_missing(one.values, one.words), np.nan, one.values) for one in stream.columns]
        )
        policy = replace(Policy(), quality=Quality(looks_for=FURTHER))
        reference, window = learn(columns, rows[:first], np.zeros(first)), policy.windows.rows_for(first)
        habits = learn_habits(columns, rows[:first], window)
        return cls(stream.name, columns, rows, first, window, reference, habits, policy)

    def reports(self, rows: Floats) -> Reports:
        """Judge the windows of *rows* behind the reference."""
        watch, found = Inspection.start(self.reference, self.habits, self.policy.quality), Reports()
        trail = Trail.of(rows[: self.reference_rows], self.window)
        for number, first in enumerate(range(self.reference_rows, len(rows) - self.window + 1, self.window)):
            part, outputs = rows[first : first + self.window], np.zeros(self.window)
            seen = Seen(
                start_row=first, profile=profile(self.reference, part, outputs),
                repeats=repeated_rows(part, outputs), facts=watch.facts(part), resent=trail.resent(digests(part)),
            )  # fmt: skip
            trail = trail.after(digests(part))
            watch, faults = watch.observe(seen)
            found[number] = {(one.feature, one.kind) for one in faults if one.feature != OUTPUT}
        return found

    def targets(self, on: str) -> list[int]:
        """Give the features that a fault can happen to."""
        if on == "row":
            return list(range(len(self.columns)))
        kind = "numeric" if on == "numeric" else "categorical"
        known = [np.unique(part[np.isfinite(part)]) for part in self.rows[: self.reference_rows].T]
        least = LEAST_DISTINCT if on == "numeric" else 1
        return [i for i, one in enumerate(self.columns) if one.kind == kind and len(known[i]) >= least]

    def planted(self, fault: Fault, seed: int) -> tuple[str, int, Floats] | None:
        """Give where *fault* happens, its first window, and the rows with it; None where it can happen to nothing."""
        targets, chance = self.targets(fault.on), np.random.default_rng(seed)
        middle = (len(self.rows) - self.reference_rows) // self.window // 2
        if not targets or middle < WINDOWS:
            return None
        start = self.reference_rows + middle * self.window
        span, rows = slice(start, start + WINDOWS * self.window), self.rows.copy()
        chosen = targets if fault.on == "row" else [targets[int(chance.integers(len(targets)))]]
        for i in chosen:
            rows[span, i] = fault.plant(rows[span, i], self.rows[: self.reference_rows, i], chance)
        return ROW if fault.on == "row" else self.columns[chosen[0]].name, middle, rows


def _declared(name: str, words: tuple[str, ...] | None, values: npt.NDArray[Any]) -> Column:
    if words is None:
        return Column(name=name)
    return Column(name=name, kind="categorical", categories=int(values.max(initial=-1)) + 1)


def _missing(values: npt.NDArray[Any], words: tuple[str, ...] | None) -> npt.NDArray[np.bool_]:
    return np.isnan(values) if words is None else values < 0


def count(tally: Tally, kind: str, where: str, first: int, plain: Reports, broken: Reports) -> None:
    """Add to *tally* what was reported of a fault of *where* in the windows from *first* on, and was not before."""
    fresh = {number: broken[number] - plain[number] for number in range(first, first + WINDOWS)}
    hits = [number for number, found in fresh.items() if any(name == where for name, _ in found)]
    kinds = {one for found in fresh.values() for name, one in found if name == where}
    tally.planted += 1
    tally.found += bool(hits)
    tally.named += kind in kinds
    tally.delays += [hits[0] - first + 1] if hits else []
    tally.elsewhere += len({one for found in fresh.values() for one in found if one[0] != where})
    for one in kinds:
        tally.called[one] = tally.called.get(one, 0) + 1


def evaluate(worlds: Iterator[World]) -> tuple[dict[str, Tally], int, Counter[str]]:
    """Plant every fault in every world; give tallies, the windows, and by kind how many report with nothing planted."""
    tallies, windows, loud = {name: Tally() for name in FAULTS}, 0, Counter[str]()
    for world in worlds:
        plain = world.reports(world.rows)
        windows += len(plain)
        loud.update(kind for found in plain.values() for kind in {kind for _, kind in found})
        for seed, (name, fault) in enumerate(FAULTS.items()):
            made = world.planted(fault, seed)
            if made is not None:
                where, first, rows = made
                count(tallies[name], fault.kind, where, first, plain, world.reports(rows))
    return tallies, windows, loud


def _worlds(data: Path, wanted: list[str]) -> Iterator[World]:
    for entry in json.loads((data / "manifest.json").read_text(encoding="utf-8"))["datasets"]:
        if not wanted or entry["name"] in wanted:
            left_out = tuple(entry["drop_columns"])
            yield World.of(read_stream(data / entry["file"], entry["target"], task=entry["task"], drop=left_out))


def _show(tallies: dict[str, Tally], windows: int, loud: Counter[str]) -> None:
    table = Table("fault", "streams", "found", "named", "windows to find it", "called", "elsewhere", title="faults")
    for name, one in tallies.items():
        called = ", ".join(f"{kind} {n}" for kind, n in sorted(one.called.items()))
        delay = f"{np.median(one.delays):g}, at most {max(one.delays)}" if one.delays else "-"
        table.add_row(name, str(one.planted), str(one.found), str(one.named), delay, called, str(one.elsewhere))
    console = Console(width=150)
    console.print(table)
    told = ", ".join(f"{kind} in {number}" for kind, number in sorted(loud.items())) or "nothing"
    console.print(f"of {windows} windows with nothing planted: {told}")


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with manifest.json")
    parser.add_argument("--streams", default="", help="names, separated by commas")
    options = parser.parse_args()
    _show(*evaluate(_worlds(options.data, [one for one in options.streams.split(",") if one])))
    return 0


if __name__ == "__main__":
    sys.exit(main())
