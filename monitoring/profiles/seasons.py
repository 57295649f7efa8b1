"""Seasons: parts of the day, the week and the year, and how a reference looked in each of them.

A cell is one hour, weekday or month, or one of their combinations. Bins are those of the whole reference: what differs
from cell to cell is how many rows each of them has.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, Self

import numpy as np

from monitoring.profiles.counting import Counter
from monitoring.profiles.packing import packed, unpacked
from monitoring.profiles.profile import Profile
from monitoring.profiles.reference import Floats, Ints, Reference

Cell = tuple[int, ...]  #: the number of each season: (17, 0) is 17 to 18 o'clock on a Monday
Cells = dict[Cell, Profile]  #: the counts of a window, cell by cell

MINUTE_US = 60_000_000
HOUR_US, DAY_US = 60 * MINUTE_US, 1_440 * MINUTE_US
PART_HOURS = 4
THURSDAY, SATURDAY = 3, 5  #: with Monday as 0; the first of January 1970 was a Thursday
#: Rows below which a cell expects nothing: as few as a reference has at least.
LEAST_ROWS = 50


def _hours(times_us: Ints) -> Ints:
    return times_us % DAY_US // HOUR_US


def _weekdays(times_us: Ints) -> Ints:
    return (times_us // DAY_US + THURSDAY) % 7


def _months(times_us: Ints) -> Ints:
    return times_us.astype("datetime64[us]").astype("datetime64[M]").astype(np.int64) % 12


#: By name, in the order in which they stand in a cell: the number of the season that each time is in.
NUMBERS: dict[str, Callable[[Ints], Ints]] = {
    "hour": _hours,
    "part_of_day": lambda times_us: _hours(times_us) // PART_HOURS,
    "weekday": _weekdays,
    "weekend": lambda times_us: (_weekdays(times_us) >= SATURDAY).astype(np.int64),
    "month": _months,
}


@dataclass(frozen=True, slots=True)
class Calendar:
    """Which seasons tell rows apart, and by how many minutes the clock that they follow is ahead of UTC."""

    names: tuple[str, ...]
    utc_offset_minutes: int = 0

    def __str__(self) -> str:
        """Name the seasons and the clock."""
        return f"{', '.join(self.names)} (UTC{self.utc_offset_minutes:+} minutes)"

    @classmethod
    def of(cls, names: Sequence[str], utc_offset_minutes: int) -> Self:
        """Return the calendar of these seasons, whatever their order."""
        return cls(tuple(name for name in NUMBERS if name in names), utc_offset_minutes)

    def cells(self, times_us: Ints) -> dict[Cell, Ints]:
        """Return the places of *times_us* (n,), microseconds since 1970 in UTC, that are in each cell.

        >>> Calendar(("hour", "weekday")).cells(np.array([0, 1, 4 * DAY_US]))
        {(0, 0): array([2]), (0, 3): array([0, 1])}
        """
        if not self.names:
            return {(): np.arange(len(times_us))}
        local = times_us + self.utc_offset_minutes * MINUTE_US
        numbers = np.stack([NUMBERS[name](local) for name in self.names], axis=1)
        found, which = np.unique(numbers, axis=0, return_inverse=True)
        which = which.ravel()
        return {tuple(cell): np.flatnonzero(which == k) for k, cell in enumerate(found.tolist())}


def by_cell(calendar: Calendar, rows: Floats, outputs: Floats, times_us: Ints, counter: Counter) -> Cells:
    """Count *rows* (n, features) and *outputs* (n,) in the cells of *times_us* (n,)."""
    return {
        cell: Profile(len(at), counter.count(rows[at], outputs[at])) for cell, at in calendar.cells(times_us).items()
    }


def cells_to_json(cells: Cells) -> list[dict[str, Any]]:
    """Return rows and packed counts of each cell, for canonical bytes."""
    return [{"cell": list(cell), **cells[cell].to_json()} for cell in sorted(cells)]


def cells_from_json(data: list[dict[str, Any]]) -> Cells:
    """Undo `cells_to_json`."""
    return {tuple(one["cell"]): Profile.from_json(one) for one in data}


@dataclass(frozen=True, slots=True, kw_only=True)
class Seasons:
    """The counts of a reference in each cell, flat as `Reference.layout` says, and how far its rows strayed from them.

    `dispersion` is that of `Feature`, of each feature, but around what each cell expects: a swing of the seasons is
    none of it. `within` is the same of the rows of single cells, one day's behind the other's: what is learned of a
    cell is as sure as they are independent.
    """

    calendar: Calendar
    cells: tuple[Cell, ...]
    rows: tuple[int, ...]
    counts: tuple[tuple[int, ...], ...]
    dispersion: tuple[tuple[float, ...], ...] = ()
    within: tuple[tuple[float, ...], ...] = ()

    @property
    def known(self) -> list[int]:
        """The places of the cells that have rows enough to expect something of others."""
        return [k for k, rows in enumerate(self.rows) if rows >= LEAST_ROWS]

    def first(self, features: int, slots: int) -> Seasons:
        """Return what is known of the first *features* and *slots* alone."""
        return replace(
            self,
            counts=tuple(counts[:slots] for counts in self.counts),
            dispersion=self.dispersion[:features],
            within=self.within[:features],
        )

    def laid(self, cells: Cells) -> Profile:
        """Return the counts of the known cells one behind another, as a watch is shown them."""
        slots = np.zeros(len(self.counts[0]), np.int64)
        parts = [cells.get(self.cells[k], Profile(0, slots)) for k in self.known]
        return Profile(sum(part.rows for part in parts), np.concatenate([slots[:0], *(part.counts for part in parts)]))

    def to_json(self) -> dict[str, Any]:
        """Return plain values, for canonical bytes."""
        return {
            "names": list(self.calendar.names),
            "utc_offset_minutes": self.calendar.utc_offset_minutes,
            "cells": [
                {"cell": list(cell), "rows": rows, "packed": packed(np.array(counts, np.int64))}
                for cell, rows, counts in zip(self.cells, self.rows, self.counts, strict=True)
            ],
            "dispersion": [list(each) for each in self.dispersion],
            "within": [list(each) for each in self.within],
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Undo `to_json`."""
        return cls(
            calendar=Calendar(tuple(data["names"]), data["utc_offset_minutes"]),
            cells=tuple(tuple(one["cell"]) for one in data["cells"]),
            rows=tuple(one["rows"] for one in data["cells"]),
            counts=tuple(tuple(unpacked(one["packed"]).tolist()) for one in data["cells"]),
            dispersion=tuple(tuple(map(float, each)) for each in data["dispersion"]),
            within=tuple(tuple(map(float, each)) for each in data["within"]),
        )


class Asked(Protocol):
    """What a policy says about seasons."""

    @property
    def seasons(self) -> tuple[str, ...]:
        """The seasons that tell rows apart."""


def wanted(data: dict[str, Any] | None, policy: Asked, compared: Reference) -> Seasons | None:
    """Return the seasons on record of what is *compared*, where there are some and a *policy* asks for them."""
    if not data or not policy.seasons:
        return None
    return Seasons.from_json(data).first(len(compared.features), compared.starts[-1])


def counted(calendar: Calendar, flat: Ints, slots: int, times_us: Ints) -> Seasons:
    """Count the rows of a reference in the cells of their times; how far they strayed is not known yet.

    *flat* is (n, features), the flat slot of each value of *slots*.
    """
    at = calendar.cells(times_us)
    cells = tuple(sorted(at))
    counts = [np.bincount(flat[at[cell]].ravel(), minlength=slots) for cell in cells]
    return Seasons(
        calendar=calendar,
        cells=cells,
        rows=tuple(len(at[cell]) for cell in cells),
        counts=tuple(tuple(each.tolist()) for each in counts),
    )
