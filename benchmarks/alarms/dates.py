"""Dated changes: whether an alarm follows each, how soon, and whether it is dated right.

The manifest dates changes (`drift_points`). Counted are those behind the reference that it does not call transient. A
change reaches to the next date. It is *told* by the first thing that the service puts on record behind the date: an
alarm, whatever becomes of it, drift that it notes and that raises none, since labels tell what it costs, or a loss that
it notes to have moved anew within an incident. Whoever reads the log is told of each at once, with its onset. Beside
that stands the stricter count of before: the first alarm that led to a decline, which is not to be had of a change that
costs nothing. A stream moves for other reasons as well, so each change is looked at twice: as recorded, and with each
part between dates shuffled within itself, where it is the only one; over three shuffles, so that a lucky one does not
count. A service that tells something all the time would be right by chance: so what is told before a date is counted,
and how often the same record would answer any other row of the stream as well as it does the date.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from benchmarks.alarms.runs import RECORDED, Entry, Order, Report, Run
from benchmarks.detectors.aims import Line
from statemachine.policies.policy import Policy

SEEDS = (1, 2, 3)
ONLY = "with no other change"
#: What the onset may be off by, and the share of changes that are dated so.
MOST_WINDOWS_OFF, LEAST_DATED = 2.0, 0.8
DECLINE = ("confirmed", "unresolved")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The first that was told behind a date, in windows of its stream."""

    what: str
    cause: str
    delay: float  #: from the date to when it was told
    off: float  #: from the date to the onset that it tells

    @property
    def dated(self) -> bool:
        """Say whether the onset lies within two windows of the date."""
        return abs(self.off) <= MOST_WINDOWS_OFF


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One dated change, and how it was answered, if it was."""

    stream: str
    row: int
    end: int  #: the row of the next date, or the end of the stream
    state: str  #: of the model when the change came
    told: Answer | None  #: by an alarm, or by drift or a loss that is noted
    decline: Answer | None  #: by an alarm that led to a decline
    told_before: int  #: between the last date, or the reference, and this one
    declines_before: int
    chance: float  #: share of the stream's rows that would be told as well, were they the date


def dated_rows(entry: Entry) -> list[int]:
    """Give the rows of lasting changes behind the reference."""
    reference_rows = int(entry["rows"] * 0.2)
    points = [one for one in entry["drift_points"] if "transient" not in str(one)]
    return sorted(one["row"] for one in points if one["row"] >= reference_rows)


def alone(seed: int) -> str:
    """Name the order by *seed* in which each dated change is the only one."""
    return f"{ONLY}, shuffled by {seed}"


def apart(entry: Entry, seed: int) -> Order:
    """Give the order in which nothing changes but at the dates."""
    cuts = sorted(one["row"] for one in entry["drift_points"] if "transient" not in str(one))
    return Order(alone(seed), seed, tuple(cuts))


def runs(entries: Sequence[Entry], seeds: Sequence[int]) -> list[Run]:
    """Give the streams with dated changes, as recorded and by each of *seeds*."""
    dated = [entry for entry in entries if dated_rows(entry)]
    return [Run(entry, order) for entry in dated for order in (RECORDED, *(apart(entry, seed) for seed in seeds))]


def changes(entry: Entry, report: Report) -> list[Change]:
    """Hold a backtest's alarms against the dates of its stream."""
    borders = [report["reference_rows"], *dated_rows(entry), report["rows"]]
    return [_change(entry["name"], report, *three) for three in zip(borders, borders[1:], borders[2:], strict=False)]


def _change(stream: str, report: Report, last: int, row: int, end: int) -> Change:
    window = Policy().windows.rows_for(report["reference_rows"])
    declines = [one for one in report["alarms"] if one["verdict"] in DECLINE]
    notes = [*_noted(report["drifted"], "drift noted"), *_noted(report["moved"], "loss noted")]
    told = sorted([*report["alarms"], *notes], key=lambda one: int(one["row"]))
    return Change(
        stream=stream, row=row, end=end, state=_state_at(report, row),
        told=_answer(told, row, end, window), decline=_answer(declines, row, end, window),
        told_before=sum(last <= one["row"] < row for one in told),
        declines_before=sum(last <= one["row"] < row for one in declines), chance=_chance(told, report, window),
    )  # fmt: skip


def _chance(told: Sequence[dict[str, Any]], report: Report, window: int) -> float:
    """Say at which share of rows, one a window, a date would be told within two windows."""
    rows = range(report["reference_rows"], report["rows"], window)
    answers = [_answer(told, row, report["rows"], window) for row in rows]
    return sum(one is not None and one.dated for one in answers) / len(rows)


def _noted(notes: Sequence[dict[str, Any]], signal: str) -> list[dict[str, Any]]:
    """Tell what was noted as an alarm is told."""
    return [{**one, "signal": signal, "cause": ""} for one in notes]


def _answer(told: Sequence[dict[str, Any]], row: int, end: int, window: int) -> Answer | None:
    first = next((one for one in told if row <= one["row"] < end), None)
    if first is None:
        return None
    delay, off = ((first[name] - row) / window for name in ("row", "onset_row"))
    return Answer(what=first["signal"], cause=first["cause"], delay=delay, off=off)


def _state_at(report: Report, row: int) -> str:
    """Say in which state the model was when the row before *row* had come."""
    passed = [move["to"] for move in report["transitions"] if move["row"] < row]
    return str(passed[-1]).split(".", maxsplit=1)[0] if passed else "healthy"


def table(title: str, found: Sequence[Change]) -> Table:
    """Show each change."""
    answers = ("told by", "delay", "onset off", "dated", "told before")
    shown = Table(
        "stream", "row", "until", "state", *answers, "decline", "delay", "onset off", "dated", "before", title=title
    )
    for one in found:
        shown.add_row(
            one.stream, f"{one.row:,}", f"{one.end:,}", one.state,
            *_shown(one.told), str(one.told_before), *_shown(one.decline), str(one.declines_before),
        )  # fmt: skip
    return shown


def _shown(answer: Answer | None) -> tuple[str, str, str, str]:
    if answer is None:
        return "none", "-", "-", "[red]no[/red]"
    dated = "yes" if answer.dated else "[red]no[/red]"
    return answer.what, f"{answer.delay:.1f}", f"{answer.off:.1f}", dated


def lines(how: str, found: Sequence[Change]) -> Iterator[Line]:
    """Hold the changes to their aims, and show the stricter count beside them."""
    yield from _counted("it is told", how, [(one.told, one.told_before) for one in found], LEAST_DATED)
    chance = sum(one.chance for one in found) / len(found)
    yield Line(what=f"  by chance, were any row the date, {how}", reached=chance)
    yield from _counted("a decline is alarmed", how, [(one.decline, one.declines_before) for one in found], None)


def _counted(what: str, how: str, found: Sequence[tuple[Answer | None, int]], at_least: float | None) -> Iterator[Line]:
    each, answers = len(found), [one for one, _ in found if one is not None]
    dated = sum(one.dated for one in answers)
    yield Line(what=f"{what} behind the date, {how}", reached=len(answers) / each, note=f"{len(answers)} of {each}")
    sober = sum(before == 0 for _, before in found)
    yield Line(what=f"  and nothing before it, {how}", reached=sober / each, note=f"{sober} of {each}")
    note = f"{dated} of {each}"
    yield Line(what=f"  with an onset within two windows, {how}", reached=dated / each, at_least=at_least, note=note)
    if answers:
        note = f"{dated} of {len(answers)}"
        yield Line(what=f"  of those that are answered, {how}", reached=dated / len(answers), note=note)
