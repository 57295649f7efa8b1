"""Worlds whose law is known: references that are learned from their rows, and counts of windows that follow it.

Where rows and features are independent, the counts of a window are drawn from the probabilities of the slots, which is
exact and needs no rows. Worlds whose rows or features hang together are drawn row by row.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from scipy.signal import lfilter
from scipy.special import ndtr

from benchmarks.detectors.draws import multinomial
from monitoring.profiles.learning import learn
from monitoring.profiles.reference import (
    FAR_OVER,
    FAR_UNDER,
    FIRST_BIN,
    MISSING,
    NEW,
    OVER,
    UNDER,
    Column,
    Feature,
    Floats,
    Ints,
    Reference,
)

NUMERIC, CATEGORICAL = 20, 5  #: features; the last numeric one is the model's output
FEATURES = NUMERIC + CATEGORICAL
LEVELS = np.array([0.3, 0.2, 0.15, 0.1, 0.1, 0.07, 0.05, 0.03])
MISSING_SHARE = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Law:
    """The law of one feature: a normal one with missing values, a count (Poisson), or shares of categories."""

    shift: float = 0.0
    scale: float = 1.0
    missing: float = MISSING_SHARE
    count: float = 0.0  #: the mean of a Poisson law; 0 for the normal one
    levels: tuple[float, ...] = ()
    new: float = 0.0  #: share of a category that nobody has seen

    def rows(self, rng: np.random.Generator, rows: int) -> Floats:
        """Draw independent values."""
        if self.levels:
            found = rng.choice(len(self.levels), size=rows, p=self.levels).astype(float)
            return np.where(rng.uniform(size=rows) < self.new, len(self.levels), found)
        values = rng.poisson(self.count, rows) * 1.0 if self.count else rng.normal(self.shift, self.scale, rows)
        return np.asarray(np.where(rng.uniform(size=rows) < self.missing, np.nan, values))

    def slots(self, feature: Feature) -> Floats:
        """Return the probability of each slot of *feature*, (slots,)."""
        found = np.zeros(feature.slots)
        if self.levels:
            found[FIRST_BIN : FIRST_BIN + len(self.levels)] = np.array(self.levels) * (1 - self.new)
            found[NEW] = self.new
            return found
        if self.count:
            support = np.arange(200.0)
            chances = np.exp(
                support * math.log(self.count) - self.count - np.array([math.lgamma(k + 1) for k in support])
            )
            found += np.bincount(feature.place(support), weights=chances, minlength=feature.slots)
        else:
            far_low, far_high = feature.far()
            borders = [-math.inf, far_low, feature.low, *feature.edges, feature.high, far_high, math.inf]
            between = np.diff(ndtr((np.array(borders) - self.shift) / self.scale))
            found[[FAR_UNDER, UNDER]], found[[OVER, FAR_OVER]] = between[:2], between[-2:]
            found[FIRST_BIN:] = between[2:-2]
        found = found / found.sum() * (1 - self.missing)
        found[MISSING] += self.missing
        return np.asarray(found)


Laws = tuple[Law, ...]


def calm() -> Laws:
    """Return the laws of a model whose world does not change; categories stand before the output."""
    shares = tuple((LEVELS / LEVELS.sum()).tolist())
    return (*[Law()] * (NUMERIC - 1), *[Law(levels=shares)] * CATEGORICAL, Law(missing=0.0))


def tied() -> Laws:
    """Return laws of counts and few levels, where many values are equal."""
    return (*[Law(count=mean) for mean in (0.3, 1.0, 3.0, 8.0)] * 6, Law(count=2.0, missing=0.0))


def changed(laws: Laws, features: range, **what: object) -> Laws:
    """Return *laws* with some features changed."""
    return tuple(replace(law, **what) if k in features else law for k, law in enumerate(laws))  # type: ignore[arg-type]  # fields by name


def columns(laws: Laws) -> list[Column]:
    """Declare the features, all but the output."""
    return [
        Column(name=f"f{k:02}", kind="categorical", categories=len(law.levels))
        if law.levels
        else Column(name=f"f{k:02}")
        for k, law in enumerate(laws[:-1])
    ]


def reference(laws: Laws, rng: np.random.Generator, rows: int) -> Reference:
    """Learn a reference from rows of these laws."""
    return learned(laws, np.stack([law.rows(rng, rows) for law in laws], axis=1))


def learned(laws: Laws, rows: Floats) -> Reference:
    """Learn a reference from rows (n, features), whose last column is the output."""
    return learn(columns(laws), rows[:, :-1], rows[:, -1])


def windows(found: Reference, laws: Laws, rng: np.random.Generator, rows: int, count: int) -> Ints:
    """Draw the counts of *count* windows of *rows* rows, (count, flat slots)."""
    counts = np.empty((count, found.starts[-1]), np.int64)
    for law, feature, first, end in zip(laws, found.features, found.starts[:-1], found.starts[1:], strict=True):
        multinomial(rng, rows, _chances(law, feature), counts[:, first:end])
    return counts


@lru_cache(maxsize=4 * FEATURES)
def _chances(law: Law, feature: Feature) -> Floats:
    """Return the probabilities of slots: stretch by stretch they are asked for again."""
    return law.slots(feature)


#: Draws (rows, features) in the order of time, from a row number on.
Drawn = Callable[[np.random.Generator, int], Floats]


def correlated(share: float) -> Drawn:
    """Return normal features of which each pair has the correlation *share*."""

    def draw(rng: np.random.Generator, rows: int) -> Floats:
        common = rng.normal(size=(rows, 1))
        return np.asarray(math.sqrt(share) * common + math.sqrt(1 - share) * rng.normal(size=(rows, FEATURES)))

    return draw


def autoregressive(rho: float) -> Drawn:
    """Return normal features, each of which remembers its row before."""

    def draw(rng: np.random.Generator, rows: int) -> Floats:
        fresh = rng.normal(size=(rows, FEATURES))
        fresh[1:] *= math.sqrt(1 - rho * rho)
        return np.asarray(lfilter([1.0], [1.0, -rho], fresh, axis=0))

    return draw


def daily(swing: float, rows_a_day: int) -> Drawn:
    """Return normal features whose means swing with the hour."""

    def draw(rng: np.random.Generator, rows: int) -> Floats:
        hours = np.sin(2 * math.pi * np.arange(rows) / rows_a_day)
        return np.asarray(rng.normal(size=(rows, FEATURES)) + swing * hours[:, None])

    return draw
