"""Counts rows on a reference's bins, exactly and fast: the integers are those of `Reference.place`."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from monitoring.profiles.grid import Grid
from monitoring.profiles.projections import NONE, Projections, SmallInts, Tables
from monitoring.profiles.reference import Floats, Ints, Reference

#: Rows that are counted at once: what 26 columns of them take stays in the cache.
STRETCH = 2_048


class Counter(Protocol):
    """Counts rows on the bins of one reference, and of its projections if it has any; made once, for many windows."""

    def count(self, rows: Floats, outputs: Floats) -> Ints:
        """Return how many values of *rows* (n, features) and *outputs* (n,) each flat slot has; projections come last.

        Raises:
            ValueError: The number of columns is not the reference's.
        """
        ...


class ArrayCounter:
    """Counts with numpy alone: the cells of all values of a stretch at once, and a sort of those that are special."""

    def __init__(self, reference: Reference, projections: Projections = NONE) -> None:
        self._reference, self._grid, self._starts = reference, Grid.of(reference), reference.starts
        self._scale, self._shift = self._grid.scale[:, None], self._grid.shift[:, None]
        self._lower = np.split(self._grid.lower, self._grid.first[1:-1])
        self._special = self._grid.special
        self._numeric = _runs([steps is not None for steps in self._grid.steps])
        self._codes = _runs([steps is None for steps in self._grid.steps])
        self._tables = Tables.of(projections)
        self._scores = by_place(self._tables, self._grid, self._starts)
        self._used = np.array(list(self._tables.scores), dtype=np.intp)

    def count(self, rows: Floats, outputs: Floats) -> Ints:
        """Return how many values each flat slot has; as `Counter` says."""
        self._reference.check(rows, outputs)
        places = np.zeros(len(self._grid.target), np.int64)
        together = np.zeros(self._tables.starts[-1], np.int64)
        special: dict[int, list[Floats]] = {}
        room = _Room(len(self._lower), min(len(rows), STRETCH))
        for start in range(0, len(rows), STRETCH):
            some = rows[start : start + STRETCH]
            if len(some) < room.values.shape[1]:
                room = _Room(len(self._lower), len(some))
            room.values[:-1], room.values[-1] = some.T, outputs[start : start + STRETCH]
            values, placed = room.values, self._placed(room)
            found = np.bincount(placed.ravel(), minlength=len(places))
            places += found
            for feature in np.flatnonzero(found[self._special]).tolist():
                searched = values[feature][placed[feature] == self._special[feature]]
                special.setdefault(feature, []).append(searched)
            if len(together):
                together += self._tables.count(self._scored(values, placed, found))
        counts = np.zeros(self._starts[-1] + 1, np.int64)
        for feature, parts in special.items():
            self._search(feature, np.concatenate(parts), places, counts)
        np.add.at(counts, self._grid.target, places)
        return np.concatenate([counts[:-1], together])

    def _scored(self, values: Floats, placed: Ints, found: Ints) -> dict[int, SmallInts]:
        """Return the scores of the columns that projections are made of."""
        scores = dict(zip(self._used.tolist(), np.take(self._scores, placed[self._used]), strict=True))
        for column in self._used[found[self._special[self._used]] > 0].tolist():
            special = placed[column] == self._special[column]
            slots = self._reference.features[column].place(values[column][special])
            scores[column][special] = self._tables.scores[column][slots]
        return scores

    def _placed(self, room: _Room) -> Ints:
        """Return where each value is counted."""
        values, cells, at = room.values, room.cells, room.at
        with np.errstate(over="ignore", invalid="ignore"):
            np.multiply(values, self._scale, out=cells)
            np.add(cells, self._shift, out=cells)
            np.copyto(at, cells, casting="unsafe")  # NaN and what is too large become 0, the least or the largest
            for some in self._codes:
                _send_fractions(values[some], at[some])
        for lower, here in zip(self._lower, at, strict=True):
            lower.take(here, out=here, mode="clip")
        for some in self._numeric:
            # No place is out of bounds, but any other mode would copy `out`.
            cuts = self._grid.cut.take(at[some], out=cells[some], mode="clip")
            at[some] += np.greater_equal(values[some], cuts, out=room.above[some])
        return at

    def _search(self, feature: int, values: Floats, places: Ints, counts: Ints) -> None:
        steps = self._grid.steps[feature]
        if steps is not None:
            begin = self._grid.begins[feature]
            places[begin : begin + len(steps.slots)] += steps.count(values)
            return
        one, start = self._reference.features[feature], self._starts[feature]
        counts[start : start + one.slots] += np.bincount(one.place(values), minlength=one.slots)


class _Room:
    """What a stretch is worked out in, column by column: made once, so that no stretch has to ask for memory."""

    def __init__(self, columns: int, rows: int) -> None:
        self.values, self.cells = np.empty((columns, rows)), np.empty((columns, rows))
        self.at = np.empty((columns, rows), np.intp)
        self.above = np.empty((columns, rows), np.bool_)


def _runs(wanted: list[bool]) -> list[slice]:
    """Return the longest slices of columns that are *wanted*: what lies together is worked out at once.

    >>> _runs([True, True, False, True])
    [slice(0, 2, None), slice(3, 4, None)]
    """
    turns = np.flatnonzero(np.diff([False, *wanted, False])).tolist()
    return [slice(begin, end) for begin, end in zip(turns[::2], turns[1::2], strict=True)]


def _send_fractions(codes: Floats, at: Ints) -> None:
    """Send those of *codes* (columns, n) that have a fraction somewhere to the search, as a whole."""
    odd = np.rint(codes) != codes
    if odd.any():
        at[(odd & ~np.isnan(codes)).any(axis=1)] = 0


def by_place(tables: Tables, grid: Grid, starts: tuple[int, ...]) -> SmallInts:
    """Return the score of each place of *grid*; 0 for what is special, and for columns that no projection is of."""
    found = np.zeros(len(grid.target), np.int32)
    for column, scores in tables.scores.items():
        places = slice(grid.begins[column], grid.begins[column + 1] - 1)
        found[places] = scores[grid.target[places] - starts[column]]
    return found
