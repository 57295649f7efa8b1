"""The same evidence by a compiled loop, for those who have numba (the extra `fast`): whoever imports this needs it.

The service does not: it decides about a window when that closes, beside which a product of its tables is nothing. It is
for those who decide about many models at once, and mostly wait for tables to be read: as whole numbers they are half as
wide as the floats that libraries of linear algebra know.
"""

from __future__ import annotations

from collections.abc import Sequence

import numba
import numpy as np

from monitoring.drift.dictionary import Dictionary
from monitoring.drift.tables import Asked, Tables, check, side_by_side
from monitoring.profiles.reference import Ints

BITS = 31  #: of a count that are multiplied at once


def together(dictionaries: Sequence[Dictionary]) -> Asked:
    """Return what tells the evidence of many windows, each by a dictionary of its own; as `Dictionary.together` does.

    Dictionaries of another make than that are asked in their own way.
    """
    if any(type(one) is not Dictionary for one in dictionaries):
        return dictionaries[0].together(dictionaries)
    return CompiledTogether([one.tables for one in dictionaries])


class CompiledTogether:
    """Tables of many windows, one for each, as whole numbers behind each other; those that are shared are held once."""

    def __init__(self, tables: Sequence[Tables]) -> None:
        self._shapes = [(one.slots,) for one in tables]
        self._columns = max((one.columns for one in tables), default=0)
        held, features, spans = [np.zeros(0, np.int64)], list[tuple[int, int, int]](), dict[Tables, tuple[int, int]]()
        place = 0
        for one in dict.fromkeys(tables):
            begin = len(features)
            for run in one.runs:
                alternatives, slots = run.shape
                apart = alternatives * slots if len(run.values) > 1 else 0
                features += [(place + k * apart, alternatives, slots) for k in range(run.features)]
                held.append(run.values.swapaxes(-1, -2).ravel().astype(np.int64))
                place += run.values.size
            spans[one] = begin, len(features)
        values = np.concatenate(held)
        short = values.min(initial=0) >= -(1 << BITS) and values.max(initial=0) < 1 << BITS
        self._values = values.astype(np.int32) if short else values
        self._features = np.array(features, np.int64).reshape(-1, 3)
        self._spans = np.array([spans[one] for one in tables], np.int64).reshape(-1, 2)

    def dot(self, counts: Sequence[Ints] | Ints) -> Ints:
        """Return the products, (windows, most alternatives), zeros where there are fewer; as `Together.dot` does."""
        check(counts, self._shapes)
        exact: Ints = side_by_side(counts, np.dtype(np.int64))
        products = np.zeros((len(exact), self._columns), np.int64)
        if not _dot(self._values, self._features, self._spans, exact, products):
            high, low = ([each >> BITS for each in counts], [each & ((1 << BITS) - 1) for each in counts])
            return (self.dot(high) << BITS) + self.dot(low)
        return products


@numba.njit(nogil=True)
def _dot(values, features, spans, counts, products):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - numba's
    """Write the products, and return whether all counts were of so few bits that they are exact."""
    came, seen = np.empty(counts.shape[1], np.int32), np.int64(0)
    for window in range(len(spans)):
        whole = counts[window]
        for at in range(len(whole)):
            came[at] = whole[at]
            seen |= whole[at]
        slot = column = 0
        for feature in range(spans[window, 0], spans[window, 1]):
            place, alternatives, slots = features[feature]
            mine = came[slot : slot + slots]
            for alternative in range(alternatives):
                told = values[place + alternative * slots : place + (alternative + 1) * slots]
                gained = np.int64(0)
                for at in range(slots):
                    gained += np.int64(mine[at]) * np.int64(told[at])
                products[window, column + alternative] = gained
            slot += slots
            column += alternatives
    return seen >> BITS == 0
