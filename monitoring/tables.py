"""Integer tables of all features side by side, and their exact products with counts of many windows at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Self

import numpy as np

from monitoring.reference import Floats, Ints

EXACT = 1 << 53  #: Whole numbers up to this are exact as floats.


@dataclass(frozen=True, slots=True, eq=False)
class Tables:
    """Tables of whole numbers, (alternatives, slots) for each feature, held as floats for the sake of speed.

    Libraries of linear algebra know floats only, and add in an order of their own. A sum of whole numbers is exact in
    any order as long as no part of it can pass 2^53, which holds where no count is above `most`.
    """

    runs: tuple[Floats, ...]  #: of neighbours with as many slots: (features, slots, most alternatives), zeros beside
    kept: Ints | None  #: where the columns of runs are alternatives; None where all are
    most: int  #: the highest count whose products are exact

    @classmethod
    def of(cls, tables: Sequence[Ints]) -> Self:
        """Hold *tables*, of each feature (alternatives, slots).

        Raises:
            ValueError: The numbers are so large that not even a count of 2 has exact products.

        >>> tables = Tables.of([np.array([[1, -2]]), np.array([[3, 0], [0, 1 << 40]])])
        >>> tables.dot(np.array([[1, 1, 5, 7], [0, 1 << 21, 0, 1 << 21]])).tolist()
        [[-1, 15, 7696581394432], [-4194304, 0, 2305843009213693952]]
        """
        runs = [list(some) for _, some in groupby(tables, key=lambda table: table.shape[1])]
        columns = [column for run in runs for column in _columns(run)]
        kept = None if all(columns) else np.flatnonzero(columns)
        heaviest = max((int(np.abs(each).sum(axis=1).max(initial=0)) for each in tables), default=0)
        if 2 * heaviest > EXACT:
            message = f"a row of a table adds up to {heaviest}; products are exact up to {EXACT // 2}"
            raise ValueError(message)
        return cls(tuple(map(_stacked, runs)), kept, EXACT // max(heaviest, 1))

    def dot(self, counts: Sequence[Ints] | Ints) -> Ints:
        """Return the products, (windows, alternatives), of *counts*, (windows, flat slots), none of them negative.

        Raises:
            ValueError: They are no counts of as many slots as the tables have.
        """
        exact = np.array(counts, np.float64)
        slots = sum(run.shape[0] * run.shape[1] for run in self.runs)
        if exact.shape[1:] != (slots,):
            message = f"counts of shape {exact.shape} are not (windows, {slots})"
            raise ValueError(message)
        if exact.max(initial=0) > self.most:
            bits = self.most.bit_length() - 1
            high, low = ([each >> bits for each in counts], [each & ((1 << bits) - 1) for each in counts])
            return (self.dot(high) << bits) + self.dot(low)
        products = np.empty((len(exact), sum(run.shape[0] * run.shape[2] for run in self.runs)))
        start = column = 0
        for run in self.runs:
            features, slots, alternatives = run.shape
            end, last = start + features * slots, column + features * alternatives
            into = products[:, column:last].reshape(len(exact), features, alternatives).swapaxes(0, 1)
            np.matmul(exact[:, start:end].reshape(len(exact), features, slots).swapaxes(0, 1), run, out=into)
            start, column = end, last
        return (products if self.kept is None else products.take(self.kept, axis=1)).astype(np.int64)


def _columns(run: Sequence[Ints]) -> Iterator[bool]:
    most = max(map(len, run))
    for table in run:
        yield from (at < len(table) for at in range(most))


def _stacked(run: Sequence[Ints]) -> Floats:
    stacked = np.zeros((len(run), run[0].shape[1], max(map(len, run))))
    for at, table in enumerate(run):
        stacked[at, :, : len(table)] = table.T
    return stacked
