"""Tails: how far from its middle a feature's values lie in the reference, and how far is too far for even one row.

Let `far` be the farthest distance from the median on one side, and `near` the one that m rows exceed. In a tail that
follows a power law, of whatever index, a further row lies beyond far (far / near)^b with a chance of (m + 1) in (N + 1)
C(m + 1 + b, m) for N rows: between the logarithms of neighbours lie independent exponentials (Rényi 1953, On the theory
of order statistics). Where the hazard rate of the logarithm rises, as in normal, lognormal, exponential and most other
tails (Lariviere 2006, on increasing generalized failure rates), the chance is lower still. So b follows from the chance
that is accepted, and no law need be known. It assumes that rows come as those of the reference did, none depending on
others. For worlds that move, a value must also lie more than the whole range beyond the range, and stand apart from all
that lies on the way there.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from monitoring.profiles.reference import Floats, Ints

Apart = tuple[tuple[int, ...], ...]  #: numbers of rows on each side of a feature

SPACINGS = 63  #: rows that a tail is made of: more see more of a power law, and less of how other tails end
LEAST_SPACINGS = 8
HALVINGS = 60  #: of the interval in which a power lies
MOST_POWER = 1e3
MOST_GROWTH = 700.0  #: in nats, beyond which no number lies
MOST = 0.5  #: share of a window's rows
DESERT = 10  #: absurd values to each one on the way there

BELOW, ABOVE = -1, 1
SIDES = (BELOW, ABOVE)
NOBODY: Apart = ((),) * len(SIDES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """From where on values of one side are absurd, and from where on they are on the way there: as distances."""

    side: int
    middle: float
    way: float
    absurd: float

    def apart(self, values: Floats) -> NDArray[np.bool_]:
        """Say which of *values* are absurd: none where they are most of them, or others are on the way.

        What most rows have is another world, or another unit; and where the way is no desert the world has gone it.
        """
        distances = self.side * (values - self.middle)
        found: NDArray[np.bool_] = (distances > self.absurd) & np.isfinite(distances)
        count, way = int(found.sum()), int(((distances > self.way) & (distances <= self.absurd)).sum())
        return found if way * DESERT <= count <= MOST * len(values) else np.zeros_like(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tail:
    """One side of one feature in the reference: `far` and `near` are distances from `middle`, of all its `rows`.

    Between the two lie `spacings` rows; where there are none, nothing is judged. `span` is the range of the feature.
    """

    side: int
    middle: float
    span: float = 0.0
    near: float = 0.0
    far: float = 0.0
    spacings: int = 0
    rows: int = 0

    @property
    def least(self) -> float:
        """The distance beyond which no value counts as moved with the world: one range beyond the farthest."""
        return self.far + self.span

    def chance(self, distance: float) -> float:
        """Return the chance of a row beyond *distance*, where the tail is a power law; else it is lower.

        >>> tail = Tail(side=ABOVE, middle=0.0, near=10.0, far=20.0, spacings=31, rows=999)
        >>> tail.chance(20.0), round(1 / tail.chance(40.0))
        (0.001, 16500)
        """
        power = math.log(distance / self.far) / math.log(self.far / self.near)
        return math.exp(-_rarer(self.spacings, power)) / (self.rows + 1)

    def limit(self, chance: float) -> Limit:
        """Return the limit that a row passes with *chance* at most, and never within what a moving world may reach."""
        power = _power(self.spacings, -math.log(chance * (self.rows + 1)))
        growth = min(power * math.log(self.far / self.near), MOST_GROWTH)
        absurd = max(self.far * math.exp(growth), self.least)
        return Limit(side=self.side, middle=self.middle, way=math.sqrt(self.far * absurd), absurd=absurd)

    def to_json(self) -> dict[str, Any]:
        """Return plain values, for canonical bytes."""
        return {
            "side": self.side, "middle": self.middle, "span": self.span, "near": self.near, "far": self.far,
            "spacings": self.spacings, "rows": self.rows,
        }  # fmt: skip

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Undo `to_json`."""
        floats = {name: float(data[name]) for name in ("middle", "span", "near", "far")}
        return cls(side=data["side"], spacings=data["spacings"], rows=data["rows"], **floats)


