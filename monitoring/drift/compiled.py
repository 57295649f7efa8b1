"""The same evidence by compiled loops, for those who have numba (the extra `fast`): whoever imports this needs it.

The service does not: it decides about a window when that closes, beside which a product of its tables is nothing. It is
for those who decide about many models at once, and mostly wait for tables to be read. Numbers of tables are held in two
parts of few bits: three bytes mostly, where libraries of linear algebra know floats of eight, and processors multiply
and add up many at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from monitoring.drift.dictionary import Dictionary
from monitoring.drift.fleet import Way
from monitoring.drift.tables import Asked, Tables, Together, check, side_by_side
from monitoring.profiles.reference import Ints

BITS = 31  #: of a count that are multiplied at once
MOST = 1 << 30  #: what a number of a table is below, to be held in two parts
LOW = 16  #: bits of the low part
FEW = 1 << 15  #: rows of a feature, below which sums of either part are exact in 32 bits
#: Slots that are added up at once; those that are left over come first, where few rows are. It is unsigned, as places
#: are, of which numba would ask otherwise whether they count from the end.
BLOCK = np.uintp(64)
WHOLE = np.dtype(np.int64)
NONE, ONE = np.uintp(0), np.uintp(1)
STRETCH = 32  #: windows whose counts are laid beside each other at once, so that they stay in the cache

Line = tuple[int, ...]


def together(dictionaries: Sequence[Dictionary]) -> Asked:
    """Return what tells the evidence of many windows, each by a dictionary of its own; as `Dictionary.together` does.

    Those of another make are asked in their own way.
    """
    if len(set(dictionaries)) == 1 or any(type(one) is not Dictionary for one in dictionaries):
        return dictionaries[0].together(dictionaries)
    return asked([one.tables for one in dictionaries])


def asked(tables: Sequence[Tables]) -> Asked:
    """Return what multiplies *tables* of many windows; linear algebra where one of their numbers reaches `MOST`."""
    laid = {one: _Laid.of(one) for one in dict.fromkeys(tables)}
    short = all(abs(part).max(initial=0) < MOST for one in laid.values() for part in (one.numbers, one.blocks))
    return CompiledTogether(tables, laid) if short else Together(tables)


class _Layout(NamedTuple):
    """Where the loop finds what tables tell; windows of a fleet have few layouts between them."""

    #: Of each, where its first slots are, its first block, the alternatives in its table, its slots, all alternatives.
    features: tuple[Line, ...]
    narrow: tuple[Line, ...]  #: of each narrow alternative, its feature, a slot, another or none, and its column


class _Laid(NamedTuple):
    """What the tables of one window tell, and where."""

    numbers: Ints  #: the two of each narrow alternative; then of each table its first slots, (slots, alternatives)
    blocks: Ints  #: of each table its other slots, (blocks and alternatives, `BLOCK`)
    layout: _Layout

    @classmethod
    def of(cls, tables: Tables) -> _Laid:
        """Lay *tables* out."""
        wide, narrow, _ = tables.parted
        numbers, blocks = [np.column_stack([narrow.usual, narrow.more]).ravel()], [np.zeros((0, BLOCK))]
        features = list[Line]()
        for run, lines in zip(tables.runs, wide, strict=True):
            alternatives, slots = run.shape
            several, odd = divmod(slots, int(BLOCK))
            places = np.array([sum(map(len, numbers)), sum(map(len, blocks))])
            apart = lines * np.array([odd, several]) * (len(run.values) > 1)
            features += [(*(places + k * apart).tolist(), lines, slots, alternatives) for k in range(run.features)]
            numbers.append(run.values[:, :odd, :lines].ravel())
            cut = run.values[:, odd:, :lines].reshape(len(run.values), several, BLOCK, lines)
            blocks.append(cut.swapaxes(-1, -2).reshape(-1, BLOCK))
        others = np.full(len(narrow.first), tables.slots)
        others[narrow.pairs] = narrow.second
        where = zip(*(each.tolist() for each in (narrow.features, narrow.first, others, narrow.columns)), strict=True)
        whole, layout = np.concatenate(blocks).astype(np.int64), _Layout(tuple(features), tuple(where))
        return cls(np.concatenate(numbers).astype(np.int64), whole, layout)


class CompiledTogether:
    """Tables of many windows, one for each, as whole numbers behind each other; those that are shared are held once."""

    def __init__(self, tables: Sequence[Tables], laid: Mapping[Tables, _Laid]) -> None:
        self._shapes = [(one.slots,) for one in tables]
        self._columns = max((one.columns for one in tables), default=0)
        layouts, places, begin, beside = dict[_Layout, int](), dict[Tables, Line](), 0, 0
        for one, (numbers, blocks, layout) in laid.items():
            places[one] = begin, beside, layouts.setdefault(layout, len(layouts))
            begin, beside = begin + len(numbers), beside + len(blocks)
        numbers = np.concatenate([np.zeros(0, np.int64), *(one.numbers for one in laid.values())])
        whole = np.concatenate([np.zeros((0, BLOCK), np.int64), *(one.blocks for one in laid.values())])
        low = whole.astype(np.int16)
        high = (whole - low) >> LOW
        short = np.int8 if abs(high).max(initial=0) < 1 << 7 else np.int16
        self._told = numbers.astype(np.int32), low, high.astype(short)
        ends = np.cumsum([(0, 0), *((len(one.features), len(one.narrow)) for one in layouts)], axis=0)
        features, narrow = _joined((one.features for one in layouts), 5), _joined((one.narrow for one in layouts), 4)
        self._layouts = features, narrow, ends.astype(np.uintp)
        self._places = _joined([(places[one] for one in tables)], 3)

    def dot(self, counts: Sequence[Ints] | Ints) -> Ints:
        """Return the products, (windows, most alternatives), zeros where there are fewer; as `Together.dot` does."""
        check(counts, self._shapes)
        products = np.zeros((len(counts), self._columns), np.int64)
        for begin in range(0, len(counts), STRETCH):
            some = slice(begin, begin + STRETCH)
            exact: Ints = side_by_side(counts[some], WHOLE)
            if not _dot(self._told, self._layouts, self._places[some], exact, products[some]):
                high, low = ([each >> BITS for each in counts], [each & ((1 << BITS) - 1) for each in counts])
                return (self.dot(high) << BITS) + self.dot(low)
        return products


def _joined(parts: Iterable[Iterable[Line]], width: int) -> NDArray[np.uintp]:
    return np.array([line for part in parts for line in part], np.uintp).reshape(-1, width)


# Nothing is cut out of an array within a loop: that costs as much as adding up a line.
@numba.njit(nogil=True)
def _dot(told, layouts, places, counts, products):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - numba's
    """Write the products, and return whether all counts were of so few bits that they are exact."""
    numbers, low, high = told
    features, narrow, ends = layouts
    rows, short = np.empty(len(features), np.int64), np.empty(counts.shape[1], np.int16)
    seen = np.int64(0)
    for window in range(len(places)):
        came, gained = counts[window], products[window]
        for at in range(len(came)):
            short[at] = came[at]
            seen |= came[at]
        begin, beside, layout = places[window]
        one, last = ends[layout], ends[layout + ONE]
        slot = column = NONE
        for feature in range(one[0], last[0]):
            number, block, lines, width, alternatives = features[feature]
            block += beside
            middle, end = slot + width % BLOCK, slot + width
            total = _first(came, slot, middle, numbers, begin + number, lines, gained, column)
            for at in range(middle, end):
                total += came[at]
            for at in range(middle, end, BLOCK):
                if total < FEW:
                    _little(short, at, low, high, block, lines, gained, column)
                else:
                    _much(came, at, low, high, block, lines, gained, column)
                block += lines
            rows[feature - one[0]] = total
            slot, column = end, column + alternatives
        for at in range(one[1], last[1]):
            feature, first, second, into = narrow[at]
            there = came[first] + (came[second] if second < len(came) else 0)
            gained[into] = rows[feature] * numbers[begin] + there * numbers[begin + ONE]
            begin += ONE + ONE
    return seen >> BITS == 0


@numba.njit(nogil=True)
def _first(came, slot, middle, numbers, number, lines, gained, column):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - numba's
    """Add the products of the first slots of a feature, and return how many rows they have."""
    total = np.int64(0)
    for at in range(slot, middle):
        if came[at]:
            total += came[at]
            for line in range(lines):
                gained[column + line] += came[at] * numbers[number + line]
        number += lines
    return total


# Told apart by their types, since a sum of 32 bits, and one part at a time, is what processors have an instruction for.
@numba.njit(nogil=True)
def _little(counts, slot, low, high, block, lines, gained, column):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - numba's
    """Add the products of so few *counts* that they are exact in 32 bits."""
    for line in range(lines):
        little, more = np.int32(0), np.int32(0)
        for at in range(BLOCK):
            little = np.int32(little + np.int32(np.int32(counts[slot + at]) * np.int32(low[block + line, at])))
        for at in range(BLOCK):
            more = np.int32(more + np.int32(np.int32(counts[slot + at]) * np.int32(high[block + line, at])))
        gained[column + line] += (np.int64(more) << LOW) + little


@numba.njit(nogil=True)
def _much(counts, slot, low, high, block, lines, gained, column):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - numba's
    for line in range(lines):
        for at in range(BLOCK):
            told = (np.int64(high[block + line, at]) << LOW) + low[block + line, at]
            gained[column + line] += np.int64(counts[slot + at]) * told


@numba.njit(nogil=True)
def _accumulate(sums, since, starts, gained):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - numba's
    """Do what `accumulate` of `watches.py` does, with one look at each number."""
    highest = np.empty(len(sums), np.int64)
    for window in range(len(sums)):
        start, most = starts[window], np.int64(-1 << 63)
        for at in range(sums.shape[1]):
            before = sums[window, at]
            since[window, at] = start if before <= 0 else since[window, at]
            sums[window, at] = now = max(before, 0) + gained[window, at]
            most = max(most, now)
        highest[window] = most
    return highest


WAY = Way(together, _accumulate)  #: for fleets
