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

STRETCH = 1_024  #: rows that are counted at once: they stay in the cache
APART = 8  #: values between two columns: at a power of two they would drive each other out of the cache
TOGETHER = 4_096  #: rows whose scores are added up at once


class CompiledCounter:
    """Counts column by column in machine code, by the grid that `ArrayCounter` has."""

    def __init__(self, reference: Reference, projections: Projections = NONE) -> None:
        grid = Grid.of(reference)
        self._reference, self._slots, self._target = reference, reference.starts[-1], grid.target
        cuts = [np.empty(0) if steps is None else steps.cuts for steps in grid.steps]
        searched = (np.concatenate(cuts), np.cumsum([0, *map(len, cuts)]))
        self._joint = Tables.of(projections)
        scored = np.full(len(cuts), -1)
        scored[list(self._joint.scores)] = np.arange(len(self._joint.scores))
        self._tables = (
            (grid.scale, grid.shift, grid.top, grid.first, grid.lower, grid.cut, grid.begins),
            searched,
            (scored, by_place(self._joint, grid, reference.starts)),
        )

    def count(self, rows: Floats, outputs: Floats) -> Ints:
        """Return how many values each flat slot has; as `Counter` says."""
        self._reference.check(rows, outputs)
        values, served = np.asarray(rows, np.float64), np.asarray(outputs, np.float64)
        places, together = np.zeros(len(self._target), np.int64), np.zeros(self._joint.starts[-1], np.int64)
        for at in range(0, len(values), TOGETHER):
            some = values[at : at + TOGETHER]
            scores = np.empty((len(self._joint.scores), len(some)), np.int32)
            _count(some, served[at : at + TOGETHER], *self._tables, places, scores)
            together += self._joint.count(dict(zip(self._joint.scores, scores, strict=True)))
        counts = np.zeros(self._slots + 1, np.int64)
        np.add.at(counts, self._target, places)
        return np.concatenate([counts[:-1], together])


@numba.njit(nogil=True)
def _count(values, outputs, grid, searched, scored, places, scores):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - numba's
    rows, features = values.shape
    most = min(STRETCH, rows)
    columns, at = np.empty((features + 1, most + APART)), np.empty(most, np.int32)
    for start in range(0, rows, most):
        number = min(most, rows - start)
        for row in range(number):  # read in the order of memory, once
            for feature in range(features):
                columns[feature, row] = values[start + row, feature]
        columns[features, :number] = outputs[start : start + number]
        for feature in range(features + 1):
            cuts = searched[0][searched[1][feature] : searched[1][feature + 1]]
            _place(columns[feature, :number], grid, feature, cuts, at, places)
            if scored[0][feature] >= 0:
                for row in range(number):
                    scores[scored[0][feature], start + row] = scored[1][at[row]]


# No fast mathematics: a product and a sum that were fused, or turned around, would find other cells than numpy does.
# Three loops, since the first two are done for several values at once, and the last is not.
@numba.njit(nogil=True)
def _place(column, grid, feature, cuts, at, places):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - numba's
    """Count *column* on *places*, and write to *at* where each value is counted."""
    scale, shift, last, numeric = grid[0][feature], grid[1][feature], grid[2][feature], len(cuts) > 0
    lower, cut = grid[4][grid[3][feature] : grid[3][feature + 1]], grid[5]
    begin, special = grid[6][feature], grid[6][feature + 1] - 1
    for row in range(len(column)):
        cell = column[row] * scale + shift
        at[row] = np.int32(cell if 0.0 < cell < last else 0.0)  # NaN is outside of the grid, too
    if not numeric:
        for row in range(len(column)):
            at[row] = at[row] if column[row] == np.floor(column[row]) else 0
    for row in range(len(column)):
        place = lower[np.uint32(at[row])]
        place += column[row] >= cut[np.uint32(place)]
        at[row] = place
        places[np.uint32(place)] += 1
    if places[special]:
        for row in range(len(column)):
            if at[row] == special:
                at[row] = begin + (_step(column[row], cuts) if numeric else _odd(column[row]))
                places[at[row]] += 1
        places[special] = 0


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
