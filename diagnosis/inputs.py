"""What a diagnosis is made from: integer tables of losses by label bin and feature slot, before and since."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

#: Losses are integers of 2^-20 loss units, and their squares are of `loss >> 10`.
UNIT = 1 << 20
SQUARE_UNIT = 1 << 20
#: Rows at the overall mean that every slot borrows, so that a slot with hardly any rows says hardly anything.
BORROWED = 5.0


@dataclass(frozen=True, slots=True)
class Feature:
    """Where a feature's slots lie in the flat tables."""

    name: str
    start: int
    slots: int


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Labelled rows and losses; `rows` and `loss` are (label bins, flat slots), `squares` is (flat slots)."""

    rows: Ints
    loss: Ints
    squares: Ints

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Read the plain lists."""
        return cls(*(np.array(data[name], dtype=np.int64) for name in ("rows", "loss", "squares")))

    def thinned(self, fresh: float) -> Table:
        """Return the table as if only the share *fresh* of its rows had come."""
        if fresh >= 1:
            return self
        return Table(*(np.rint(one * fresh).astype(np.int64) for one in (self.rows, self.loss, self.squares)))

    def cut(self, feature: Feature) -> Table:
        """Return the slots of one feature."""
        where = slice(feature.start, feature.start + feature.slots)
        return Table(self.rows[:, where], self.loss[:, where], self.squares[where])

    @property
    def total(self) -> int:
        """The rows of a table that was cut to one feature, in which each row stands once."""
        return int(self.rows.sum())

    def mean(self) -> float:
        """Return the mean loss, in loss units."""
        return int(self.loss.sum()) / UNIT / max(self.total, 1)

    def error(self) -> float:
        """Return the standard error of the mean loss if rows were independent, in loss units."""
        n = max(self.total, 1)
        variance = int(self.squares.sum()) / SQUARE_UNIT / n - self.mean() ** 2
        return math.sqrt(max(variance, 0.0) / n)

    def by_slot(self) -> tuple[list[int], list[float]]:
        """Return rows and loss of each slot."""
        return self.rows.sum(axis=0).tolist(), [x / UNIT for x in self.loss.sum(axis=0).tolist()]

    def by_label(self) -> tuple[list[int], list[float]]:
        """Return rows and loss of each label bin."""
        return self.rows.sum(axis=1).tolist(), [x / UNIT for x in self.loss.sum(axis=1).tolist()]


def means(rows: list[int], loss: list[float], overall: float) -> list[float]:
    """Return the mean loss of each cell, drawn to *overall* by `BORROWED` rows."""
    return [(s + overall * BORROWED) / (n + BORROWED) for n, s in zip(rows, loss, strict=True)]


def moved(before: tuple[list[int], list[float]], after: list[int], overall: float) -> tuple[float, float]:
    """Return what a change of shares alone does to the mean loss, sum of (q - p) * loss, and its standard error."""
    rows, loss = before
    mean, n, m = means(rows, loss, overall), max(sum(rows), 1), max(sum(after), 1)
    shift = math.fsum((b / m - a / n) * x for a, b, x in zip(rows, after, mean, strict=True))
    return shift, math.sqrt(_variance(rows, mean) / n + _variance(after, mean) / m)


def _variance(rows: list[int], mean: list[float]) -> float:
    n = max(sum(rows), 1)
    middle = math.fsum(a * x for a, x in zip(rows, mean, strict=True)) / n
    return math.fsum(a * (x - middle) ** 2 for a, x in zip(rows, mean, strict=True)) / n
