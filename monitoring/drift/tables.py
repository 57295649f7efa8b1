"""Integer tables of all features side by side, and their exact products with counts of many windows at once."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Any, NamedTuple, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from monitoring.drift.narrow import Narrow, Spot, spots
from monitoring.profiles.reference import Floats, Ints

EXACT = 1 << 53  #: Whole numbers up to this are exact as floats.
ALIKE = 3  #: neighbours that share a table, from which on it is worth a product of its own


class Run(NamedTuple):
    """Neighbours whose tables have one shape, (features, slots, alternatives), or one table that they all share.

    Where each window has tables of its *own*, there is one more axis before these, and nothing that is narrow.
    """

    values: Floats
    features: int
    slots: slice  #: of all flat slots
    columns: slice  #: of all products
    own: bool = False

    @property
    def shape(self) -> tuple[int, int]:
        """Of each feature: its alternatives, and its slots."""
        return (self.columns.stop - self.columns.start) // self.features, self.values.shape[-2]

    @property
    def heaviest(self) -> Floats:
        """Of each table and alternative, what a count of 1 in each slot adds up to on the way to a product."""
        found: Floats = np.abs(self.values).sum(axis=-2)
        return found

    def dot(self, counts: Floats, products: Floats) -> None:
        """Multiply the slots of *counts*, (windows, flat slots), into the columns of *products*."""
        mine, into = counts[:, self.slots], products[:, self.columns]
        if self.features == 1 and not self.own:
            np.matmul(mine, self.values[0], out=into)
            return
        tables, slots, alternatives = self.values.shape[-3:]
        mine = mine.reshape(len(mine), self.features, slots)
        into = into.reshape(len(into), self.features, -1)[..., :alternatives]
        if self.own and tables > 1:
            np.matmul(mine[:, :, None], self.values, out=into[:, :, None])
        elif tables == 1 and (self.own or len(mine) < self.features):
            np.matmul(mine, self.values[..., 0, :, :], out=into)
        else:
            np.matmul(mine.swapaxes(0, 1), self.values, out=into.swapaxes(0, 1))


class Parted(NamedTuple):
    """Which alternatives take a table, and which are narrow, at the ends of the tables of a window."""

    wide: tuple[int, ...]  #: of each run, those of each feature that take one
    narrow: Narrow
    most: int  #: the highest count whose products are exact, whatever is narrow

    @classmethod
    def of(cls, runs: Sequence[Run]) -> Self:
        """Part what *runs* hold; an alternative which is narrow in some of a run's features alone takes tables."""
        wide, shapes, found, heaviest = list[int](), list[tuple[int, int]](), list[list[Spot]](), 0
        for run in runs:
            (lines, slots), weights = run.shape, run.heaviest
            ends = [spots(table.T) for table in run.values]
            # What is narrow weighs less than one and a half lines more: of these tables nothing may weigh too much.
            fewest = min(map(len, ends)) if 5 * weights.max(initial=0) <= EXACT else 0
            narrow = [some[len(some) - fewest :] for some in ends]
            weights[:, lines - fewest :] += [[one.weight for one in some] for some in narrow]
            heaviest = max(heaviest, int(weights.max(initial=0)))
            found += narrow * (run.features // len(narrow))
            shapes += [(lines, slots)] * run.features
            wide.append(lines - fewest)
        return cls(tuple(wide), Narrow.of(shapes, found), EXACT // max(heaviest, 1))


@dataclass(frozen=True, eq=False)
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

    @cached_property
    def parted(self) -> Parted:
        """What of these is copied where tables of many windows lie behind each other."""
        return Parted.of(self.runs)

    @property
    def shapes(self) -> tuple[tuple[bytes | int, ...], ...]:
        """What two tables must share to be multiplied at once."""
        wide, narrow, _ = self.parted
        return narrow.layout, wide, *((run.features, *run.values.shape) for run in self.runs)

    @classmethod
    def of(cls, tables: Sequence[Ints]) -> Self:
        """Hold *tables*, of each feature (alternatives, slots).

        Raises:
            ValueError: The numbers are so large that not even a count of 2 has exact products.

        >>> tables = Tables.of([np.array([[1, -2]]), np.array([[3, 0], [0, 1 << 40]])])
        >>> tables.dot(np.array([[1, 1, 5, 7], [0, 1 << 21, 0, 1 << 21]])).tolist()
        [[-1, 15, 7696581394432], [-4194304, 0, 2305843009213693952]]
        """
        runs, slots, columns = list[Run](), 0, 0
        for some in _runs(tables):
            lines, width = some[0].shape
            until = slots + len(some) * width, columns + len(some) * lines
            values = np.array([each.T for each in (some[:1] if _alike(some) else some)], np.float64)
            runs.append(Run(values, len(some), slice(slots, until[0]), slice(columns, until[1])))
            slots, columns = until
        heaviest = max((int(one.heaviest.max(initial=0)) for one in runs), default=0)
        if 2 * heaviest > EXACT:
            message = f"a row of a table adds up to {heaviest}; products are exact up to {EXACT // 2}"
            raise ValueError(message)
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
    Together they are megabytes, for which numpy asks the system for large pages, so that few have to be looked up; and
    what narrow alternatives would take of them is not read.
    """

    def __init__(self, tables: Sequence[Tables]) -> None:
        self._shapes = [(one.slots,) for one in tables]
        widths = {one.columns for one in tables}
        self._columns, self._even = max(widths, default=0), len(widths) == 1
        self._pieces = list(_pieces(tables))
        self._most = min((one.most for one in self._pieces), default=EXACT)

    def dot(self, counts: Sequence[Ints] | Ints) -> Ints:
        """Return the products, (windows, most alternatives), zeros where there are fewer; no count is negative.

        Raises:
            ValueError: They are no counts of as many slots as the tables have.
        """
        check(counts, self._shapes)
        exact = side_by_side(counts, np.dtype(np.float64))
        if exact.max(initial=0) > self._most:
            bits = self._most.bit_length() - 1
            high, low = ([each >> bits for each in counts], [each & ((1 << bits) - 1) for each in counts])
            return (self.dot(high) << bits) + self.dot(low)
        products = (np.empty if self._even else np.zeros)((len(exact), self._columns))
        for piece in self._pieces:
            for one in piece.factors:
                one.dot(exact[piece.windows], products[piece.windows])
        return products.astype(np.int64)


class Piece(NamedTuple):
    """Neighbours among windows that are multiplied at once, and by what."""

    windows: slice
    factors: Sequence[Run | Narrow]
    most: int  #: the highest count whose products are exact


def _pieces(tables: Sequence[Tables]) -> Iterator[Piece]:
    """Cut windows into such neighbours."""
    each, begin = [(one, len(list(same))) for one, same in groupby(tables)], 0
    if len(each) == 1:
        yield Piece(slice(0, len(tables)), tables[0].runs, tables[0].most)
        return
    for _, some in groupby(each, key=lambda pair: pair[0].shapes if pair[1] == 1 else pair[0]):
        mine = list(some)
        one, end = mine[0][0], begin + sum(number for _, number in mine)
        where, several = slice(begin, end), [each for each, _ in mine]
        yield _behind_each_other(where, several) if len(several) > 1 else Piece(where, one.runs, one.most)
        begin = end


def _behind_each_other(windows: slice, tables: Sequence[Tables]) -> Piece:
    """Copy *tables*, run by run, into one piece of memory, but for narrow alternatives."""
    parted = [one.parted for one in tables]
    runs = zip(*(one.runs for one in tables), strict=True)
    wide = [(some, number) for some, number in zip(runs, parted[0].wide, strict=True) if number]
    shapes = [(len(some), *some[0].values.shape[:-1], number) for some, number in wide]
    memory, begin, factors = np.empty(sum(map(math.prod, shapes))), 0, list[Run | Narrow]()
    for (some, number), shape in zip(wide, shapes, strict=True):
        end = begin + math.prod(shape)
        values = np.stack([run.values[..., :number] for run in some], out=memory[begin:end].reshape(shape))
        factors.append(some[0]._replace(values=values, own=True))
        begin = end
    usual, more = (np.stack(some) for some in zip(*(one.narrow[:2] for one in parted), strict=True))
    factors.append(parted[0].narrow._replace(usual=usual, more=more))
    return Piece(windows, factors, min(one.most for one in parted))


def check(counts: Sequence[Ints] | Ints, asked: Sequence[tuple[int]]) -> None:
    """Check that each window's *counts* have the shape that is *asked* of them.

    Raises:
        ValueError: They have not.
    """
    shapes = [each.shape for each in counts]
    if shapes != asked:
        found, wanted = next(pair for pair in zip(shapes, asked, strict=True) if pair[0] != pair[1])
        message = f"counts of shape {found} are not those of a window, {wanted}"
        raise ValueError(message)


def side_by_side(lines: Sequence[Ints] | Ints, kind: np.dtype[Any]) -> NDArray[Any]:
    """Return *lines* as an array, zeros where some are shorter than others."""
    widths = {len(each) for each in lines}
    longest = max(widths, default=0)
    if widths <= {longest}:
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
