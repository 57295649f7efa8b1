"""Sensor faults that the manifest lists (`fault_points`): whether each is named as one, and starts no retraining.

Rows with one fault that lie in one window are one fault; the manifest's text begins with the name of the column. A
fault is *found* where the judge of quality reports its feature in its window or the next one, *named* where the service
has noted a fault of that feature by then, or raised an alarm of quality about it. *Retrained* says that an alarm of
that time began a remedy.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from rich.table import Table

from benchmarks.alarms.runs import Entry, Report, Run, stream_in
from benchmarks.detectors.aims import Line
from benchmarks.faults import Reports, World
from statemachine.words import Signal

LATE_WINDOWS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Faulty rows of one column within one window."""

    stream: str
    feature: str
    what: str
    first_row: int
    rows: int
    window: int
    found: tuple[str, ...]  #: the kinds that the judge of quality reports of the feature
    named: bool
    retrained: bool


def faulty(entries: Sequence[Entry]) -> list[Entry]:
    """Give the streams whose sensors failed."""
    return [entry for entry in entries if entry.get("fault_points")]


def faults(data: Path, entry: Entry, report: Report) -> list[Fault]:
    """Hold a backtest's alarms, and what the judge of quality says without one, against the listed faults."""
    world = World.of(stream_in(data, Run(entry)))
    told, first = world.reports(world.rows), report["reference_rows"]

    def place(point: dict[str, Any]) -> tuple[str, int]:
        return point["what"], (point["row"] - first) // world.window

    grouped = groupby(sorted(entry["fault_points"], key=place), key=place)
    return [_fault(world, told, report, what, [one["row"] for one in some]) for (what, _), some in grouped]


def _fault(world: World, reports: Reports, report: Report, what: str, rows: list[int]) -> Fault:
    feature, number = what.split(maxsplit=1)[0], (rows[0] - world.reference_rows) // world.window
    near = range(number, number + LATE_WINDOWS)
    until = world.reference_rows + near.stop * world.window
    here = [one for one in report["alarms"] if rows[0] <= one["row"] < until]
    noted = [one for one in report["noted"] if rows[0] <= one["row"] < until]
    told = [*noted, *(one for one in here if one["signal"] == Signal.QUALITY)]
    kinds = {kind for each in near for name, kind in reports.get(each, set()) if name == feature}
    named = any(feature in one["subject"].split(", ") for one in told)
    return Fault(
        stream=world.name, feature=feature, what=what, first_row=min(rows), rows=len(rows), window=world.window,
        found=tuple(sorted(kinds)), named=named, retrained=any(one["retrained"] for one in here),
    )  # fmt: skip


def table(found: Sequence[Fault]) -> Table:
    """Show each fault."""
    columns = ("stream", "feature", "what", "first row", "rows", "of a window", "found as", "named", "retrained")
    shown = Table(*columns, title="sensor faults that the manifest lists")
    for one in found:
        said = (", ".join(one.found) or "-", "yes" if one.named else "[red]no[/red]")
        size = (f"{one.first_row:,}", str(one.rows), f"{one.window:,}")
        shown.add_row(one.stream, one.feature, one.what, *size, *said, "yes" if one.retrained else "no")
    return shown


def lines(found: Sequence[Fault]) -> Iterator[Line]:
    """Hold the faults to their aims."""
    note = f"{len(found)} faults"
    named = sum(one.named for one in found) / len(found)
    yield Line(what="sensor faults named as faults of quality", reached=named, at_least=1, note=note)
    yield Line(what="remedies that they began", reached=sum(one.retrained for one in found), at_most=0, note=note)
