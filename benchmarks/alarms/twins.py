"""Twins: streams whose rows are shuffled, so that nothing drifts, and whatever is called a decline is none.

Their times stay in order. What a twin may show is that another model is better though the world stands still: because
it learned from more rows, or was luckier with those it learned from. Where more data make it so that is an improvement,
which the service keeps apart from decline, and so does the count.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rich.table import Table

from benchmarks.alarms.runs import Entry, Order, Report, Run
from benchmarks.detectors.aims import Line

SEEDS = (1, 2, 3)
#: The share of twins that may reach degraded.
MOST_DEGRADED = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Twin:
    """What became of one twin."""

    alarms: int
    notes: int  #: of drift, where there is none
    moved: int  #: notes of a loss that moved within an incident, where none does
    incident_rows: int  #: that came while an incident was open, in which alone such notes are looked for
    declines: tuple[str, ...]  #: the signals of those alarms that a decline was made of
    degraded: bool
    improvements: int
    promotions: int
    idle: int  #: promotions whose version saved nothing over its reign

    @classmethod
    def of(cls, report: Report) -> Twin:
        """Read a backtest's report."""
        moves, told = report["transitions"], report["alarms"]
        return cls(
            alarms=len(told),
            notes=len(report["drifted"]),
            moved=len(report["moved"]),
            incident_rows=_incident_rows(report),
            declines=tuple(one["signal"] for one in told if one["verdict"] in {"confirmed", "unresolved"}),
            degraded=any(move["to"] == "degraded" for move in moves),
            improvements=sum(move["reason"] == "IMPROVEMENT" for move in moves),
            promotions=report["promotions"],
            idle=sum(one["gain"] is not None and one["gain"] <= 0 for one in report["promoted"]),
        )


def _incident_rows(report: Report) -> int:
    """Count the rows between each move away from health and the move back."""
    moves, rows, since = report["transitions"], 0, None
    for move in moves:
        if move["to"] == "healthy" and since is not None:
            rows, since = rows + move["row"] - since, None
        elif move["to"] != "healthy" and since is None:
            since = move["row"]
    return rows if since is None else rows + report["rows"] - since


def orders(seeds: Iterable[int]) -> list[Order]:
    """Give the orders of twins."""
    return [Order(f"shuffled by {seed}", seed) for seed in seeds]


def runs(entries: list[Entry], seeds: Iterable[int]) -> list[Run]:
    """Give every twin of every stream."""
    return [Run(entry, order) for order in orders(seeds) for entry in entries]


def table(twins: dict[str, list[Twin]]) -> Table:
    """Show what became of the twins of each stream."""
    columns = (
        "stream",
        "twins",
        "alarms",
        "drift noted",
        "loss noted",
        "degraded",
        "by",
        "improvements",
        "promotions",
        "of them idle",
    )
    found = Table(*columns, title="twins: shuffled, so that nothing drifts")
    for stream, some in twins.items():
        by = Counter(signal for one in some for signal in one.declines)
        counts = [
            len(some),
            *(sum(each) for each in zip(*((x.alarms, x.notes, x.moved, x.degraded) for x in some), strict=True)),
        ]
        rest = (sum(one.improvements for one in some), sum(one.promotions for one in some), sum(x.idle for x in some))
        told = ", ".join(f"{signal} {number}" for signal, number in sorted(by.items()))
        found.add_row(stream, *map(str, counts), told, *map(str, rest))
    return found


def lines(twins: dict[str, list[Twin]]) -> Iterator[Line]:
    """Hold the share of twins that reach degraded to its bound."""
    each = [one for some in twins.values() for one in some]
    share = sum(one.degraded for one in each) / len(each)
    note = f"{sum(one.degraded for one in each)} of {len(each)} backtests in which nothing drifts"
    yield Line(what="reach degraded", reached=share, at_most=MOST_DEGRADED, note=note)
    noted = sum(one.notes > 0 for one in each)
    yield Line(what="have drift noted", reached=noted / len(each), note=f"{sum(one.notes for one in each)} notes")
    moved = sum(one.moved > 0 for one in each)
    note = f"{sum(one.moved for one in each)} notes in {sum(one.incident_rows for one in each):,} rows of incidents"
    yield Line(what="have a loss noted", reached=moved / len(each), note=note)
    improved = sum(one.improvements > 0 for one in each)
    yield Line(what="are improved", reached=improved / len(each))
