"""How much more sums over stretches of a reference vary than sums of independent rows: evidence is tempered by it."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TypeVar

import numpy as np

from monitoring.profiles.alternatives import NATS, SINGLE, kind, ladder, names, shares
from monitoring.profiles.reference import Feature, Ints

STILL = 1e-9  #: A variance of scores below this is rounding.
LEAST_GROUPS = 8  #: Fewer sums tell nothing about their spread.
#: Standard errors that chance is allowed. A spread that chance makes costs as much delay as a true one.
CHANCE = 2.5
#: And to a feature alone, of which there are many: what all of them share is seen sooner than that.
OWN_CHANCE = 3.0
MEDIAN = math.pi / 2  #: times as many values as a mean does, a median takes to be as sure
FINE = 1 << 10  #: parts of a standard deviation, for correlations in whole numbers

Number = TypeVar("Number", int, float)


def dispersions(features: Sequence[Feature], blocks: Iterable[Ints]) -> list[tuple[float, ...]]:
    """Return for each alternative of each feature how much more its block sums vary than sums of independent rows.

    At least 1. *blocks* has for each feature the counts (blocks, slots) in order of time. Blocks are joined by 2, 4 and
    so on too, since slow swings show only there. What chance may well make of independent rows is 1; what it hardly can
    counts, less a standard error, and longer stretches only where shorter ones do not explain them. Features share
    their rows and with them how these hang together, so the median of all features is the least for each whose own sums
    do not speak against it: it sees a dependence that one feature's own sums are too few for.
    """
    found = [_sums(feature, each) for feature, each in zip(features, blocks, strict=True)]
    alike = defaultdict(list)
    for sums in found:
        for name, each in sums.items():
            alike[_sort(name)].append(each)
    shared = {sort: _shared(some) for sort, some in alike.items()}
    owns = [{name: _own(each, shared[_sort(name)]) for name, each in sums.items()} for sums in found]
    return [
        tuple(own.get(kind(name), 1.0) for name in names(feature)) for feature, own in zip(features, owns, strict=True)
    ]


def _sort(name: str) -> str:
    """Return the kind of alternative that features have in common: all categories are of one."""
    return name.split(" ", maxsplit=1)[0]


@dataclass(frozen=True, slots=True)
class _Sums:
    """Sums of an alternative's scores over blocks, and the variance that independent rows would give all together."""

    steps: tuple[float, ...]
    variance: float

    @property
    def unit(self) -> float:
        """A fine part of what a block's sum is off by, so that correlations are counted in whole numbers."""
        return math.sqrt(self.variance / len(self.steps)) / FINE

    def ratios(self) -> Iterator[tuple[int, float]]:
        """Yield for blocks joined by 1, 2, 4 and so on: degrees of freedom, and how much more sums vary."""
        for sums in joined(self.steps):
            yield len(sums) - 1, math.fsum(g * g for g in sums) / self.variance


def joined(sums: Sequence[Number]) -> Iterator[Sequence[Number]]:
    """Yield *sums* over blocks, and over blocks joined by 2, 4 and so on, as long as they can tell of their spread.

    >>> [len(each) for each in joined(range(33))]
    [33, 17, 9]
    """
    while len(sums) >= LEAST_GROUPS:
        yield sums
        sums = [sum(sums[k : k + 2]) for k in range(0, len(sums), 2)]


def _sums(feature: Feature, blocks: Ints) -> dict[str, _Sums]:
    """Return sums by the kind of alternative; steps of one kind have scores in proportion, so one is all of them."""
    p, n, found = shares(feature), max(sum(feature.counts), 1), dict[str, _Sums]()
    raw = [count / n for count in feature.counts]
    for name, q in ladder(feature, SINGLE):
        if kind(name) not in found:
            scores = [math.log(b / a) for a, b in zip(p, q, strict=True)]
            mean = math.fsum(s * x for s, x in zip(scores, raw, strict=True))
            variance = math.fsum((s - mean) ** 2 * x for s, x in zip(scores, raw, strict=True))
            # Whole numbers, so that no order of adding them changes a bit.
            steps = blocks @ np.array([round((s - mean) * NATS) for s in scores], np.int64)
            found[kind(name)] = _Sums(tuple(step / NATS for step in steps.tolist()), variance * int(blocks.sum()))
    return {name: each for name, each in found.items() if each.variance >= STILL * n}


def _own(sums: _Sums, shared: Sequence[float]) -> float:
    found = 1.0
    for (freedom, ratio), least in zip(sums.ratios(), shared, strict=True):
        found = max(found, min(least, ratio / by_chance(freedom, -CHANCE)))
        if ratio > found * by_chance(freedom, OWN_CHANCE):
            found = max(found, ratio / (1 + math.sqrt(2 / freedom)))
    return round(found, 3)


def _shared(some: Sequence[_Sums]) -> list[float]:
    """Return what half of *some* exceed, for blocks joined by 1, 2, 4 and so on; 1 where chance can explain it."""
    told, found, like = [], 1.0, _like(some) / MEDIAN
    for level in zip(*(each.ratios() for each in some), strict=True):
        freedom = level[0][0]
        middle = median(ratio for _, ratio in level) / by_chance(freedom, 0)
        seen = middle > found * by_chance(freedom * like)
        found = max(found, middle) if seen else found
        told.append(middle if seen else 1.0)
    return told


def _like(some: Sequence[_Sums]) -> float:
    """Return how many independent features *some* are worth: the fewer, the more their sums go together."""
    scaled = np.array([np.rint(np.array(each.steps) / each.unit) for each in some]).astype(np.int64)
    together = (scaled @ scaled.T).tolist()
    lengths = [max(row[k], 1) for k, row in enumerate(together)]
    squares = (
        c * c / (a * b) for a, row in zip(lengths, together, strict=True) for b, c in zip(lengths, row, strict=True)
    )
    return len(some) ** 2 / max(math.fsum(squares), 1.0)


def by_chance(freedom: float, errors: float = CHANCE) -> float:
    """Return what a mean of *freedom* squares of independent normal values stays below, but for one time in 160.

    *errors* are the standard errors that chance is allowed: of 0, it is the median.

    Source: Wilson and Hilferty (1931), "The distribution of chi-square", PNAS 17.

    >>> round(by_chance(255), 2), round(by_chance(7), 2)
    (1.24, 2.83)
    """
    error = 2 / (9 * freedom)
    return float((1 - error + errors * math.sqrt(error)) ** 3)
