"""Groups of bins: what a detector counts that learns a change, since each group takes rows of its own to learn.

A feature has at most `GROUPS` of about equal share, in the order of its values or by the rank of its categories, and
one more for what is no value: missing, invalid, and categories that nobody knew.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import Self

import numpy as np

from monitoring.drift.dictionary import KEPT
from monitoring.profiles.alternatives import RARE, shares
from monitoring.profiles.dispersion import by_chance
from monitoring.profiles.reference import (
    FAR_OVER,
    FAR_UNDER,
    FIRST_BIN,
    OVER,
    UNDER,
    Feature,
    Floats,
    Ints,
    Reference,
)

#: With eight a value that comes too often, as by imputation, drowns in its group; with 32 a hollow middle takes twice
#: the rows to learn.
GROUPS = 16
NO_VALUE = GROUPS  #: the place of the last group
#: Normal standard errors within which the chi-square distance of a reference from its law is taken to be: one reference
#: of a thousand is farther off.
SURE = 3.0902


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """The groups of each feature; arrays are (features, groups), with shares of 0 where a feature has fewer."""

    reference: Reference
    places: Ints  #: of each flat slot, its group in the flattened array
    shares: Floats
    spreads: Floats  #: of each feature: how much more its sums vary than those of independent rows, at most
    errors: Floats  #: of each feature: standard errors that the reference may be off in all directions together
    tolerated: float  #: what is tolerated at any rate

    @classmethod
    @lru_cache(maxsize=KEPT)
    def of(cls, reference: Reference) -> Self:
        """Form the groups of a reference."""
        features = reference.features
        placed = [_placed(one) for one in features]
        expected = np.array([_summed(*each) for each in zip(placed, map(shares, features), strict=True)])
        freedom = [max(int((line > 0).sum()) - 1, 1) for line in expected]
        return cls(
            reference=reference,
            places=np.array([k * (GROUPS + 1) + at for k, each in enumerate(placed) for at in each], np.int64),
            shares=expected,
            spreads=np.array([max(one.dispersion, default=1.0) for one in features]),
            errors=np.array([math.sqrt(n * by_chance(n, SURE)) for n in freedom]),
            tolerated=RARE / (RARE + reference.rows),
        )

    def counted(self, counts: Ints) -> Ints:
        """Return the counts of a window by group; *counts* are those of its flat slots."""
        found = np.zeros(self.shares.size, np.int64)
        np.add.at(found, self.places, counts)
        return found.reshape(self.shares.shape)

    def moved(self, feature: int, counts: Ints) -> str:
        """Name the neighbours in which *counts* of a feature's groups depart most for their size, and how.

        What departs is weighed as a chi-square statistic weighs it: by the square of the difference over the share.
        """
        expected = self.shares[feature].tolist()
        total = max(int(counts.sum()), 1)
        gaps = [count / total - share for count, share in zip(counts.tolist(), expected, strict=True)]
        spans = [(NO_VALUE, NO_VALUE + 1), *((a, b) for b in range(1, GROUPS + 1) for a in range(b))]
        known = [span for span in spans if math.fsum(expected[slice(*span)]) > 0]
        first, end = max(known, key=lambda span: _weight(gaps[slice(*span)], expected[slice(*span)]))
        more = "more" if math.fsum(gaps[first:end]) > 0 else "less"
        return f"shape: {more} {self._told(feature, first, end)}"

    def _told(self, feature: int, first: int, end: int) -> str:
        """Tell which values the groups from *first* to *end* hold."""
        if first == NO_VALUE:
            return "without a known value"
        one = self.reference.features[feature]
        begin, stop = self.reference.starts[feature : feature + 2]
        mine = self.places[begin:stop] - feature * (GROUPS + 1)
        slots = [slot for slot in _ordered(one) if first <= mine[slot] < end]
        if one.kind == "categorical":
            return "of category " + ", ".join(str(slot - FIRST_BIN) for slot in sorted(slots))
        return _between(one, slots)


def _weight(gaps: list[float], expected: list[float]) -> float:
    return math.fsum(gaps) ** 2 / math.fsum(expected)


def _between(feature: Feature, slots: list[int]) -> str:
    borders = [feature.low, *feature.edges, feature.high]
    bins = [slot - FIRST_BIN for slot in slots if slot >= FIRST_BIN]
    low = None if {UNDER, FAR_UNDER} & {*slots} else borders[min(bins, default=-1)]
    high = None if {OVER, FAR_OVER} & {*slots} else borders[max(bins, default=-1) + 1]
    if low is None:
        return "anywhere" if high is None else f"below {high:g}"
    return f"from {low:g} on" if high is None else f"in {low:g} to {high:g}"


def _ordered(feature: Feature) -> list[int]:
    """Return the slots of known values: by their order, or by how frequent categories are."""
    bins = range(FIRST_BIN, feature.slots)
    if feature.kind == "categorical":
        return sorted(bins, key=lambda slot: (-feature.counts[slot], slot))
    return [FAR_UNDER, UNDER, *bins, OVER, FAR_OVER]


def _placed(feature: Feature) -> list[int]:
    """Return the group of each slot."""
    found, order = [NO_VALUE] * feature.slots, _ordered(feature)
    for slot, group in zip(order, _cut(feature, order), strict=True):
        found[slot] = group
    return found


def _cut(feature: Feature, order: list[int]) -> Iterator[int]:
    """Give the group of each slot in its *order*: by where the middle of it is, or its rank if it is a category."""
    if feature.kind == "categorical":
        yield from (min(rank, GROUPS - 1) for rank in range(len(order)))
        return
    p = shares(feature)
    ends = [0.0, *accumulate(p[slot] for slot in order)]
    for a, b in pairwise(ends):
        yield min(int((a + b) / 2 / ends[-1] * GROUPS), GROUPS - 1)


def _summed(placed: list[int], p: list[float]) -> list[float]:
    return [math.fsum(x for x, at in zip(p, placed, strict=True) if at == k) for k in range(GROUPS + 1)]
