"""Arithmetic of evidence: averages of e-values, thresholds and the choice of streams, all in nats."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from monitoring.profiles.alternatives import NATS
from monitoring.profiles.reference import Ints

DIGITS = 1e6  #: Logs of means are kept to six digits behind the point.
#: How far the log of a mean may be off that adds in another order, by exponentials of another make, and how far for
#: each nat of it: nine times what it is of a hundred thousand values (Higham 2002, "Accuracy and stability of numerical
#: algorithms", section 4.2), and 64 times what rounding makes of it.
OFF, OFF_BY_SIZE = 1e-10, 2.0**-46
#: Nats below the highest, from which an e-value adds nothing: a hundred thousand of them are below 1e-38 of it.
NOTHING = -99.0


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


def log_mean_exps(lines: Ints, priors: Ints, widths: Sequence[int]) -> list[float]:
    """Return what `log_mean_exp` does of *lines* and *priors* together, the first *widths* of each line; to the bit.

    Sums of floats that are added in another order, of exponentials of another make, are off by less than `OFF`. Where
    that leaves no doubt about the last digit that is kept, it is the digit; else the exact sum decides.
    """
    units = lines * (1 / NATS)  # exact, and so is what is added, as all are whole numbers of units
    units += priors * (1 / NATS)
    for at, width in enumerate(widths):
        if width < units.shape[1]:
            units[at, width:] = -np.inf
    tops = units.max(axis=1)
    units -= tops[:, None]
    if units.min() < NOTHING:
        np.maximum(units, NOTHING, out=units)
    found = tops + np.log(np.exp(units, out=units).sum(axis=1) / widths)
    off = OFF + OFF_BY_SIZE * abs(found)
    lows, highs = (np.rint(each * DIGITS).tolist() for each in (found - off, found + off))
    sure: list[float] = [low / DIGITS for low in lows]
    for k in [k for k, (low, high) in enumerate(zip(lows, highs, strict=True)) if low != high or not low]:
        sure[k] = log_mean_exp((lines[k] + priors[k % len(priors)])[: widths[k]].tolist())
    return sure
