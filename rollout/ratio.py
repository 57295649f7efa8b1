"""The ratio of bad events between two arms, at any time, from integer counts.

Units are split at random, a share of them (the exposure) to the candidate. Given that something bad happened, it came
from the candidate with probability `q(r) = e r / (e r + 1 - e)`, where r is the ratio of the bad rates: whatever the
base rate, and even while it moves. Source: Lindon and Malek, NeurIPS 2022, arXiv 2011.03567.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

GRID = tuple(math.exp(math.log(64) * (step - 256) / 256) for step in range(513))
FULL_BP = 10_000
Stratum = tuple[float, int, int]  #: share of the candidate in basis points, bad of the candidate, bad of the champion
_NARROW, _WIDE = 0.25, 1.0


def ratio_interval(strata: Sequence[Stratum], alpha: float) -> tuple[float, float]:
    """Give the confidence sequence of the ratio, candidate over champion, at level 1 - *alpha*.

    *strata* tell the exposure, and the bad outcomes of either arm at it. With no bad event the whole grid, 1/64 to 64,
    is credible.

    >>> low, high = ratio_interval([(5_000, 100, 20)], 0.05)
    >>> low > 2, high < 14
    (True, True)
    """
    likelihoods = [_log_likelihood(ratio, strata) for ratio in GRID]
    mixed = _log_sum([value + weight for value, weight in zip(likelihoods, _LOG_PRIOR, strict=True)])
    needed = -math.log(alpha)
    kept = [ratio for ratio, value in zip(GRID, likelihoods, strict=True) if mixed - value < needed]
    return kept[0], kept[-1]


def _log_likelihood(ratio: float, strata: Sequence[Stratum]) -> float:
    total = 0.0
    for exposure_bp, bad, fine in strata:
        share = exposure_bp / FULL_BP
        of_candidate = share * ratio / (share * ratio + 1 - share)
        total += bad * math.log(of_candidate) + fine * math.log1p(-of_candidate)
    return total


def _log_sum(values: Sequence[float]) -> float:
    top = max(values)
    return top + math.log(math.fsum(math.exp(value - top) for value in values))


def _prior() -> tuple[float, ...]:
    """Weigh the grid: mostly near 1, some far out, a tenth everywhere."""
    logs = [math.log(ratio) for ratio in GRID]
    parts = [(0.45, [math.exp(-((x / _NARROW) ** 2) / 2) for x in logs]),
             (0.45, [math.exp(-((x / _WIDE) ** 2) / 2) for x in logs]),
             (0.10, [1.0 for _ in logs])]  # fmt: skip
    weights = [0.0] * len(logs)
    for share, shape in parts:
        total = math.fsum(shape)
        weights = [weight + share * value / total for weight, value in zip(weights, shape, strict=True)]
    return tuple(math.log(weight) for weight in weights)


_LOG_PRIOR = _prior()
