"""The same evidence by compiled loops, for those who have numba (the extra `fast`): whoever imports this needs it.

The service does not: it decides about a window when that closes, beside which a product of its tables is nothing. It is
for those who decide about many models at once, and mostly wait for tables to be read. The rule in use tells each slot
one of few levels, so that a number takes a byte, where libraries of linear algebra know floats of eight, and processors
multiply and add up many at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Self
from weakref import WeakKeyDictionary

import numba
import numpy as np
from numpy.typing import NDArray

from monitoring.drift.dictionary import Dictionary
from monitoring.drift.fleet import Way
from monitoring.drift.tables import Asked, Tables, Together, check
from monitoring.drift.watches import Adding
from monitoring.profiles.alternatives import LEVELS
from monitoring.profiles.reference import Ints

MOST = 1 << 30  #: what a number of a table is below, to be held in few bits
FEW = 1 << 15  #: rows of a feature, below which sums of levels are exact in 32 bits
#: Slots that are added up at once: of 64 bins, and of what is none. It is unsigned, as places are, of which numba would
#: ask otherwise whether they count from the end.
BLOCK = np.uintp(72)
WHOLE = np.dtype(np.int64)
NONE, ONE = np.uintp(0), np.uintp(1)
STRETCH = 32  #: windows that a loop is shown at once

Line = tuple[int, ...]


def together(dictionaries: Sequence[Dictionary]) -> Asked:
    """Return what tells the evidence of many windows, each by a dictionary of its own; as `Dictionary.together` does.

    Those of another make are asked in their own way.
    """
    if any(type(one) is not Dictionary for one in dictionaries):
        return dictionaries[0].together(dictionaries)
    return asked([one.tables for one in dictionaries])


def asked(tables: Sequence[Tables]) -> Asked:
    """Return what multiplies *tables* of many windows; linear algebra where one of them takes more than levels."""
    each = dict.fromkeys(tables)
    for one in each:
        if one not in _LAID:
            _LAID[one] = _Laid.of(one)
    laid = {one: found for one in each if (found := _LAID[one])}
    return CompiledTogether(tables, laid) if len(laid) == len(each) else Together(tables)


class _Layout(NamedTuple):
    """Where the loop finds what tables tell; windows of a fleet have few layouts between them."""

    #: Of each, where its numbers and its levels begin, its alternatives in a table, its slots, these up to whole blocks
    #: of them, and all its alternatives.
    features: tuple[Line, ...]
    narrow: tuple[Line, ...]  #: of each narrow alternative, its feature, a slot, another or none, and its column


class _Laid(NamedTuple):
    """What the tables of one window tell, and where."""

    #: Of each narrow alternative what it tells all rows, and some besides; of each in a table its middle, and its step.
    numbers: NDArray[np.int32]
    levels: NDArray[np.int8]  #: of each table, (alternatives, slots up to whole blocks)
    layout: _Layout

    @classmethod
    def of(cls, tables: Tables) -> Self | None:
        """Lay *tables* out; None: one of their numbers takes more bits, or an alternative more levels."""
        wide, narrow, _ = tables.parted
        numbers, levels = [np.column_stack([narrow.usual, narrow.more]).ravel()], [np.zeros(0, np.int8)]
        features = list[Line]()
        for run, lines in zip(tables.runs, wide, strict=True):
            told, (alternatives, slots) = run.values[..., :lines].astype(np.int64), run.shape
            places = np.array([sum(map(len, numbers)), sum(map(len, levels))])
            least, most = told.min(axis=1, keepdims=True), told.max(axis=1, keepdims=True)
            step = np.maximum(np.gcd.reduce(told - least, axis=1, keepdims=True), 1)
            if (most - least > 2 * LEVELS * step).any():
                return None
            middle, padded = least + LEVELS * step, slots + -slots % int(BLOCK)
            level = np.pad((told - middle) // step, ((0, 0), (0, padded - slots), (0, 0))).swapaxes(1, 2)
            begins = (places + k * lines * np.array([2, padded]) * (len(told) > 1) for k in range(run.features))
            features += [(*begin.tolist(), lines, slots, padded, alternatives) for begin in begins]
            numbers.append(np.concatenate([middle, step], axis=1).ravel())
            levels.append(level.astype(np.int8).ravel())
        whole = np.concatenate(numbers)
        if abs(whole).max(initial=0) >= MOST:
            return None
        others = np.full(len(narrow.first), tables.slots)
        others[narrow.pairs] = narrow.second
        where = zip(*(each.tolist() for each in (narrow.features, narrow.first, others, narrow.columns)), strict=True)
        return cls(whole.astype(np.int32), np.concatenate(levels), _Layout(tuple(features), tuple(where)))


#: What lasts as long as its tables do: whoever of a fleet has something to tell, its neighbours are laid out again.
_LAID = WeakKeyDictionary[Tables, _Laid | None]()


class CompiledTogether:
    """Tables of many windows, one for each, as whole numbers behind each other; those that are shared are held once."""

    def __init__(self, tables: Sequence[Tables], laid: Mapping[Tables, _Laid]) -> None:
        self._shapes = [(one.slots,) for one in tables]
        self._columns = max((one.columns for one in tables), default=0)
        layouts, places, begin, beside = dict[_Layout, int](), dict[Tables, Line](), 0, 0
        for one, (numbers, levels, layout) in laid.items():
            places[one] = begin, beside, layouts.setdefault(layout, len(layouts))
            begin, beside = begin + len(numbers), beside + len(levels)
        self._told = (
            np.concatenate([np.zeros(0, np.int32), *(one.numbers for one in laid.values())]),
            np.concatenate([np.zeros(0, np.int8), *(one.levels for one in laid.values())]),
        )
        ends = np.cumsum([(0, 0), *((len(one.features), len(one.narrow)) for one in layouts)], axis=0)
        features, narrow = _joined((one.features for one in layouts), 6), _joined((one.narrow for one in layouts), 4)
        self._layouts = features, narrow, ends.astype(np.uintp)
        self._places = _joined([(places[one] for one in tables)], 3)
        self._room = max((sum(padded for *_, padded, _ in one.features) for one in layouts), default=0)

    def dot(self, counts: Sequence[Ints] | Ints) -> Ints:
        """Return the products, (windows, most alternatives), zeros where there are fewer; as `Together.dot` does."""
        check(counts, self._shapes)
        products = np.empty((len(counts), self._columns), np.int64)
        for begin in range(0, len(counts), STRETCH):
            some = slice(begin, begin + STRETCH)
            _dot(self._told, self._layouts, self._places[some], _alike(counts[some]), products[some], self._room)
        return products


def _alike(counts: Sequence[Ints] | Ints) -> tuple[Ints, ...]:
    """Return *counts*, read where they lie, as what a loop is compiled for: the last one again fills a stretch up."""
    each = [one if one.flags.carray and one.dtype == WHOLE else np.array(one, WHOLE) for one in counts]
    return (*each, *each[-1:] * (STRETCH - len(each)))


def _joined(parts: Iterable[Iterable[Line]], width: int) -> NDArray[np.uintp]:
    return np.array([line for part in parts for line in part], np.uintp).reshape(-1, width)


# Nothing is cut out of an array within a loop: that costs as much as adding up a line.
@numba.njit(nogil=True)
def _dot(told, layouts, places, counts, products, room):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - numba's
    """Write the products. One of more than 64 bits is that of whole numbers in so many, as numpy has it.

    There are as many *counts* as a stretch has windows; those that are no window's are not looked at.
    """
    numbers, levels = told
    features, narrow, ends = layouts
    rows, short, window = np.empty(len(features), np.int64), np.zeros(room, np.int16), NONE
    for came in counts:
        if window == len(places):
            break
        gained = products[window]
        begin, beside, layout = places[window]
        one, last = ends[layout], ends[layout + ONE]
        _lay(came, features, one[0], last[0], short, rows)
        slot = place = column = NONE
        for feature in range(one[0], last[0]):
            number, level, lines, width, padded, alternatives = features[feature]
            number, level, total = begin + number, beside + level, rows[feature - one[0]]
            for line in range(lines):
                if total < FEW:
                    found = _little(short, place, levels, level, padded)
                else:
                    found = _much(came, slot, levels, level, width)
                gained[column + line] = total * numbers[number + line] + found * numbers[number + lines + line]
                level += padded
            slot, place, column = slot + width, place + padded, column + alternatives
        for at in range(one[1], last[1]):
            feature, first, second, into = narrow[at]
            there = came[first] + (came[second] if second < len(came) else 0)
            gained[into] = rows[feature] * numbers[begin] + there * numbers[begin + ONE]
            begin += ONE + ONE
        gained[column:] = 0
        window += ONE


@numba.njit(nogil=True)
def _lay(came, features, begin, end, short, rows):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - numba's
    """Lay out what *came* in *short* numbers, each feature's up to whole blocks, and count the rows of each."""
    slot = place = NONE
    for feature in range(begin, end):
        width, padded, total = features[feature, 3], features[feature, 4], np.int64(0)
        for at in range(width):
            total += came[slot + at]
            short[place + at] = came[slot + at]
        rows[feature - begin] = total
        slot += width
        place += padded


