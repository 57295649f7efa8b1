"""Course: how much the points of a series go on from one to the next while nothing speaks for a change.

A series that keeps high for a while when it is high, as most that are measured every minute do, shows bad points in
runs: so many in a row say less than as many that have nothing to do with each other. Of a series whose correlation from
point to point is r, means vary (1 + r) / (1 - r) times as much (Bartlett 1946), and evidence is divided by that.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

LEAST_POINTS = 4  #: of fewer, nothing is known
#: The highest correlation that is reckoned with, so that a series which hardly moves is still heard: its evidence is
#: divided by 9 at most. Without a bound 0.95 made a jump of five standard deviations take 27 points to alarm.
MOST_ALIKE = 0.8
FAR = 1e100  #: from its first point, a value counts for no more: its square must be a number
DIGITS = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """Sums over the points so far, each less the first of all; `observe` returns its next self."""

    origin: float = 0.0
    points: int = 0
    total: float = 0.0
    squares: float = 0.0
    pairs: int = 0  #: of points that follow each other
    ends: float = 0.0  #: sum of both points of all pairs
    products: float = 0.0
    last: float | None = None  #: the point before, if it counts

    def observe(self, value: float) -> Course:
        """Take the next point."""
        origin = self.origin if self.points else value
        off = max(-FAR, min(value - origin, FAR))
        after = replace(
            self, origin=origin, points=self.points + 1, total=self.total + off, squares=self.squares + off * off,
            last=off,
        )  # fmt: skip
        if self.last is None:
            return after
        ends, products = self.ends + off + self.last, self.products + off * self.last
        return replace(after, pairs=self.pairs + 1, ends=ends, products=products)

    def interrupted(self) -> Course:
        """Return the course where a point was left out: the next one follows none that is known."""
        return replace(self, last=None)

    def weight(self) -> float:
        """Return by how much evidence is to be multiplied, above 0 and at most 1; 1 of points in no order.

        >>> course = Course()
        >>> for value in (1.0, 2.0, 3.0, 4.0, 5.0):
        ...     course = course.observe(value)
        >>> course.weight()  # their correlation is 0.4
        0.428571429
        """
        if self.points < LEAST_POINTS:
            return 1.0
        mean = self.total / self.points
        spread = self.squares - self.total * mean
        if spread <= self.squares * self.points * math.ulp(1.0):  # rounding: all points are alike
            return 1.0
        alike = (self.products - mean * self.ends + self.pairs * mean * mean) / spread
        bounded = min(max(alike, 0.0), MOST_ALIKE)
        return round((1 - bounded) / (1 + bounded), DIGITS)

    def to_json(self) -> list[float | None]:
        """Return plain values, for canonical bytes."""
        sums = [self.origin, self.points, self.total, self.squares, self.pairs, self.ends, self.products]
        return [*sums, self.last]

    @classmethod
    def from_json(cls, data: Sequence[float | None]) -> Self:
        """Undo `to_json`."""
        *sums, last = data
        origin, points, total, squares, pairs, ends, products = (one or 0.0 for one in sums)
        return cls(
            origin=origin, points=int(points), total=total, squares=squares, pairs=int(pairs), ends=ends,
            products=products, last=last,
        )  # fmt: skip


NO_POINTS = Course()
