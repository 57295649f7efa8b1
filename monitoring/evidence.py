"""Arithmetic of evidence: averages of e-values, thresholds and the choice of streams, all in nats."""

from __future__ import annotations

import math
from collections.abc import Sequence

from monitoring.alternatives import NATS


def log_mean_exp(units: Sequence[int]) -> float:
    """Return the log of the mean of `exp(units / NATS)`, rounded to 1e-6; minus 1e9 when there is nothing.

    >>> log_mean_exp([0, 0])
    0.0
    """
    if not units:
        return -1e9
    top = max(units)
    total = math.fsum(math.exp((each - top) / NATS) for each in units)
    return round(top / NATS + math.log(total / len(units)), 6)


def e_bh(log_e: Sequence[float], level: float) -> list[int]:
    """Return the indices that e-BH keeps at false discovery rate *level*, strongest first.

    Valid under any dependence (Wang and Ramdas 2022), for e-values, not for running maxima of e-processes.

    >>> e_bh([5.0, 0.1, 4.5], 0.05)
    [0, 2]
    """
    order = sorted(range(len(log_e)), key=lambda k: (-log_e[k], k))
    most = 0
    for rank, k in enumerate(order, start=1):
        if log_e[k] >= math.log(len(order) / (level * rank)):
            most = rank
    return order[:most]
