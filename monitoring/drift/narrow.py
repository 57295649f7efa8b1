"""Alternatives that single out a slot or two of a feature, and tell all the others the same: they need no table.

Two numbers of a window decide what such an alternative gains: its rows, and those of them that are in these slots.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np

from monitoring.profiles.reference import Floats, Ints

FEW = 2  #: slots that are singled out, at most; there are more than twice as many


class Spot(NamedTuple):
    """What a narrow alternative tells a row in most slots, what it tells it besides in those singled out, and which."""

    usual: int
    more: int
    slots: tuple[int, ...]

    @classmethod
    def of(cls, told: Ints | Floats) -> Self | None:
        """Take what each slot is *told*, unless that is more than this."""
        usual = int(np.sort(told)[len(told) // 2])
        slots = np.flatnonzero(told != usual)
        others = set(map(int, told[slots].tolist()))
        if len(told) <= 2 * FEW or len(slots) > FEW or len(others) > 1:
            return None
        return cls(usual, sum(others) - usual * len(others), tuple(slots.tolist()) or (0,))

    @property
    def weight(self) -> int:
        """What the parts of a product add up to besides those of its line of a table, for a count of 1."""
        return 2 * abs(self.usual) * len(self.slots)


def spots(table: Ints | Floats) -> list[Spot]:
    """Return the narrow alternatives at the end of *table*, (alternatives, slots)."""
    found = list[Spot]()
    for told in table[::-1]:
        spot = Spot.of(told)
        if spot is None:
            break
        found.append(spot)
    return found[::-1]


class Narrow(NamedTuple):
    """The narrow alternatives of all features side by side: a number of each, unless said otherwise.

    Where each window is told by numbers of its own, `usual` and `more` have one more axis before.
    """

    usual: Floats
    more: Floats
    features: Ints
    first: Ints  #: a flat slot that is singled out
    pairs: Ints  #: who singles out another
    second: Ints  #: of each of `pairs`, that flat slot
    columns: Ints  #: of all products
    starts: Ints  #: of each feature, its first flat slot

    @classmethod
    def of(cls, shapes: Sequence[tuple[int, int]], found: Sequence[Sequence[Spot]]) -> Self:
        """Take what was *found* at the ends of tables, of each feature its (alternatives, slots)."""
        columns, slots = np.cumsum([(0, 0), *shapes], axis=0).T
        each = [(k, len(some) - at, one) for k, some in enumerate(found) for at, one in enumerate(some)]
        features, back = np.array([(k, back) for k, back, _ in each], np.int64).reshape(-1, 2).T
        first, last = (slots[features] + np.array([one.slots[end] for *_, one in each], np.int64) for end in (0, -1))
        usual, more = np.array([(one.usual, one.more) for *_, one in each], np.float64).reshape(-1, 2).T
        pairs = np.flatnonzero(first != last)
        return cls(usual, more, features, first, pairs, last[pairs], columns[features + 1] - back, slots[:-1])

    @property
    def layout(self) -> tuple[bytes, ...]:
        """What narrow alternatives of two windows must share to be asked at once."""
        return tuple(each.tobytes() for each in self[2:])

    def dot(self, counts: Floats, products: Floats) -> None:
        """Write what *counts*, (windows, flat slots), gain into their columns of *products*."""
        if not len(self.columns):
            return
        rows = np.add.reduceat(counts, self.starts, axis=1)[:, self.features]
        there = counts[:, self.first]
        there[:, self.pairs] += counts[:, self.second]
        rows *= self.usual
        there *= self.more
        rows += there
        products[:, self.columns] = rows
