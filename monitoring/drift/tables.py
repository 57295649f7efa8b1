"""Integer tables of all features side by side, and their exact products with counts of many windows at once."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, NamedTuple, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from monitoring.profiles.reference import Floats, Ints

EXACT = 1 << 53  #: Whole numbers up to this are exact as floats.
ALIKE = 3  #: neighbours that share a table, from which on it is worth a product of its own


class Run(NamedTuple):
    """Neighbours whose tables have one shape, (features, slots, alternatives), or one table that they all share.

    Where each window has tables of its *own*, there is one more axis before these.
    """

    values: Floats
    features: int
    slots: slice  #: of all flat slots
    columns: slice  #: of all products
    own: bool = False

    def dot(self, counts: Floats, products: Floats) -> None:
        """Multiply the slots of *counts*, (windows, flat slots), into the columns of *products*."""
        mine, into = counts[:, self.slots], products[:, self.columns]
        if self.features == 1 and not self.own:
            np.matmul(mine, self.values[0], out=into)
            return
        tables, slots, alternatives = self.values.shape[-3:]
        mine = mine.reshape(len(mine), self.features, slots)
        into = into.reshape(len(into), self.features, alternatives)
        if self.own and tables > 1:
            np.matmul(mine[:, :, None], self.values, out=into[:, :, None])
        elif tables == 1 and (self.own or len(mine) < self.features):
            np.matmul(mine, self.values[..., 0, :, :], out=into)
        else:
            np.matmul(mine.swapaxes(0, 1), self.values, out=into.swapaxes(0, 1))


@dataclass(frozen=True, slots=True, eq=False)
class Tables:
    """Tables of whole numbers, (alternatives, slots) for each feature, held as floats for the sake of speed.

    Libraries of linear algebra know floats only, and add in an order of their own. A sum of whole numbers is exact in
    any order as long as no part of it can pass 2^53, which holds where no count is above `most`.

    Quantiles cut rows of whatever law into the same counts, so that many features of a reference have the same table.
    It is held once for those that are neighbours: what is read to decide about a window is mostly tables.
    """

    runs: tuple[Run, ...]
    slots: int  #: of all features
    columns: int  #: alternatives of all features
    most: int  #: the highest count whose products are exact

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """What two tables must share to be multiplied at once."""
        return tuple((run.features, *run.values.shape) for run in self.runs)

    @classmethod
    def of(cls, tables: Sequence[Ints]) -> Self:
        """Hold *tables*, of each feature (alternatives, slots).

        Raises:
            ValueError: The numbers are so large that not even a count of 2 has exact products.

        >>> tables = Tables.of([np.array([[1, -2]]), np.array([[3, 0], [0, 1 << 40]])])
        >>> tables.dot(np.array([[1, 1, 5, 7], [0, 1 << 21, 0, 1 << 21]])).tolist()
        [[-1, 15, 7696581394432], [-4194304, 0, 2305843009213693952]]
        """
        heaviest = max((int(np.abs(each).sum(axis=1).max(initial=0)) for each in tables), default=0)
        if 2 * heaviest > EXACT:
            message = f"a row of a table adds up to {heaviest}; products are exact up to {EXACT // 2}"
            raise ValueError(message)
        runs, slots, columns = list[Run](), 0, 0
        for some in _runs(tables):
            lines, width = some[0].shape
            ends = slots + len(some) * width, columns + len(some) * lines
            values = np.array([each.T for each in (some[:1] if _alike(some) else some)], np.float64)
            runs.append(Run(values, len(some), slice(slots, ends[0]), slice(columns, ends[1])))
            slots, columns = ends
        return cls(tuple(runs), slots, columns, EXACT // max(heaviest, 1))

    def dot(self, counts: Sequence[Ints] | Ints) -> Ints:
        """Return the products, (windows, alternatives), of *counts*, (windows, flat slots), none of them negative.

        Raises:
            ValueError: They are no counts of as many slots as the tables have.
        """
        return Together([self] * len(counts)).dot(counts)


class Asked(Protocol):
    """Tells what many windows gain, each of them by what it is held against."""

    def dot(self, counts: Sequence[Ints]) -> Ints:
        """Return the gains, (windows, most alternatives), zeros where there are fewer; *counts* are flat slots."""


class Together:
    """Tables of many windows, one for each.

    Neighbours with the same tables are multiplied at once. So are those with tables of the same shapes, which are
    copied for that to lie behind each other: what a processor reads in one go it reads several times as fast.
    Together they are megabytes, for which numpy asks the system for large pages, so that few have to be looked up.
    """

    def __init__(self, tables: Sequence[Tables]) -> None:
        self._shapes = [(one.slots,) for one in tables]
        self._most = min((one.most for one in tables), default=EXACT)
        widths = {one.columns for one in tables}
        self._columns, self._even = max(widths, default=0), len(widths) == 1
        self._pieces = list(_pieces(tables))

    def dot(self, counts: Sequence[Ints] | Ints) -> Ints:
        """Return the products, (windows, most alternatives), zeros where there are fewer; no count is negative.

        Raises:
            ValueError: They are no counts of as many slots as the tables have.
        """
        shapes = [each.shape for each in counts]
        if shapes != self._shapes:
            found, wanted = next(pair for pair in zip(shapes, self._shapes, strict=True) if pair[0] != pair[1])
            message = f"counts of shape {found} are not those of a window, {wanted}"
            raise ValueError(message)
        exact = side_by_side(counts, np.dtype(np.float64))
        if exact.max(initial=0) > self._most:
            bits = self._most.bit_length() - 1
            high, low = ([each >> bits for each in counts], [each & ((1 << bits) - 1) for each in counts])
            return (self.dot(high) << bits) + self.dot(low)
        products = (np.empty if self._even else np.zeros)((len(exact), self._columns))
        for piece, runs in self._pieces:
            for run in runs:
                run.dot(exact[piece], products[piece])
        return products.astype(np.int64)


def _pieces(tables: Sequence[Tables]) -> Iterator[tuple[slice, Sequence[Run]]]:
    """Cut windows into neighbours that are multiplied at once."""
    each, begin = [(one, len(list(same))) for one, same in groupby(tables)], 0
    if len(each) == 1:
        yield slice(0, len(tables)), tables[0].runs
        return
    for _, some in groupby(each, key=lambda pair: pair[0].shapes if pair[1] == 1 else pair[0]):
        mine = list(some)
        end = begin + sum(number for _, number in mine)
        runs = mine[0][0].runs
        if len(mine) > 1:
            runs = tuple(_behind_each_other([one.runs for one, _ in mine]))
        yield slice(begin, end), runs
        begin = end


def _behind_each_other(windows: Sequence[Sequence[Run]]) -> Iterator[Run]:
    """Copy the tables of *windows*, run by run, into one piece of memory."""
    runs = list(zip(*windows, strict=True))
    shapes = [(len(each), *each[0].values.shape) for each in runs]
    memory, begin = np.empty(sum(map(math.prod, shapes))), 0
    for each, shape in zip(runs, shapes, strict=True):
        end = begin + math.prod(shape)
        values = memory[begin:end].reshape(shape)
        yield each[0]._replace(values=np.stack([run.values for run in each], out=values), own=True)
        begin = end


def side_by_side(lines: Sequence[Ints] | Ints, kind: np.dtype[Any]) -> NDArray[Any]:
    """Return *lines* as an array, zeros where some are shorter than others."""
    longest = max(map(len, lines), default=0)
    if all(len(each) == longest for each in lines):
        flat = np.concatenate(lines, dtype=kind, casting="unsafe") if len(lines) else np.zeros(0, kind)
        return flat.reshape(len(lines), longest)
    found = np.zeros((len(lines), longest), kind)
    for at, each in enumerate(lines):
        found[at, : len(each)] = each
    return found


def _runs(tables: Sequence[Ints]) -> Iterator[list[Ints]]:
    """Cut *tables* into neighbours of one shape, and out of these those that are many alike."""
    for _, shaped in groupby(tables, key=np.shape):
        others = list[Ints]()
        for _, same in groupby(shaped, key=lambda table: table.tobytes()):
            alike = list(same)
            if len(alike) < ALIKE:
                others += alike
                continue
            yield from ([others] if others else [])
            yield alike
            others = []
        yield from ([others] if others else [])


def _alike(some: Sequence[Ints]) -> bool:
    return all(np.array_equal(each, some[0]) for each in some)
