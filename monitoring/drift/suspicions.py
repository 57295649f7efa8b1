"""Suspicions: what was chosen in one window, and is tested by later ones; one at a time for each feature."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self, TypedDict

from monitoring.drift.streams import STEPS, Thresholds, gains
from monitoring.profiles.alternatives import NATS


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspicion:
    """A value under suspicion, since the window that begins at `since`; evidence in `NATS`, one sum for each rate.

    One of fewer sums than there are rates is tested against the highest ones alone.
    """

    value: float
    tolerated: float
    since: int
    sums: tuple[int, ...] = (0,) * len(STEPS)

    def after(self, count: int, rows: int, cap: int, dispersion: float = 1.0) -> Suspicion:
        """Return the suspicion after a window in which *count* of *rows* rows have the value.

        Rows that go together by *dispersion* say so many times less than as many independent ones.
        """
        rates = [self.tolerated + (1 - self.tolerated) * step for step in STEPS[-len(self.sums) :]]
        gains = (round(_gain(rate, self.tolerated, count, rows) / dispersion) for rate in rates)
        return replace(
            self, sums=tuple(min(max(old, 0) + gain, cap) for old, gain in zip(self.sums, gains, strict=True))
        )

    def anew(self) -> Suspicion:
        """Return the suspicion of whom nothing has been said."""
        return replace(self, sums=(0,) * len(self.sums))

    def to_json(self) -> dict[str, Any]:
        """Return plain values, for canonical bytes."""
        return {"value": self.value, "tolerated": self.tolerated, "since": self.since, "sums": list(self.sums)}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Undo `to_json`."""
        return cls(
            value=float(data["value"]), tolerated=float(data["tolerated"]), since=data["since"],
            sums=tuple(data["sums"]),
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspecting:
    """What every watch by suspicions has: one for each feature, or none, and the threshold that all of them share."""

    policy: Thresholds
    threshold: float  #: nats that a suspicion needs
    suspicions: tuple[Suspicion | None, ...]

    @property
    def cap(self) -> int:
        """The evidence beyond which more tells nothing, in `NATS`."""
        return round((self.threshold + 2 * math.log(10)) * NATS)

    def anew(self) -> Self:
        """Return a watch that suspects what this one does, and has no evidence of it: later windows bring their own."""
        return replace(self, suspicions=tuple(one.anew() if one else None for one in self.suspicions))

    def to_json(self) -> list[dict[str, Any] | None]:
        """Return what is under suspicion, for canonical bytes."""
        return [one.to_json() if one else None for one in self.suspicions]

    def restored(self, state: Sequence[dict[str, Any] | None]) -> Self:
        """Return a watch like this one with the state that `to_json` gave."""
        return replace(self, suspicions=tuple(Suspicion.from_json(one) if one else None for one in state))


class Begun(TypedDict):
    """The fields of a watch that has seen nothing."""

    policy: Thresholds
    threshold: float
    suspicions: tuple[Suspicion | None, ...]


def unsuspecting(features: int, policy: Thresholds, beside: int) -> Begun:
    """Begin with no suspicion of *features*, which share the threshold with *beside* other streams."""
    threshold = math.log(policy.false_alarm_windows * max(features + beside, 1))
    return {"policy": policy, "threshold": threshold, "suspicions": (None,) * features}


def _gain(rate: float, tolerated: float, count: int, rows: int) -> int:
    faulty, sound = gains(rate, tolerated)
    return count * faulty + (rows - count) * sound
