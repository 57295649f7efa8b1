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
        self._codes = np.array([at for at, steps in enumerate(self._grid.steps) if steps is None], dtype=np.intp)
        self._tables = Tables.of(projections)
        self._scores = by_place(self._tables, self._grid, self._starts)
        self._used = np.array(list(self._tables.scores), dtype=np.intp)

    def count(self, rows: Floats, outputs: Floats) -> Ints:
        """Return how many values each flat slot has; as `Counter` says."""
        self._reference.check(rows, outputs)
        places = np.zeros(len(self._grid.target), np.int64)
        counts = np.zeros(self._starts[-1] + 1, np.int64)
        together = np.zeros(self._tables.starts[-1], np.int64)
        for at in range(0, len(rows), STRETCH):
            values = np.column_stack([rows[at : at + STRETCH], outputs[at : at + STRETCH]])
            placed = self._placed(values)
            found = np.bincount(placed.ravel(), minlength=len(places))
            places += found
            for feature in np.flatnonzero(found[self._grid.special]).tolist():
                self._search(
                    feature, values[placed[:, feature] == self._grid.special[feature], feature], places, counts
                )
            if len(together):
                together += self._tables.count(self._scored(values, placed, found))
        np.add.at(counts, self._grid.target, places)
        return np.concatenate([counts[:-1], together])

    def _scored(self, values: Floats, placed: Ints, found: Ints) -> dict[int, SmallInts]:
        """Return the scores of the columns that projections are made of."""
        scores = dict(zip(self._used.tolist(), np.take(self._scores, placed.T[self._used]), strict=True))
        for column in self._used[found[self._grid.special[self._used]] > 0].tolist():
            special = placed[:, column] == self._grid.special[column]
            slots = self._reference.features[column].place(values[special, column])
            scores[column][special] = self._tables.scores[column][slots]
        return scores

    def _placed(self, values: Floats) -> Ints:
        """Return where each value is counted."""
        grid = self._grid
        with np.errstate(over="ignore", invalid="ignore"):
            cells = values * grid.scale
            cells += grid.shift
            np.fmax(cells, 0.0, out=cells)  # NaN is outside of the grid, too
            np.minimum(cells, grid.top, out=cells)
        at = cells.astype(np.intp)
        at += grid.first[:-1]
        self._whole(values, at)
        placed = np.take(grid.lower, at)
        placed += values >= np.take(grid.cut, at, out=cells, mode="clip")
        return placed

    def _whole(self, values: Floats, at: Ints) -> None:
        """Send columns of codes that have a fraction somewhere to the search, as a whole."""
        if len(self._codes):
            codes = values[:, self._codes]
            broken = self._codes[((np.rint(codes) != codes) & ~np.isnan(codes)).any(axis=0)]
            at[:, broken] = self._grid.first[broken]

    def _search(self, feature: int, values: Floats, places: Ints, counts: Ints) -> None:
        steps = self._grid.steps[feature]
        if steps is not None:
            begin = self._grid.begins[feature]
            places[begin : begin + len(steps.slots)] += steps.count(values)
            return
        one, start = self._reference.features[feature], self._starts[feature]
        counts[start : start + one.slots] += np.bincount(one.place(values), minlength=one.slots)


def by_place(tables: Tables, grid: Grid, starts: tuple[int, ...]) -> SmallInts:
    """Return the score of each place of *grid*; 0 for what is special, and for columns that no projection is of."""
    found = np.zeros(len(grid.target), np.int32)
    for column, scores in tables.scores.items():
        places = slice(grid.begins[column], grid.begins[column + 1] - 1)
        found[places] = scores[grid.target[places] - starts[column]]
    return found
