"""Estimates accuracy and area under the curve of two classes from scores alone (CBPE).

The chance that belongs to a score is the isotonic regression of the reference's labels on its scores (pool adjacent
violators, Ayer et al. 1955), and says how often a row with this score is wrong. Scores are counted on a fine grid, so
that a window is integers that merge, and its estimate is counts times a table.

The estimate holds while a score goes on meaning what it meant: it sees covariate drift, and is blind to a changed
concept.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from measures.losses import HALF, SCALE
from monitoring.estimate import LEAST_ROWS, Estimated
from monitoring.reference import Floats, Ints

#: Cells over [0, 1], finest at both ends, where scores of a sure model crowd; the border of the classes is a border of
#: the grid.
GRID = 1 << 14


@dataclass(frozen=True, slots=True, eq=False)
class Confidence:
    """The chance of the second class by stretch of cells that were pooled.

    `starts` are the first cells of stretches, one of them the border of the classes; `chances` rise, in steps of
    `1 / SCALE`. `error` is the standard error of the mean that the reference leaves.
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
        rows, hits = (np.bincount(cells, weights=w, minlength=GRID) for w in (None, ones))
        by_cell = np.array(pooled(hits.tolist(), rows.tolist()))
        wrong = np.minimum(by_cell, 1 - by_cell)[cells]
        error = math.sqrt(float((wrong * (1 - wrong)).mean()) / len(scores))
        starts = np.union1d(np.flatnonzero(np.diff(by_cell, prepend=-1.0)), [GRID // 2])
        return cls(starts, np.rint(by_cell[starts] * SCALE).astype(np.int64), round(error, 9))

    def count(self, scores: Floats) -> Ints:
        """Count *scores* (n,) by stretch; those that are no number are left out. Counts of windows add up."""
        known = np.isnan(scores)
        counts = np.bincount(_cells(scores[~known] if known.any() else scores), minlength=GRID)
        return np.add.reduceat(counts, self.starts)

    def estimate(self, counts: Ints) -> Estimated:
        """Return the share of wrong answers that is expected of a window with these counts by stretch.

        Raises:
            ValueError: The window has no rows.
        """
        rows = int(counts.sum())
        if not rows:
            message = "a window without rows has no loss to estimate"
            raise ValueError(message)
        wrong = int(counts @ np.where(self.starts < GRID // 2, self.chances, SCALE - self.chances))
        loss = wrong / rows / SCALE
        error = math.hypot(math.sqrt(loss * (1 - loss) / rows), self.error)
        return Estimated(loss=round(loss, 9), error=round(error, 9), rows=rows)

    def roc_auc(self, counts: Ints) -> float | None:
        """Return the expected area under the curve; scores of one stretch are ties, which count half.

        None where one class is not expected at all.
        """
        ones = counts * self.chances  # exact: at most 2^43 rows of 2^20 steps
        zeros = counts * SCALE - ones
        up, down = int(ones.sum()), int(zeros.sum())
        below = np.cumsum(zeros) - zeros
        # Beyond 2^53 an integer is no float any more, so shares of the whole are added, in the order of the score.
        won = math.fsum((ones / up * ((below + zeros / 2) / down)).tolist()) if up and down else None
        return None if won is None else round(won, 9)

    def to_json(self) -> dict[str, Any]:
        """Return plain values, for canonical bytes."""
        return {"starts": self.starts.tolist(), "chances": self.chances.tolist(), "error": self.error}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Undo `to_json`."""
        return cls(np.array(data["starts"], np.int64), np.array(data["chances"], np.int64), float(data["error"]))


def _cells(scores: Floats) -> Ints:
    """Return the cell of each score; what lies beyond [0, 1] is in the first or in the last."""
    away = scores - HALF
    ends = np.maximum(HALF - np.abs(away), 0)
    near = np.minimum(np.sqrt(ends * (GRID * GRID / 2)).astype(np.int64), GRID // 2 - 1)
    return np.where(away < 0, near, GRID - 1 - near)


def pooled(ones: Sequence[float], rows: Sequence[float]) -> list[float]:
    """Return the rising chances that fit best. Places without rows take the chance of their neighbours.

    >>> pooled([0, 2, 1, 3], [2, 3, 3, 3])
    [0.0, 0.5, 0.5, 1.0]
    """
    stretches: list[tuple[float, float, int]] = []  # ones, rows, places
    for one, row in zip(ones, rows, strict=True):
        stretches.append((one, row, 1))
        while len(stretches) > 1 and _falls(stretches[-2], stretches[-1]):
            (a, n, p), (b, m, q) = stretches.pop(-2), stretches.pop()
            stretches.append((a + b, n + m, p + q))
    return [one / row if row else HALF for one, row, places in stretches for _ in range(places)]


def _falls(left: tuple[float, float, int], right: tuple[float, float, int]) -> bool:
    return not left[1] or not right[1] or left[0] * right[1] > right[0] * left[1]
