"""The indifference zone: how much a row speaks for a change when small departures from the reference do not matter.

Source: Huber's pair (1965, "A robust version of the probability ratio test", Annals of Mathematical Statistics 36), as
e-values in Saha and Ramdas (2024, "Huber-robust likelihood ratio tests for composite nulls and alternatives").
"""

from __future__ import annotations

from collections.abc import Sequence

Shares = Sequence[float]


def ratios(p: Shares, q: Shares, tolerance: float) -> tuple[float, ...] | None:
    """Return q / p*, where p* is the law nearest to *q* of all that are within *tolerance* of *p* in total variation.

    Its mean is at most 1 under every law of that zone, and no other such ratio grows faster when *q* is true: p* is the
    reverse information projection of *q*. It is q / p, cut where it is largest and where it is least. None: *q* itself
    is within the zone.

    >>> ratios([0.5, 0.3, 0.2], [0.2, 0.3, 0.5], 0.1)
    (0.5, 1.0, 1.6666666666666665)
    >>> ratios([0.5, 0.5], [0.55, 0.45], 0.1) is None
    True
    """
    raw = [b / a for a, b in zip(p, q, strict=True)]
    order = sorted(range(len(raw)), key=lambda slot: (raw[slot], slot))
    # What is above the upper cut exceeds p by the tolerance, what is below the lower one falls short by as much.
    most = max(_joined(p, q, order[::-1], tolerance))
    if most <= 1:
        return None
    least = min(_joined(p, q, order, -tolerance))
    return tuple(min(max(each, least), most) for each in raw)


def _joined(p: Shares, q: Shares, order: list[int], moved: float) -> list[float]:
    """Return the ratio of the first slots of *order* taken as one, for each number of them that has mass left."""
    found, mass, other = [], moved, 0.0
    for slot in order:
        mass += p[slot]
        other += q[slot]
        if mass > 0:
            found.append(other / mass)
    return found
