"""Dated changes: whether an alarm follows each, how soon, and whether it is dated right.

The manifest dates changes (`drift_points`). Counted are those behind the reference that it does not call transient. A
change reaches to the next date. Its alarm is the first one raised behind the date that led to a decline. A stream moves
for other reasons as well, so each is looked at twice: as recorded, and with each part between dates shuffled within
itself, where the dated change is the only one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from benchmarks.alarms.runs import RECORDED, Entry, Order, Report, Run
from benchmarks.detectors.aims import Line
from statemachine.policy import Policy

SEED = 1
ONLY = "with no other change"
#: What the onset may be off by, and the share of changes that are dated so.
MOST_WINDOWS_OFF, LEAST_DATED = 2.0, 0.8
DECLINE = ("confirmed", "unresolved")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One dated change, and the decline that followed it, if any did."""

    stream: str
    row: int
    end: int  #: the row of the next date, or the end of the stream
    window: int
    before: int  #: declines alarmed between the last date, or the reference, and this one
    state: str  #: of the model when the change came
    alarm: dict[str, Any] | None

    @property
    def delay(self) -> float | None:
        """Windows from the date to the alarm."""
        return (self.alarm["row"] - self.row) / self.window if self.alarm else None

    @property
    def off(self) -> float | None:
        """Windows from the date to the onset that the alarm tells."""
        return (self.alarm["onset_row"] - self.row) / self.window if self.alarm else None

    @property
    def dated(self) -> bool:
        """Say whether the onset lies within two windows of the date."""
        return self.off is not None and abs(self.off) <= MOST_WINDOWS_OFF


def dated_rows(entry: Entry) -> list[int]:
    """Give the rows of lasting changes behind the reference."""
    reference_rows = int(entry["rows"] * 0.2)
    points = [one for one in entry["drift_points"] if "transient" not in str(one)]
    return sorted(one["row"] for one in points if one["row"] >= reference_rows)


def apart(entry: Entry) -> Order:
    """Give the order in which nothing changes but at the dates."""
    cuts = sorted(one["row"] for one in entry["drift_points"] if "transient" not in str(one))
    return Order(ONLY, SEED, tuple(cuts))


def runs(entries: Sequence[Entry]) -> list[Run]:
    """Give the streams with dated changes, in both orders."""
    return [Run(entry, order) for entry in entries if dated_rows(entry) for order in (RECORDED, apart(entry))]


def changes(entry: Entry, report: Report) -> list[Change]:
    """Hold a backtest's alarms against the dates of its stream."""
    borders = [report["reference_rows"], *dated_rows(entry), report["rows"]]
    return [_change(entry["name"], report, *three) for three in zip(borders, borders[1:], borders[2:], strict=False)]


def _change(stream: str, report: Report, last: int, row: int, end: int) -> Change:
    declines = [one for one in report["alarms"] if one["verdict"] in DECLINE]
    return Change(
        stream=stream, row=row, end=end, window=Policy().windows.rows_for(report["reference_rows"]),
        before=sum(last <= one["row"] < row for one in declines), state=_state_at(report, row),
        alarm=next((one for one in declines if row <= one["row"] < end), None),
    )  # fmt: skip


def _state_at(report: Report, row: int) -> str:
    """Say in which state the model was when the row before *row* had come."""
    passed = [move["to"] for move in report["transitions"] if move["row"] < row]
    return str(passed[-1]).split(".", maxsplit=1)[0] if passed else "healthy"


def table(title: str, found: Sequence[Change]) -> Table:
    """Show each change."""
    columns = ("stream", "row", "until", "state", "declines before", "alarm", "delay", "onset off", "dated", "cause")
    shown = Table(*columns, title=title)
    for one in found:
        alarm = one.alarm or {"signal": "none", "cause": ""}
        delay, off = ("-" if value is None else f"{value:.1f}" for value in (one.delay, one.off))
        shown.add_row(
            one.stream, f"{one.row:,}", f"{one.end:,}", one.state, str(one.before), alarm["signal"], delay, off,
            "yes" if one.dated else "[red]no[/red]", alarm["cause"],
        )  # fmt: skip
    return shown


def lines(how: str, found: Sequence[Change]) -> Iterator[Line]:
    """Hold the changes to their aims."""
    note = f"{len(found)} changes"
    followed = sum(one.alarm is not None for one in found) / len(found)
    yield Line(what=f"a decline is alarmed behind the date, {how}", reached=followed, note=note)
    sober = sum(one.before == 0 for one in found) / len(found)
    yield Line(what=f"and none before it, {how}", reached=sober, note=note)
    dated = sum(one.dated for one in found) / len(found)
    yield Line(what=f"the onset lies within two windows of the date, {how}", reached=dated, at_least=LEAST_DATED)
    answered = [one.dated for one in found if one.alarm is not None]
    if answered:
        note = f"{sum(answered)} of {len(answered)}"
        yield Line(what=f"of changes that are alarmed, {how}", reached=sum(answered) / len(answered), note=note)
