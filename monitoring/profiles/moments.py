"""Sums of features and of the output in fixed point, from which means and spreads of windows follow to the bit.

A step is `1 / SCALE` of a feature's unit, a power of two at or above the range of the reference, so that scaling rounds
nothing. Values are taken from the middle of that range and cut off `FARTHEST` units away, so that a few far out do not
hide the others, and 2^28 rows fit 64 bits; squares are of steps 2^8 times as wide.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from measures.losses import SCALE
from monitoring.profiles.reference import Feature, Floats, Ints, Reference

FARTHEST = 16
LARGEST = 2.0**1023
FINEST = 2.0**-40  #: of a feature's size: where all that varies is smaller, that is noise of the format
SQUARE_SHIFT = 8  #: bits that a step loses before it is squared


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """Of each feature, the output last: values that are numbers, their sum and the sum of their squares."""

    known: Ints
    total: Ints
    squares: Ints

    @classmethod
    def of(cls, reference: Reference, rows: Floats, outputs: Floats) -> Self:
        """Sum *rows* (n, features) and *outputs* (n,); codes of categories are no quantities, and count as unknown."""
        reference.check(rows, outputs)
        found = np.array(
            [_sums(f, c) for f, c in zip(reference.features, [*rows.T, outputs], strict=True)], dtype=np.int64
        ).reshape(-1, 3)
        return cls(*found.T)

    def __add__(self, other: Moments) -> Moments:
        """Return the sums of both windows together."""
        return Moments(self.known + other.known, self.total + other.total, self.squares + other.squares)

    def mean(self, reference: Reference, feature: int) -> float | None:
        """Return the mean of the feature at this place; None where no value is known."""
        known, (middle, unit) = int(self.known[feature]), place_of(reference.features[feature])
        return middle + int(self.total[feature]) / known / SCALE * unit if known else None

    def spread(self, reference: Reference, feature: int) -> float | None:
        """Return the standard deviation of the feature at this place; None where no value is known."""
        known, (_, unit) = int(self.known[feature]), place_of(reference.features[feature])
        if not known:
            return None
        mean = int(self.total[feature]) / known / SCALE
        square = int(self.squares[feature]) / known / (SCALE >> SQUARE_SHIFT) ** 2
        return math.sqrt(max(square - mean * mean, 0.0)) * unit

    def to_json(self) -> dict[str, Any]:
        """Return plain integers, for canonical bytes."""
        return {name: getattr(self, name).tolist() for name in ("known", "total", "squares")}


def place_of(feature: Feature) -> tuple[float, float]:
    """Return the middle of the feature's range, as a whole number of units, and the unit."""
    largest = max(abs(feature.low), abs(feature.high))
    span = max(feature.high - feature.low or max(largest, 1.0), largest * FINEST)
    unit = 2.0 ** math.ceil(math.log2(min(span, LARGEST)))
    middle = (feature.low / 2 + feature.high / 2) / unit
    return round(middle) * unit, unit


def _sums(feature: Feature, values: Floats) -> tuple[int, int, int]:
    if feature.kind != "numeric":
        return 0, 0, 0
    middle, unit = place_of(feature)
    away = (values[np.isfinite(values)] - middle) / unit
    steps = np.rint(np.clip(away, -FARTHEST, FARTHEST) * SCALE).astype(np.int64)
    small = steps >> SQUARE_SHIFT
    return len(steps), int(steps.sum()), int((small * small).sum())
