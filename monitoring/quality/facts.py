"""Facts of a window that no histogram holds: values that come again and again, its levels, and rows that stand apart.

They are facts of a whole window, as its repeated rows are, and do not merge.
"""

from __future__ import annotations

import math
from collections.abc import Container, Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from monitoring.profiles.reference import Floats, Ints
from monitoring.profiles.tails import Apart, Limits

MOST_VALUES = 4  #: that are kept of a feature
#: What fewer rows than this share have is no code that matters, and may tell of somebody; it is not kept.
LEAST_SHARE = 0.01
LEVELS = 16  #: values that cut the rows of a window into equal parts
BUCKET_BITS = 10  #: the logarithm of the buckets of a feature, into which its values are spread
FEW = 200  #: rows, of which any two that share a bucket have to be looked at, so that all features are
SPREAD = np.uint64(0x9E3779B97F4A7C15)  #: 2^64 by the golden ratio (Knuth, The art of computer programming, 6.4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The rows of a window, and of each feature the values that most rows have: two and one in a hundred at least.

    The commonest come first, and of those that equally many rows have the lower: no order of rows changes what is kept.
    `levels` are of each feature sixteen of its finite values, rising; none where fewer than half of the rows have one.
    `apart` are of each feature the numbers of rows whose values are absurd, below and above; never the values. What is
    not asked for is empty: values of rows are told to those alone who judge by them.
    """

    rows: int
    repeated: tuple[tuple[tuple[float, int], ...], ...]
    levels: tuple[tuple[float, ...], ...]
    apart: tuple[Apart, ...] = ()

    def rows_with(self, feature: int, value: float) -> int:
        """Return how many rows have *value*, or 0 where others have pushed it out."""
        return dict(self.repeated[feature]).get(value, 0)

    def to_json(self) -> dict[str, Any]:
        """Return plain values, for canonical bytes."""
        return {
            "rows": self.rows,
            "repeated": [[list(pair) for pair in one] for one in self.repeated],
            "levels": [list(one) for one in self.levels],
            "apart": [[list(side) for side in one] for one in self.apart],
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Undo `to_json`."""
        repeated = tuple(tuple((float(value), int(count)) for value, count in one) for one in data["repeated"])
        levels = tuple(tuple(map(float, one)) for one in data["levels"])
        apart = tuple(tuple(map(tuple, one)) for one in data["apart"])
        return cls(rows=data["rows"], repeated=repeated, levels=levels, apart=apart)


#: Kinds of faults: by values that come again, by levels, and by rows that stand apart.
CODES, LEVELED, ABSURD = "sentinel", "unit", "absurd"


def facts(
    rows: Floats, judged: Container[str] = (CODES, LEVELED), limits: Limits | None = None, numbers: Ints | None = None
) -> Facts:
    """Return the facts of *rows* (n, features) that the kinds of faults in *judged* need.

    Which are absurd is told where *limits* are given; *numbers* (n,) name the rows, else they are counted from 0.

    >>> facts(np.array([[1.0], [0.0], [-0.0], [np.nan], [2.5], [1.0], [0.0]])).repeated
    (((0.0, 3), (1.0, 2)),)
    """
    columns = np.add(rows.T, 0.0, order="C")  # so that both zeros are one value, of one spelling
    columns[~np.isfinite(columns)] = np.nan  # stands behind all others, and is equal to none
    places = _wanted(columns, judged)
    ordered = np.sort(columns[places], axis=1)
    return Facts(
        rows=len(rows),
        repeated=tuple(_repeated(places, ordered, len(columns)) if CODES in judged else [()] * len(columns)),
        levels=tuple(_levels(ordered) if LEVELED in judged else [()] * len(columns)),
        apart=limits.apart(rows, np.arange(len(rows)) if numbers is None else numbers) if limits else (),
    )


def _wanted(columns: Floats, judged: Container[str]) -> Ints:
    """Return the places of the *columns* (features, n) that must be sorted."""
    if LEVELED in judged or (CODES in judged and columns.shape[1] <= FEW):
        return np.arange(len(columns))
    return _may_repeat(columns) if CODES in judged else np.empty(0, np.int64)


def _may_repeat(columns: Floats) -> Ints:
    """Return the places of *columns* of which a value may have as many rows as are kept: of most features none has.

    All rows of a value fall into one bucket. A sort of every feature would cost four times as much.
    """
    features, rows = columns.shape
    buckets = ((columns.view(np.uint64) * SPREAD) >> np.uint64(64 - BUCKET_BITS)).view(np.int64)
    buckets += np.arange(features)[:, None] << BUCKET_BITS
    fullest = np.bincount(buckets.ravel(), minlength=features << BUCKET_BITS).reshape(features, 1 << BUCKET_BITS)
    return np.flatnonzero(fullest.max(axis=1, initial=0) >= _least(rows))


def _least(rows: int) -> float:
    return max(2, LEAST_SHARE * rows)


def _levels(ordered: Floats) -> Iterator[tuple[float, ...]]:
    rows = ordered.shape[1]
    finite = np.isfinite(ordered).sum(axis=1)
    enough = finite >= max(LEVELS, rows / 2)
    at = (np.arange(LEVELS) * 2 + 1) * finite[enough, None] // (2 * LEVELS)
    found = iter(np.take_along_axis(ordered[enough], at, axis=1).tolist())
    return (tuple(next(found)) if some else () for some in enough.tolist())


def _repeated(places: Ints, ordered: Floats, features: int) -> list[tuple[tuple[float, int], ...]]:
    """Return what comes again of all *features*, of which those at *places* are *ordered*."""
    found: list[tuple[tuple[float, int], ...]] = [()] * features
    least = math.ceil(_least(ordered.shape[1]))
    # So many rows of one value are neighbours, so that the last of them is equal to the first.
    again = (ordered[:, least - 1 :] == ordered[:, : 1 - least]).any(axis=1)
    for place, values in zip(places[again].tolist(), ordered[again], strict=True):
        found[place] = _commonest(values[np.isfinite(values)], least)
    return found


def _commonest(ordered: Floats, least: int) -> tuple[tuple[float, int], ...]:
    starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    each, counts = ordered[starts], np.diff(np.append(starts, len(ordered)))
    again = counts >= least
    each, counts = each[again], counts[again]
    first = np.lexsort((each, -counts))[:MOST_VALUES]
    return tuple(zip(each[first].tolist(), counts[first].tolist(), strict=True))
