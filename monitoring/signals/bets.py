"""Bets: what the next point of a series says for a change, in nats, against what was to be expected of it.

A point is bad or is not. Whoever names its chance beforehand, and is paid by how much likelier that makes what comes
than the chance that holds if nothing changed, wins nothing on the average where nothing has: such gains add up to the
logarithm of an e-value (Shafer, Testing by betting, 2021).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

#: How often a series that is ill is expected to be bad.
ILL = 0.8
#: Before a suspicion has points of its own, what is expected of it counts as so many of so many.
OPENING_BAD, OPENING = 4, 5


@dataclass(frozen=True, slots=True)
class Counts:
    """Points, and how many of them were bad."""

    points: int
    bad: int

    def __add__(self, other: Counts) -> Counts:
        """Count both."""
        return Counts(self.points + other.points, self.bad + other.bad)

    def rate(self) -> float:
        """Return the chance that the next point is bad, were it exchangeable with these and one bad point more."""
        return (self.bad + 1) / (self.points + 1)


def fixed(*, bad: bool, normal: Counts) -> float:
    """Bet on `ILL` against what was to be expected by *normal*.

    >>> round(fixed(bad=True, normal=Counts(8, 0)), 6)
    1.974081
    """
    return _gain(bad=bad, hoped=ILL, rate=min(normal.rate(), ILL))


def learned(*, bad: bool, normal: Counts, suspicion: Counts) -> float:
    """Bet on what *suspicion* was like so far, against one law of it and of *normal*.

    Few normal points leave it open how often a point is bad: so many bad ones in a row are likelier than the power of
    one rate, since each makes the next likelier (Pólya's urn). What raised the suspicion is of that law too.

    >>> round(learned(bad=True, normal=Counts(8, 0), suspicion=Counts(2, 2)), 6)
    1.145132
    """
    hoped = (OPENING_BAD + suspicion.bad) / (OPENING + suspicion.points)
    return _gain(bad=bad, hoped=hoped, rate=(normal + suspicion).rate())


def _gain(*, bad: bool, hoped: float, rate: float) -> float:
    return math.log(hoped / rate) if bad else math.log((1 - hoped) / (1 - rate))
