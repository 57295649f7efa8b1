"""Estimates accuracy and area under the curve of two classes from scores alone (CBPE).

The chance that belongs to a score says how often a row with this score is wrong. It is the score itself, unless labels
of the reference refute that (`calibration.py`): then it is their isotonic regression on the scores (pool adjacent
violators, Ayer et al. 1955). Scores are counted on a fine grid, so that a window is integers that merge, and its
estimate is counts times a table.

The estimate holds while a score goes on meaning what it meant: it sees covariate drift, and is blind to a changed
concept.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from measures.losses import HALF, SCALE
from monitoring.performance.calibration import pooled, refuted
from monitoring.performance.estimate import LEAST_ROWS, Estimated
from monitoring.profiles.reference import Floats, Ints

#: Cells over [0, 1], finest at both ends, where scores of a sure model crowd; the border of the classes is a border of
#: the grid.
GRID = 1 << 14
STRETCH = 1 << 4  #: cells that have a chance in common where scores are chances: none is wider than a five-hundredth
LOWER = 14  #: bits of a rank that are multiplied apart, so that products are summed within 64


@dataclass(frozen=True, eq=False)
class Confidence:
    """The chance of the second class by stretch of cells.

    `starts` are the first cells of stretches, one of them the border of the classes; `chances` rise, in steps of
    `1 / SCALE`. `error` is the standard error of the mean that the reference leaves, where rows come as they did there:
    of rows of a few stretches, whose chances were fitted to few labels, it is larger.
    """

    starts: Ints
    chances: Ints
    error: float

    @classmethod
    def learn(cls, scores: Floats, labels: Floats) -> Self | None:
        """Learn from scores and labels (n,) of the reference; rows without either are left out.

        None where the scores are no shares of one, or too few are known to tell anything.

        >>> rng = np.random.default_rng(5)
        >>> score = rng.uniform(size=20_000)
        >>> table = Confidence.learn(score, (rng.uniform(size=20_000) < score).astype(float))
        >>> round(table.estimate(table.count(np.array([0.9, 0.2, 0.7]))).loss, 1)
        0.2
        """
        known = ~(np.isnan(scores) | np.isnan(labels))
        scores, ones = scores[known], labels[known] >= HALF
        if len(scores) < LEAST_ROWS or scores.min() < 0 or scores.max() > 1:
            return None
        cells = _cells(scores)
        by_cell = _fitted(cells, ones) if refuted(scores, ones) else _as_they_are()
        wrong = np.minimum(by_cell, 1 - by_cell)[cells]
        error = math.sqrt(float((wrong * (1 - wrong)).mean()) / len(scores))
        starts = np.union1d(np.flatnonzero(np.diff(by_cell, prepend=-1.0)), [GRID // 2])
        return cls(starts, np.rint(by_cell[starts] * SCALE).astype(np.int64), round(error, 9))

    def count(self, scores: Floats) -> Ints:
        """Count *scores* (n,) by stretch; those that are no number are left out. Counts of windows add up."""
        unknown = np.isnan(scores)
        cells = _cells(scores[~unknown] if unknown.any() else scores)
        return np.bincount(self._stretches[cells], minlength=len(self.starts))

    def estimate(self, counts: Ints) -> Estimated:
        """Return the share of wrong answers that is expected of a window with these counts by stretch.

        Raises:
            ValueError: The window has no rows.
        """
        rows = int(counts.sum())
        if not rows:
            message = "a window without rows has no loss to estimate"
            raise ValueError(message)
        loss = int(counts @ self._wrong) / rows / SCALE
        error = math.hypot(math.sqrt(loss * (1 - loss) / rows), self.error)
        return Estimated(loss=round(loss, 9), error=round(error, 9), rows=rows)

    def roc_auc(self, counts: Ints) -> float | None:
        """Return the expected area under the curve; scores of one stretch are ties, which count half.

        None where one class is not expected at all.
        """
        found = self.rank_loss(counts)
        return None if found is None else round(1 - found.loss, 9)

    def rank_loss(self, counts: Ints) -> Estimated | None:
        """Return what is expected to lack to an area of 1; its error is that of Hanley and McNeil (1982).

        None where one class is not expected at all.
        """
        ones = counts * self.chances  # exact, as all that follows but the quotient: at most 2^27 rows of 2^20 steps
        rows, up = int(counts.sum()), int(ones.sum())
        down = rows * SCALE - up
        if not up or not down:
            return None
        ranks = 2 * np.cumsum(counts) - counts  # twice the middle ranks
        ranked = (int(ones @ (ranks >> LOWER)) << LOWER) + int(ones @ (ranks & ((1 << LOWER) - 1)))
        area = (ranked * SCALE - up * up) / (2 * up * down)  # ones against all rows, less ones against ones
        error = math.hypot(_error_of_area(area, up / SCALE, down / SCALE), self.error)
        return Estimated(loss=round(1 - area, 9), error=round(error, 9), rows=rows)

    @cached_property
    def _stretches(self) -> Ints:
        """The stretch of each cell of the grid."""
        return np.repeat(np.arange(len(self.starts)), np.diff(self.starts, append=GRID))

    @cached_property
    def _wrong(self) -> Ints:
        """How often a row of each stretch is wrong, in steps of `1 / SCALE`."""
        return np.where(self.starts < GRID // 2, self.chances, SCALE - self.chances)

    def to_json(self) -> dict[str, Any]:
        """Return plain values, for canonical bytes."""
        return {"starts": self.starts.tolist(), "chances": self.chances.tolist(), "error": self.error}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Undo `to_json`."""
        return cls(np.array(data["starts"], np.int64), np.array(data["chances"], np.int64), float(data["error"]))


def _cells(scores: Floats) -> Ints:
    """Return the cell of each score; what lies beyond [0, 1] is in the first or in the last."""
    ends = np.minimum(scores, 1 - scores)
    np.maximum(ends, 0.0, out=ends)
    ends *= GRID * GRID / 2
    near = np.sqrt(ends, out=ends).astype(np.int64)
    np.minimum(near, GRID // 2 - 1, out=near)
    near ^= np.multiply(scores >= HALF, GRID - 1, dtype=np.int64)  # the mirror of a cell, as the grid is a power of two
    return near


def _fitted(cells: Ints, ones: NDArray[np.bool_]) -> Floats:
    """Return the chance of each cell of the grid by isotonic regression."""
    rows, hits = (np.bincount(cells, weights=weights, minlength=GRID) for weights in (None, ones))
    return np.array(pooled(hits.tolist(), rows.tolist()))


def _as_they_are() -> Floats:
    """Return the middle of the stretch that each cell of the grid is in."""
    edges = np.arange(0, GRID // 2 + 1, STRETCH) ** 2 * (2.0 / GRID**2)
    low = np.repeat((edges[1:] + edges[:-1]) / 2, STRETCH)
    return np.concatenate([low, 1 - low[::-1]])


def _error_of_area(area: float, ones: float, zeros: float) -> float:
    """Return the standard error of an area under the curve of so many rows of each class (Radiology 143, 1982)."""
    both_ones, both_zeros = area / (2 - area), 2 * area * area / (1 + area)
    of_ones, of_zeros = (ones - 1) * (both_ones - area * area), (zeros - 1) * (both_zeros - area * area)
    return math.sqrt(max(area * (1 - area) + of_ones + of_zeros, 0.0) / (ones * zeros))
