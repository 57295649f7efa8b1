"""Sizes of a change between counts: PSI, Jensen-Shannon, KS and Wasserstein. Shown to people, never a trigger."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate, pairwise

from monitoring.profiles.reference import FAR_OVER, FAR_UNDER, FIRST_BIN, OVER, UNDER, Feature


def effects(feature: Feature, current: Sequence[int]) -> dict[str, float]:
    """Return `psi`, `js` (distance, base 2, in [0, 1]) and `ks` of *current* slots, rounded to 1e-6.

    Of a numeric feature also `wasserstein`: how far a value was moved on average, in spreads of the reference.
    """
    p, q = _shares(feature.counts), _shares(current)
    psi = math.fsum((b - a) * math.log(b / a) for a, b in zip(p, q, strict=True))
    halves = [(a + b) / 2 for a, b in zip(p, q, strict=True)]
    js = (_kl(p, halves) + _kl(q, halves)) / 2 / math.log(2)
    found = {"psi": round(psi, 6), "js": round(math.sqrt(max(js, 0.0)), 6), "ks": round(_ks(p, q), 6)}
    moved = wasserstein(feature, current)
    return found if moved is None else {**found, "wasserstein": round(moved, 6)}


def wasserstein(feature: Feature, current: Sequence[int]) -> float | None:
    """Return how far known values are moved on average from the reference to *current*, in its standard deviations.

    Values count as the middle of their bin, and those out of range as the bound that they are beyond, so that what is
    far out counts for less than it is. None where there is no distance: of categories, and where nothing varied.
    """
    order = [FAR_UNDER, UNDER, *range(FIRST_BIN, feature.slots), OVER, FAR_OVER]
    before, now = sum(feature.counts[slot] for slot in order), sum(current[slot] for slot in order)
    if feature.kind != "numeric" or not before or not now:
        return None
    places = _places(feature)
    p, q = ([counts[slot] / total for slot in order] for counts, total in ((feature.counts, before), (current, now)))
    mean = math.fsum(share * place for share, place in zip(p, places, strict=True))
    spread = math.sqrt(math.fsum(share * (place - mean) ** 2 for share, place in zip(p, places, strict=True)))
    if not spread:
        return None
    gaps = accumulate(b - a for a, b in zip(p, q, strict=True))
    return math.fsum(abs(gap) * (b - a) for gap, (a, b) in zip(gaps, pairwise(places), strict=False)) / spread


def _places(feature: Feature) -> list[float]:
    """Return where on the line the ordered slots are."""
    borders = [feature.low, *feature.edges, feature.high]
    middles = [a / 2 + b / 2 for a, b in pairwise(borders)]
    far_low, far_high = feature.far()
    return [far_low, feature.low, *middles, feature.high, far_high]


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
