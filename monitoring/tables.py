"""Integer tables of all features side by side, and their exact products with counts of many windows at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple, Self

import numpy as np

from monitoring.reference import Floats, Ints

EXACT = 1 << 53  #: Whole numbers up to this are exact as floats.


class Run(NamedTuple):
    """Neighbours with as many slots: (features, slots, most alternatives), zeros where a feature has fewer."""

    values: Floats
    slots: slice  #: of all flat slots
    columns: slice  #: of all products

    def dot(self, counts: Floats, products: Floats) -> None:
        """Multiply the slots of *counts*, (windows, flat slots), into the columns of *products*."""
        features, slots, alternatives = self.values.shape
        mine, into = counts[:, self.slots], products[:, self.columns]
        if features == 1:
            np.matmul(mine, self.values[0], out=into)
            return
        by_feature = into.reshape(len(into), features, alternatives).swapaxes(0, 1)
        np.matmul(mine.reshape(len(mine), features, slots).swapaxes(0, 1), self.values, out=by_feature)


@dataclass(frozen=True, slots=True, eq=False)
class Tables:
    """Tables of whole numbers, (alternatives, slots) for each feature, held as floats for the sake of speed.

    Libraries of linear algebra know floats only, and add in an order of their own. A sum of whole numbers is exact in
    any order as long as no part of it can pass 2^53, which holds where no count is above `most`.
    """

    runs: tuple[Run, ...]
    slots: int  #: of all features
    columns: int  #: of all runs
    kept: Ints | None  #: the columns that are alternatives; None where all are
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
        heaviest = max((int(np.abs(each).sum(axis=1).max(initial=0)) for each in tables), default=0)
        if 2 * heaviest > EXACT:
            message = f"a row of a table adds up to {heaviest}; products are exact up to {EXACT // 2}"
            raise ValueError(message)
        runs, kept, slots, columns = list[Run](), list[bool](), 0, 0
        for width, some in groupby(tables, key=lambda table: table.shape[1]):
            run = list(some)
            values, used = _stacked(run, width)
            ends = slots + len(run) * width, columns + len(used)
            runs.append(Run(values, slice(slots, ends[0]), slice(columns, ends[1])))
            kept, (slots, columns) = [*kept, *used], ends
        places = None if all(kept) else np.flatnonzero(kept)
        return cls(tuple(runs), slots, columns, places, EXACT // max(heaviest, 1))

    def dot(self, counts: Sequence[Ints] | Ints) -> Ints:
        """Return the products, (windows, alternatives), of *counts*, (windows, flat slots), none of them negative.

        Raises:
            ValueError: They are no counts of as many slots as the tables have.
        """
        exact = np.array(counts, np.float64)
        if exact.shape[1:] != (self.slots,):
            message = f"counts of shape {exact.shape} are not (windows, {self.slots})"
            raise ValueError(message)
        if exact.max(initial=0) > self.most:
            bits = self.most.bit_length() - 1
            high, low = ([each >> bits for each in counts], [each & ((1 << bits) - 1) for each in counts])
            return (self.dot(high) << bits) + self.dot(low)
        products = np.empty((len(exact), self.columns))
        for run in self.runs:
            run.dot(exact, products)
        return (products if self.kept is None else products.take(self.kept, axis=1)).astype(np.int64)


def _stacked(run: Sequence[Ints], width: int) -> tuple[Floats, list[bool]]:
    """Return the tables of a run as one, and which of its columns are alternatives."""
    stacked = np.zeros((len(run), width, max(map(len, run))))
    for at, table in enumerate(run):
        stacked[at, :, : len(table)] = table.T
    return stacked, [at < len(table) for table in run for at in range(stacked.shape[2])]
