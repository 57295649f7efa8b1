"""Evaluates alarms on a folder of recorded streams: on twins in which nothing drifts, after dated changes, of sensors.

    python -m benchmarks.alarms --data DIR [--quick] [--streams a,b] [--parts twins,dates,sensors] [--jobs 2]

The folder holds `manifest.json`, as `benchmarks.evaluate` reads it, with `drift_points` and `fault_points` by row. Each
backtest is kept below `.cache/alarms`, by the content of code and data, so that an evaluation that was interrupted goes
on where it stopped.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.alarms import dates, losses, sensors, twins
from benchmarks.alarms.runs import RECORDED, Entry, Report, Run, reports
from benchmarks.detectors import aims
from benchmarks.detectors.aims import Line
from benchmarks.evaluate import QUICK

Reports = dict[tuple[str, str], Report]


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the evaluation: the backtests that it asks for, and what it reads from them."""

    runs: Callable[[], list[Run]]
    read: Callable[[Reports], tuple[list[Table], list[Line]]]


def main() -> int:
    """Run what is missing, print the tables, and say how many aims were missed."""
    options = _options()
    os.environ["OMP_NUM_THREADS"] = "1"
    entries = json.loads((options.data / "manifest.json").read_text(encoding="utf-8"))["datasets"]
    wanted = options.streams.split(",") if options.streams else (QUICK if options.quick else None)
    chosen = [entry for entry in entries if wanted is None or entry["name"] in wanted]
    seeds = twins.SEEDS[:1] if options.quick else twins.SEEDS
    parts = _parts(options.data, chosen, seeds)
    asked = [parts[name] for name in options.parts.split(",")]
    console = Console(width=150)
    runs = {run.key: run for part in asked for run in part.runs()}
    found = reports(options.data, runs.values(), options.jobs, lambda told: console.print(f"  {told}", style="dim"))
    return _show(console, [part.read(found) for part in asked if part.runs()])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with manifest.json")
    parser.add_argument("--quick", action="store_true", help="a few small streams and one seed")
    parser.add_argument("--streams", default="", help="names, separated by commas")
    parser.add_argument("--parts", default="twins,dates,sensors", help="of twins, dates and sensors")
    parser.add_argument("--jobs", type=int, default=2, help="streams at once")
    return parser.parse_args()


def _parts(data: Path, entries: list[Entry], seeds: tuple[int, ...]) -> dict[str, Part]:
    faulty = sensors.faulty(entries)
    return {
        "twins": Part(lambda: twins.runs(entries, seeds), lambda found: _twins(data, entries, seeds, found)),
        "dates": Part(lambda: dates.runs(entries, seeds), lambda found: _dates(entries, seeds, found)),
        "sensors": Part(lambda: [Run(entry) for entry in faulty], lambda found: _sensors(data, faulty, found)),
    }


def _twins(data: Path, entries: list[Entry], seeds: tuple[int, ...], found: Reports) -> tuple[list[Table], list[Line]]:
    orders = twins.orders(seeds)
    each = {one["name"]: [twins.Twin.of(found[one["name"], order.name]) for order in orders] for one in entries}
    return [twins.table(each)], [*twins.lines(each), *losses.lines(data, entries, seeds)]


def _dates(entries: list[Entry], seeds: tuple[int, ...], found: Reports) -> tuple[list[Table], list[Line]]:
    def read(name: str) -> Iterator[dates.Change]:
        for run in dates.runs(entries, seeds):
            if run.order.name == name:
                yield from dates.changes(run.entry, found[run.key])

    names = (RECORDED.name, *map(dates.alone, seeds))
    changes = {name: list(read(name)) for name in names}
    shown = [dates.table(f"dated changes, {name}", changes[name]) for name in names]
    only = [change for seed in seeds for change in changes[dates.alone(seed)]]
    return shown, [*dates.lines(RECORDED.name, changes[RECORDED.name]), *dates.lines(dates.ONLY, only)]


def _sensors(data: Path, entries: list[Entry], found: Reports) -> tuple[list[Table], list[Line]]:
    faults = [one for entry in entries for one in sensors.faults(data, entry, found[Run(entry).key])]
    return [sensors.table(faults)], list(sensors.lines(faults))


def _show(console: Console, parts: list[tuple[list[Table], list[Line]]]) -> int:
    lines = [line for _, some in parts for line in some]
    for tables, _ in parts:
        for table in tables:
            console.print(table)
    console.print(aims.table("alarms", lines))
    missed = sum(line.met is False for line in lines)
    console.print(f"{missed} aims missed")
    return min(missed, 1)


if __name__ == "__main__":
    raise SystemExit(main())
