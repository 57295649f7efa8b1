"""How much more sums over stretches of a reference vary than sums of independent rows: evidence is tempered by it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from monitoring.alternatives import NATS, Shares, ladder, shares
from monitoring.reference import Feature, Ints

STILL = 1e-9  #: A variance of scores below this is rounding.
LEAST_GROUPS = 8  #: Fewer sums tell nothing about their spread.
#: Standard errors that chance is allowed. A spread that chance makes costs as much delay as a true one.
CHANCE = 2.5


def dispersion(feature: Feature, blocks: Ints) -> tuple[float, ...]:
    """Return for each alternative how much more its block sums vary than sums of independent rows, at least 1.

    *blocks* is (blocks, slots), counts in order of time. Blocks are joined by 2, 4 and so on too, since slow swings
    show only there. What chance may well make of independent rows is 1; what it hardly can counts, less a standard
    error, and longer stretches only where shorter ones do not explain them.
    """
    p, n = shares(feature), max(sum(feature.counts), 1)
    raw = [count / n for count in feature.counts]
    return tuple(_spread([math.log(b / a) for a, b in zip(p, q, strict=True)], raw, blocks) for _, q in ladder(feature))


def _spread(scores: Shares, p: Shares, blocks: Ints) -> float:
    mean = math.fsum(s * x for s, x in zip(scores, p, strict=True))
    variance = math.fsum((s - mean) ** 2 * x for s, x in zip(scores, p, strict=True))
    if variance < STILL:
        return 1.0
    # Whole numbers, so that no order of adding them changes a bit.
    steps = blocks @ np.array([round((s - mean) * NATS) for s in scores], np.int64)
    rows = int(blocks.sum())
    found = 1.0
    for groups in _joined(steps.tolist()):
        freedom, ratio = len(groups) - 1, math.fsum(g * g for g in groups) / (rows * variance)
        if ratio > found * by_chance(freedom):
            found = max(found, ratio / (1 + math.sqrt(2 / freedom)))
    return round(found, 3)


def _joined(steps: Sequence[int]) -> Iterator[list[float]]:
    by = 1
    while len(steps) >= LEAST_GROUPS * by:
        yield [sum(steps[k : k + by]) / NATS for k in range(0, len(steps), by)]
        by *= 2


def by_chance(freedom: int) -> float:
    """Return what a mean of *freedom* squares of independent normal values stays below, but for one time in 160.

    Source: Wilson and Hilferty (1931), "The distribution of chi-square", PNAS 17.

    >>> round(by_chance(255), 2), round(by_chance(7), 2)
    (1.24, 2.83)
    """
    error = 2 / (9 * freedom)
    return float((1 - error + CHANCE * math.sqrt(error)) ** 3)
