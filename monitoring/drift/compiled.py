"""The same evidence by a compiled loop, for those who have numba (the extra `fast`): whoever imports this needs it.

The service does not: it decides about a window when that closes, beside which a product of its tables is nothing. It is
for those who decide about many models at once, and mostly wait for tables to be read: as whole numbers they are half as
wide as the floats that libraries of linear algebra know.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numba
import numpy as np

from monitoring.drift.dictionary import Dictionary
from monitoring.drift.tables import Asked, Tables, check, side_by_side
from monitoring.profiles.reference import Ints

BITS = 31  #: of a count that are multiplied at once

Line = tuple[int, int, int, int]


def together(dictionaries: Sequence[Dictionary]) -> Asked:
    """Return what tells the evidence of many windows, each by a dictionary of its own; as `Dictionary.together` does.

    One that all of them share, and those of another make, are asked in their own way: what is read once for all
    windows is best left to linear algebra.
    """
    if len(set(dictionaries)) == 1 or any(type(one) is not Dictionary for one in dictionaries):
        return dictionaries[0].together(dictionaries)
    return CompiledTogether([one.tables for one in dictionaries])


class CompiledTogether:
    """Tables of many windows, one for each, as whole numbers behind each other; those that are shared are held once."""

    def __init__(self, tables: Sequence[Tables]) -> None:
        self._shapes = [(one.slots,) for one in tables]
        self._columns = max((one.columns for one in tables), default=0)
        held, layouts, places = [np.zeros(0, np.int64)], dict[_Layout, int](), dict[Tables, tuple[int, int]]()
        place = 0
        for one in dict.fromkeys(tables):
            numbers, layout = _laid(one)
            places[one] = place, layouts.setdefault(layout, len(layouts))
            held.append(numbers)
            place += len(numbers)
        numbers = np.concatenate(held)
        short = numbers.min(initial=0) >= -(1 << BITS) and numbers.max(initial=0) < 1 << BITS
        self._numbers = numbers.astype(np.int32) if short else numbers
        self._places = np.array([places[one] for one in tables], np.int64).reshape(-1, 2)
        self._features = _joined([layout.features for layout in layouts])
        self._narrow = _joined([layout.narrow for layout in layouts])
        self._ends = np.cumsum([(0, 0), *((len(features), len(narrow)) for features, narrow in layouts)], axis=0)

    def dot(self, counts: Sequence[Ints] | Ints) -> Ints:
        """Return the products, (windows, most alternatives), zeros where there are fewer; as `Together.dot` does."""
        check(counts, self._shapes)
        exact: Ints = side_by_side(counts, np.dtype(np.int64))
        products = np.zeros((len(exact), self._columns), np.int64)
        told = self._numbers, self._features, self._narrow, self._ends, self._places
        if not _dot(*told, exact, products):
            high, low = ([each >> BITS for each in counts], [each & ((1 << BITS) - 1) for each in counts])
            return (self.dot(high) << BITS) + self.dot(low)
        return products


class _Layout(NamedTuple):
    """Where the loop finds what tables tell; windows of a fleet have few layouts between them."""

    features: tuple[Line, ...]  #: of each, the place of its table, the alternatives in it, its slots, all alternatives
    narrow: tuple[Line, ...]  #: of each narrow alternative, its feature, a slot, another or -1, and its column


def _laid(tables: Tables) -> tuple[Ints, _Layout]:
    """Return the numbers of *tables*: the two of each narrow alternative, then tables, and where these are."""
    wide, narrow, _ = tables.parted
    numbers, features = [np.column_stack([narrow.usual, narrow.more]).ravel()], list[Line]()
    for run, lines in zip(tables.runs, wide, strict=True):
        alternatives, slots = run.shape
        place, apart = sum(map(len, numbers)), lines * slots if len(run.values) > 1 else 0
        features += [(place + k * apart, lines, slots, alternatives) for k in range(run.features)]
        numbers.append(run.values[..., :lines].swapaxes(-1, -2).ravel())
    others = np.full(len(narrow.first), -1)
    others[narrow.pairs] = narrow.second
    where = zip(*(each.tolist() for each in (narrow.features, narrow.first, others, narrow.columns)), strict=True)
    return np.concatenate(numbers).astype(np.int64), _Layout(tuple(features), tuple(where))


def _joined(parts: Sequence[tuple[Line, ...]]) -> Ints:
    return np.array([line for part in parts for line in part], np.int64).reshape(-1, 4)


@numba.njit(nogil=True)
def _dot(numbers, features, narrow, ends, places, counts, products):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - numba's
    """Write the products, and return whether all counts were of so few bits that they are exact."""
    came, rows, seen = np.empty(counts.shape[1], np.int32), np.empty(len(features), np.int64), np.int64(0)
    for window in range(len(places)):
        whole = counts[window]
        for at in range(len(whole)):
            came[at] = whole[at]
            seen |= whole[at]
        begin, layout = places[window]
        slot = column = 0
        for feature in range(ends[layout, 0], ends[layout + 1, 0]):
            place, lines, slots, alternatives = features[feature]
            mine = came[slot : slot + slots]
            total = np.int64(0)
            for at in range(slots):
                total += mine[at]
            rows[feature - ends[layout, 0]] = total
            for line in range(lines):
                told = numbers[begin + place + line * slots : begin + place + (line + 1) * slots]
                gained = np.int64(0)
                for at in range(slots):
                    gained += np.int64(mine[at]) * np.int64(told[at])
                products[window, column + line] = gained
            slot += slots
            column += alternatives
        for at in range(ends[layout, 1], ends[layout + 1, 1]):
            feature, one, other, into = narrow[at]
            there = np.int64(came[one]) + (came[other] if other >= 0 else 0)
            products[window, into] = rows[feature] * numbers[begin] + there * numbers[begin + 1]
            begin += 2
    return seen >> BITS == 0
