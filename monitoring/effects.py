"""Sizes of a change between counts: PSI, Jensen-Shannon and Kolmogorov-Smirnov. Shown to people, never a trigger."""

from __future__ import annotations

import math
from collections.abc import Sequence

from monitoring.reference import FAR_OVER, FAR_UNDER, FIRST_BIN, OVER, UNDER


def effects(reference: Sequence[int], current: Sequence[int]) -> dict[str, float]:
    """Return `psi`, `js` (distance, base 2, in [0, 1]) and `ks` of two rows of slots, rounded to 1e-6."""
    p, q = _shares(reference), _shares(current)
    psi = math.fsum((b - a) * math.log(b / a) for a, b in zip(p, q, strict=True))
    halves = [(a + b) / 2 for a, b in zip(p, q, strict=True)]
    js = (_kl(p, halves) + _kl(q, halves)) / 2 / math.log(2)
    return {"psi": round(psi, 6), "js": round(math.sqrt(max(js, 0.0)), 6), "ks": round(_ks(p, q), 6)}


def _shares(counts: Sequence[int]) -> list[float]:
    total = sum(counts) + 0.5 * len(counts)
    return [(count + 0.5) / total for count in counts]


def _kl(p: list[float], q: list[float]) -> float:
    return math.fsum(a * math.log(a / b) for a, b in zip(p, q, strict=True))


def _ks(p: list[float], q: list[float]) -> float:
    order = [FAR_UNDER, UNDER, *range(FIRST_BIN, len(p)), OVER, FAR_OVER]
    gap = most = 0.0
    for slot in order:
        gap += q[slot] - p[slot]
        most = max(most, abs(gap))
    return most
