"""The indifference zone: how much a row speaks for a change when small departures from the reference do not matter.

Source: Huber's pair (1965, "A robust version of the probability ratio test", Annals of Mathematical Statistics 36), as
e-values in Saha and Ramdas (2024, "Huber-robust likelihood ratio tests for composite nulls and alternatives").
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from monitoring.profiles.reference import Floats, Ints

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
    return all_ratios(p, [q], tolerance)[0]


def all_ratios(p: Shares, laws: Sequence[Shares], tolerance: float) -> list[tuple[float, ...] | None]:
    """Return what `ratios` does of each of many *laws*."""
    mass, other = np.broadcast_to(np.array(p), (len(laws), len(p))), np.array(laws).reshape(len(laws), len(p))
    raw = other / mass
    order = np.argsort(raw, axis=1, kind="stable")
    # What is above the upper cut exceeds p by the tolerance, what is below the lower one falls short by as much.
    most = _joined(mass, other, order[:, ::-1], tolerance, -np.inf).max(axis=1, keepdims=True)
    least = _joined(mass, other, order, -tolerance, np.inf).min(axis=1, keepdims=True)
    cut = np.minimum(np.maximum(raw, least), most)
    return [tuple(each) if top > 1 else None for each, (top,) in zip(cut.tolist(), most.tolist(), strict=True)]


def highest_means(p: Shares, values: Floats, tolerance: float) -> Floats:
    """Return of each line of *values* its mean under the law within *tolerance* of *p* where it is highest, (lines, 1).

    That law has moved mass from where a line is least to where it is most.

    >>> highest_means([0.5, 0.5], np.array([[0.0, 1.0], [2.0, 1.0]]), 0.25).tolist()
    [[0.75], [1.75]]
    """
    order = np.argsort(values, axis=1, kind="stable")
    risen, mass = np.take_along_axis(values, order, axis=1), np.array(p)[order]
    before = np.add.accumulate(mass, axis=1) - mass
    left = mass - np.minimum(mass, np.maximum(tolerance - before, 0.0))
    sums = np.add.accumulate(left * risen, axis=1)[:, -1:]
    found: Floats = sums + tolerance * risen[:, -1:]
    return found


def _joined(mass: Floats, other: Floats, order: Ints, moved: float, without: float) -> Floats:
    """Return the ratios of the first slots of *order* taken as one, and *without* where these have no mass left."""
    start = np.full((len(order), 1), moved)
    left = np.add.accumulate(np.concatenate([start, np.take_along_axis(mass, order, axis=1)], axis=1), axis=1)[:, 1:]
    sums = np.add.accumulate(np.take_along_axis(other, order, axis=1), axis=1)
    found: Floats = np.divide(sums, left, out=np.full_like(sums, without), where=left > 0)
    return found
