"""A quantile of a histogram with explicit bounds, as Prometheus's `histogram_quantile` has it: linear within a bucket.

What lies beyond the last bound counts as lying on it; what lies below the first is taken to begin at 0, or, where that
bound is not above 0, to lie on it. The error is at most the width of the bucket that the quantile falls into.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate


def quantile(share: float, bounds: Sequence[float], counts: Sequence[int]) -> float:
    """Give the value below which a *share* of the counted lies; of *counts* there is one more than *bounds*.

    >>> quantile(0.5, [1.0, 2.0], [0, 10, 0]), quantile(0.9, [1.0, 2.0], [5, 0, 5])
    (1.5, 2.0)

    Raises:
        ValueError: Nothing was counted, or there are no bounds.
    """
    total = sum(counts)
    if total <= 0 or not bounds:
        raise ValueError("nothing was counted")
    rank = share * total
    cumulative = list(accumulate(counts))
    at = next(i for i, below in enumerate(cumulative) if below >= rank and below > 0)
    if at == len(bounds):
        return bounds[-1]
    if at == 0 and bounds[0] <= 0:
        return bounds[0]
    low = bounds[at - 1] if at else 0.0
    before = cumulative[at - 1] if at else 0
    return low + (bounds[at] - low) * ((rank - before) / counts[at])
