"""What a season expects of each feature, and the changes of it that its rows can tell from what they are."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from monitoring.profiles.alternatives import ERRORS, FINER, RARE, WORTH, Shares, astray, kind, ladder, names, shares
from monitoring.profiles.reference import Feature, Reference
from monitoring.profiles.seasons import Cell, Seasons
from monitoring.profiles.zone import ratios

Spreads = dict[str, float]  #: by the kind of change


@dataclass(frozen=True, slots=True)
class Law:
    """What a cell expects of one feature: its own counts, and `RARE` rows of the whole reference.

    So what was never seen in a cell is rare there. What the whole adds moves a cell by no more than is tolerated of so
    few rows at any rate (`changes`).
    """

    shares: Shares
    counts: tuple[int, ...]
    rows: int

    @classmethod
    def of(cls, feature: Feature, counts: tuple[int, ...], rows: int) -> Self:
        """Return the law of a cell that has these *counts* of *rows*."""
        whole = shares(feature)
        return cls([(n + RARE * p) / (rows + RARE) for n, p in zip(counts, whole, strict=True)], counts, rows)


def laws(reference: Reference, seasons: Seasons) -> dict[Cell, list[Law]]:
    """Return the law of each feature in each cell that has rows enough."""
    ends, features = reference.starts, reference.features
    return {
        seasons.cells[k]: [
            Law.of(f, seasons.counts[k][a:b], seasons.rows[k])
            for f, a, b in zip(features, ends[:-1], ends[1:], strict=True)
        ]
        for k in seasons.known
    }


def by_kind(feature: Feature, dispersion: Sequence[float]) -> Spreads:
    """Return the spread of each kind of change: steps of one kind have scores in proportion."""
    spreads = Spreads()
    for name, spread in zip(names(feature), dispersion, strict=True):
        spreads[kind(name)] = max(spreads.get(kind(name), 1.0), spread)
    return spreads


@dataclass(frozen=True, slots=True)
class Change:
    """A change of a cell's law: the log ratios of its slots, and what a row gains if it is true."""

    name: str
    law: Law
    logs: tuple[float, ...]
    gain: float


def changes(feature: Feature, law: Law, within: Spreads, tolerance: float) -> Iterator[Change]:
    """Give the changes of *law* that stand out of the zone and that its rows tell; sums of these vary by *within*."""
    for name, q in ladder(feature, FINER, law.shares):
        found = ratios(law.shares, q, max(tolerance, RARE / (RARE + law.rows)))
        if found is None:
            continue
        logs = tuple(map(math.log, found))
        if _told_apart(law, logs, within[kind(name)]):
            yield Change(name, law, logs, math.fsum(x * r for x, r in zip(q, logs, strict=True)))


def given_up(cells: Sequence[Change], spread: float) -> float | None:
    """Return what each row of *cells* gives up for the error of the reference, whose sums vary *spread* times as much.

    Cells and slots are one law, as many rows have taught it: errors of cells cancel when the seasons have gone round.
    None: it is more of what is gained than an alternative is worth.
    """
    rows = sum(each.law.rows for each in cells)
    joint = [each.law.rows / rows * share for each in cells for share in each.law.shares]
    offset = astray(joint, [math.exp(log) for each in cells for log in each.logs], rows / spread)
    gain = math.fsum(each.law.rows * each.gain for each in cells) / rows
    return offset if offset <= WORTH * gain else None


def _told_apart(law: Law, logs: Sequence[float], spread: float) -> bool:
    """Say whether the rows of a cell, whose sums vary *spread* times as much, cannot pass for a change of these."""
    mean = math.fsum(x * r for x, r in zip(law.shares, logs, strict=True))
    variance = math.fsum(x * (r - mean) ** 2 for x, r in zip(law.shares, logs, strict=True))
    return ERRORS * math.sqrt(variance * spread / law.rows) <= -mean
