"""Whether scores are chances, and which chances fit them best where they are not.

A calibration learnt from few rows is noise where scores are chances already, so it is only worth having where a test
refutes them. Two tests look, each at `LEVEL`. Z of Spiegelhalter (Statistics in Medicine 5, 1986) sees scores that are
too sure or not sure enough. The sum of squares of groups of Hosmer and Lemeshow (Communications in Statistics A9, 1980)
sees any other shape; it has as many degrees of freedom as groups, since nothing was fitted to these rows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from measures.losses import HALF
from monitoring.profiles.reference import Floats

LEVEL = 0.05  #: at which either test refutes scores that are chances; together they do so in one case of ten at most
GROUPS = 10
LEAST_VARIANCE = 5.0  #: of a sum of labels, from which it is about normal


def refuted(scores: Floats, ones: NDArray[np.bool_]) -> bool:
    """Say whether *scores* (n,), within [0, 1], cannot be the chances by which labels are *ones*.

    >>> rng = np.random.default_rng(3)
    >>> scores = rng.uniform(size=2_000)
    >>> refuted(scores, rng.uniform(size=2_000) < scores), refuted(scores, rng.uniform(size=2_000) < scores**2)
    (False, True)
    """
    order = np.argsort(scores, kind="stable")
    chance = scores[order]
    gap, variance, sure = ones[order] - chance, chance * (1 - chance), 1 - 2 * chance
    if gap[variance == 0].any():
        return True  # what cannot be was seen
    return _sum_refutes(gap * sure, variance * sure**2) or _groups_refute(gap, variance)


def _sum_refutes(gap: Floats, variance: Floats) -> bool:
    """Test a sum: by the normal law, or where too little varies for that, by Chebyshev's bound, which always holds."""
    far, spread = float(gap.sum()), float(variance.sum())
    if spread < LEAST_VARIANCE:
        return far * far * LEVEL > spread
    return math.erfc(abs(far) / math.sqrt(2 * spread)) < LEVEL


def _groups_refute(gap: Floats, variance: Floats) -> bool:
    """Test groups of neighbours, in which equally much varies; their number is even."""
    within = np.cumsum(variance)
    groups = int(min(GROUPS, within[-1] // LEAST_VARIANCE)) // 2 * 2
    if not groups:
        return _sum_refutes(gap, variance)
    of = np.minimum((within * (groups / within[-1])).astype(np.int64), groups - 1)
    far, spread = (np.bincount(of, weights=each, minlength=groups) for each in (gap, variance))
    return chi_squared_tail(math.fsum((far * far / spread).tolist()), groups) < LEVEL


def chi_squared_tail(value: float, degrees: int) -> float:
    """Return the chance of more than *value*; *degrees* is even, so that it is one of Poisson's law.

    >>> round(chi_squared_tail(18.307, 10), 4)
    0.05
    """
    half = value / 2
    return math.exp(-half) * math.fsum(half**k / math.factorial(k) for k in range(degrees // 2))


def pooled(ones: Sequence[float], rows: Sequence[float]) -> list[float]:
    """Return the rising chances that fit best. Places without rows take the chance of their neighbours.

    >>> pooled([0, 2, 1, 3], [2, 3, 3, 3])
    [0.0, 0.5, 0.5, 1.0]
    """
    stretches: list[tuple[float, float, int]] = []  # ones, rows, places
    for one, row in zip(ones, rows, strict=True):
        stretches.append((one, row, 1))
        while len(stretches) > 1 and _falls(stretches[-2], stretches[-1]):
            (a, n, p), (b, m, q) = stretches.pop(-2), stretches.pop()
            stretches.append((a + b, n + m, p + q))
    return [one / row if row else HALF for one, row, places in stretches for _ in range(places)]


def _falls(left: tuple[float, float, int], right: tuple[float, float, int]) -> bool:
    return not left[1] or not right[1] or left[0] * right[1] > right[0] * left[1]