# Told apart by their types: a sum of 32 bits is what processors have an instruction for.
@numba.njit(nogil=True)
def _little(counts, slot, levels, level, width):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - numba's
    """Add up the levels of so few *counts* that they are exact in 32 bits, in whole blocks."""
    found = np.int64(0)
    for block in range(NONE, width, BLOCK):
        some = np.int32(0)
        for at in range(block, block + BLOCK):
            some = np.int32(some + np.int32(np.int32(counts[slot + at]) * np.int32(levels[level + at])))
        found += some
    return found


@numba.njit(nogil=True)
def _much(counts, slot, levels, level, width):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - numba's
    found = np.int64(0)
    for at in range(width):
        found += counts[slot + at] * levels[level + at]
    return found


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


@numba.njit(nogil=True)
def _add(sums, most, gained):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - numba's
    """Do what `add` of `watches.py` does, with one look at each number."""
    highest = np.empty(len(sums), np.int64)
    for window in range(len(sums)):
        bound, top = most[window], np.int64(-1 << 63)
        for at in range(sums.shape[1]):
            sums[window, at] = now = sums[window, at] + min(gained[window, at], bound)
            top = max(top, now)
        highest[window] = top
    return highest


WAY = Way(together, Adding(_accumulate, _add))  #: for fleets
