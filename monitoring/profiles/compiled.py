"""The same counts by a compiled loop, for those who have numba (the extra `fast`): whoever imports this needs it.

The service does not: a window of a thousand rows takes numpy a quarter of a millisecond, and numba would cost every
process that serves a second and a hundred megabytes. It is for those who profile millions of rows at once.
"""

from __future__ import annotations

import numba
import numpy as np

from monitoring.profiles.counting import by_place
from monitoring.profiles.grid import Grid
from monitoring.profiles.projections import NONE, Projections, Tables
from monitoring.profiles.reference import INVALID, MISSING, NEW, Floats, Ints, Reference


class CompiledCounter:
    """Counts row by row in machine code, by the grid that `ArrayCounter` has."""

    def __init__(self, reference: Reference, projections: Projections = NONE) -> None:
        grid = Grid.of(reference)
        self._reference, self._slots = reference, reference.starts[-1]
        self._tables = (grid.scale, grid.shift, grid.top, grid.first, grid.lower, grid.cut, grid.special)
        cuts = [np.empty(0) if steps is None else steps.cuts for steps in grid.steps]
        self._cuts = np.concatenate(cuts)
        self._bounds = np.cumsum([0, *map(len, cuts)])
        self._begins, self._target = grid.begins, grid.target
        self._joint = Tables.of(projections)
        self._scores = by_place(self._joint, grid, reference.starts)

    def count(self, rows: Floats, outputs: Floats) -> Ints:
        """Return how many values each flat slot has; as `Counter` says."""
        self._reference.check(rows, outputs)
        places = np.zeros(len(self._target), np.int64)
        values, served = np.asarray(rows, np.float64), np.asarray(outputs, np.float64)
        _count(values, served, self._tables, self._cuts, self._bounds, self._begins, places)
        counts = np.zeros(self._slots + 1, np.int64)
        np.add.at(counts, self._target, places)
        return np.concatenate([counts[:-1], self._count_together(values)])

    def _count_together(self, values: Floats) -> Ints:
        counts = np.zeros(self._joint.starts[-1], np.int64)
        for at in range(0, len(values) if len(counts) else 0, TOGETHER):
            some = values[at : at + TOGETHER]
            found = {column: np.empty(len(some), np.int32) for column in self._joint.scores}
            for column in self._joint.scores:
                own = self._cuts[self._bounds[column] : self._bounds[column + 1]]
                _score(some[:, column], self._tables, column, own, self._begins[column], self._scores, found[column])
            counts += self._joint.count(found)
        return counts


#: Rows of which one feature after another is counted: they stay in the cache, and so does a feature's grid.
STRETCH = 512
TOGETHER = 4_096  #: rows whose scores are added up at once


# No fast mathematics: a product and a sum that were fused, or turned around, would find other cells than numpy does.
@numba.njit(nogil=True)
def _count(values, outputs, tables, cuts, bounds, begins, places):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - numba's
    features, rows = len(begins) - 1, len(outputs)
    for start in range(0, rows, STRETCH):
        end = min(start + STRETCH, rows)
        for feature in range(features):
            column = outputs[start:end] if feature == features - 1 else values[start:end, feature]
            own = cuts[bounds[feature] : bounds[feature + 1]]
            _column(column, tables, feature, own, begins[feature], places)


@numba.njit(inline="always")
def _column(column, tables, feature, cuts, begin, places):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - numba's
    scale, shift, last = tables[0][feature], tables[1][feature], tables[2][feature]
    cells = slice(tables[3][feature], tables[3][feature + 1])
    lower, cut, special, numeric = tables[4][cells], tables[5][cells], tables[6][feature], len(cuts) > 0
    for value in column:
        cell = value * scale + shift
        place = special
        if 1.0 <= cell < last and (numeric or value == np.floor(value)):
            at = np.uint32(cell)
            place = lower[at] + (value >= cut[at])
        if place == special:
            place = begin + (_step(value, cuts) if numeric else _odd(value))
        places[np.uint32(place)] += 1


# The same place again: as a function of both loops it made each of them five times as slow.
@numba.njit(nogil=True)
def _score(column, tables, feature, cuts, begin, scores, found):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - numba's
    scale, shift, last = tables[0][feature], tables[1][feature], tables[2][feature]
    cells = slice(tables[3][feature], tables[3][feature + 1])
    lower, cut, special, numeric = tables[4][cells], tables[5][cells], tables[6][feature], len(cuts) > 0
    for row, value in enumerate(column):
        cell = value * scale + shift
        place = special
        if 1.0 <= cell < last and (numeric or value == np.floor(value)):
            at = np.uint32(cell)
            place = lower[at] + (value >= cut[at])
        if place == special:
            place = begin + (_step(value, cuts) if numeric else _odd(value))
        found[row] = scores[np.uint32(place)]


@numba.njit(inline="always")
def _step(value, cuts):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - numba's
    """Return how many cuts are not above *value*; all of them if it is NaN."""
    if np.isnan(value):
        return len(cuts)
    below, above = 0, len(cuts)
    while below < above:
        middle = (below + above) // 2
        if value >= cuts[middle]:
            below = middle + 1
        else:
            above = middle
    return below


@numba.njit(inline="always")
def _odd(value):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - numba's
    """Return the slot of a code that is unknown or none at all."""
    if np.isnan(value):
        return MISSING
    whole = np.isfinite(value) and value >= 0 and value == np.floor(value)
    return NEW if whole else INVALID