def learn_tail(values: Floats, side: int) -> Tail:
    """Learn one tail of a feature from all of its values in the reference.

    Rows that share the farthest value are as one, and what rounding may have done is taken to have shortened the tail,
    by the least step between its values. A side with few rows, or few values, is not judged.
    """
    finite = np.sort(values[np.isfinite(values)])
    middle = float(np.median(finite)) if len(finite) else 0.0
    distances = np.sort(side * (finite - middle))[::-1]
    distances = distances[distances > 0]
    spacings = min(SPACINGS, len(distances) // 2)
    at = int((distances == distances[:1]).sum()) - 1 + spacings
    if spacings < LEAST_SPACINGS or at >= len(distances):
        return Tail(side=side, middle=middle)
    step = float(np.diff(np.unique(distances[: at + 1])).min())
    near, far, span = float(distances[at]) - step, float(distances[0]) + step, float(finite[-1] - finite[0])
    if near <= 0 or not math.isfinite(span):
        return Tail(side=side, middle=middle)
    return Tail(side=side, middle=middle, span=span, near=near, far=far, spacings=spacings, rows=len(finite))


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits of both sides of each feature; None where one is not judged."""

    each: tuple[tuple[Limit | None, ...], ...]
    outermost: Floats = field(compare=False)  #: (sides, 2, features): the middle, and how far from it is absurd

    @classmethod
    def of(cls, tails: Sequence[Sequence[Tail]], chance: float) -> Self:
        """Return the limits that a row passes anywhere with *chance* at most.

        A tail whose limit the range sets needs little of it, and leaves more to those that are longer.
        """
        part = _shared(chance, [one.chance(one.least) for both in tails for one in both if one.spacings])
        found = tuple(tuple(one.limit(part) if one.spacings else None for one in both) for both in tails)
        pairs = [[(one.middle, one.absurd) if one else (0.0, math.inf) for one in both] for both in found]
        sides = len(pairs[0]) if pairs else len(SIDES)
        return cls(each=found, outermost=np.array(pairs).reshape(-1, sides, 2).transpose(1, 2, 0))

    def apart(self, rows: Floats, numbers: Ints) -> tuple[Apart, ...]:
        """Return of each feature of *rows* (n, features) the *numbers* (n,) of those with an absurd value."""
        found = [NOBODY] * len(self.each)
        with np.errstate(over="ignore"):  # what lies further off than any number does is far enough
            for k, side in self._beyond(rows):
                limit = self.each[k][side]
                mine = tuple(numbers[limit.apart(rows[:, k])].tolist()) if limit else ()
                found[k] = (*found[k][:side], mine, *found[k][side + 1 :])
        return tuple(found)

    def _beyond(self, rows: Floats) -> Iterator[tuple[int, int]]:
        """Give the features and sides, by place, where any value lies beyond a limit: nearly always none."""
        for place, (side, farthest) in enumerate(zip(SIDES, (np.fmin, np.fmax), strict=True)):
            middle, absurd = self.outermost[place]
            values = farthest.reduce(rows, axis=0, initial=np.nan)  # if any lies beyond a limit, the farthest does
            for k in np.flatnonzero(side * (values - middle) > absurd).tolist():
                yield k, place


def _shared(whole: float, needed: Sequence[float]) -> float:
    """Return the part that each may take of *whole*, of which none takes more than it has *needed*.

    >>> _shared(1.0, [0.1, 0.6, 0.7])
    0.45
    """
    left, part = whole, whole
    for rank, one in enumerate(sorted(needed)):
        part = left / (len(needed) - rank)
        if one > part:
            return part
        left -= one
    return part


def _power(spacings: int, nats: float) -> float:
    """Return the power, of fractions too, at which a row is rarer by *nats* than one beyond the farthest.

    >>> round(_power(31, math.log(math.comb(35, 31) / 32)), 9)
    3.0
    """
    low, high = 0.0, MOST_POWER
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if _rarer(spacings, middle) < nats else (low, middle)
    return low


def _rarer(spacings: int, power: float) -> float:
    """Return the logarithm of C(m + 1 + b, m) / (m + 1)."""
    return math.lgamma(spacings + power + 2) - math.lgamma(spacings + 2) - math.lgamma(power + 2)
