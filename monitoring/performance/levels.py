"""Levels of a loss by season: an hour in which all rows are hard is held against itself, as a row of drift is.

What each cell of a calendar costs more than the whole is drawn to nothing as far as chance can make it: by the variance
between cells that is left when that of their means is taken off (DerSimonian and Laird 1986, Controlled Clinical Trials
7, formula of moments; the shrinkage is that of Efron and Morris 1973, JASA 68). Where the reference shows no season,
nothing is taken off. A cell of too few rows has no level, and its rows are in no sum.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from measures.losses import SCALE
from measures.sums import Span, block, span
from monitoring.profiles.reference import Ints
from monitoring.profiles.seasons import LEAST_ROWS, Calendar, Cell


@dataclass(frozen=True, slots=True)
class Levels:
    """By how many fixed-point steps a row of each known cell costs more than a row of all."""

    calendar: Calendar
    steps: Mapping[Cell, int]

    def known(self, times_us: Ints) -> NDArray[np.bool_]:
        """Say which rows, by their times (n,), are of a cell whose level is known."""
        found = np.zeros(len(times_us), dtype=np.bool_)
        for cell, at in self.calendar.cells(times_us).items():
            found[at] = cell in self.steps
        return found

    def evened(self, lost: Ints, times_us: Ints) -> Ints:
        """Return losses, (n,) in fixed point, as if each row were of no season."""
        found = lost.copy()
        for cell, at in self.calendar.cells(times_us).items():
            found[at] -= self.steps.get(cell, 0)
        return found


def learn_levels(calendar: Calendar, lost: Ints, times_us: Ints) -> Levels:
    """Learn the levels of a reference from its losses, (n,) in fixed point, and their times (n,).

    >>> lost, hours = np.array([0] * 100 + [1 << 20] * 100), np.repeat([0, 1], 100) * 3_600_000_000
    >>> [round(step / SCALE, 2) for step in learn_levels(Calendar(("hour",)), lost, hours).steps.values()]
    [-0.5, 0.5]
    """
    cells = calendar.cells(times_us)
    mean = span([block(lost)]).mean
    known = {cell: span([block(lost[at])]) for cell, at in cells.items() if len(at) >= LEAST_ROWS}
    between = _between(list(known.values()))
    return Levels(calendar, {cell: round(_drawn(one, mean, between) * SCALE) for cell, one in known.items()})


def _drawn(one: Span, mean: float, between: float) -> float:
    error = one.variance / one.rows**2
    return (one.mean - mean) * between / (between + error)


def _between(cells: list[Span]) -> float:
    """Return the variance between cells that chance does not explain."""
    weights = [one.rows**2 / one.variance for one in cells]
    total = math.fsum(weights)
    left = total - math.fsum(w * w for w in weights) / total if total else 0.0
    if left <= 0:
        return 0.0
    middle = math.fsum(w * one.mean for w, one in zip(weights, cells, strict=True)) / total
    spread = math.fsum(w * (one.mean - middle) ** 2 for w, one in zip(weights, cells, strict=True))
    return max(spread - (len(cells) - 1), 0.0) / left
