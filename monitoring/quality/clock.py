"""Finds faults of the clock: a stretch without rows, times that stand still, and times that run behind.

A step is how far a row lies ahead of all rows before it. Where rows come by chance, at whatever rate, the chance of a
step that is r times as long as the longest of n is n to the power of -r (steps then follow an exponential law, Cox and
Lewis 1966); a stretch without rows is reported where that is rarer than all kinds of faults share, and where it is
three times as long as any of the reference. Nights and weekends that the reference has had are steps like others. Rows
that run behind the latest one by more than clocks differ, and by more than the longest step, are what an hour of
another time zone makes; in batches that were held back it looks the same. A clock set ahead looks like a stretch
without rows. What lies more than a day behind, in the future or in 1970 is refused when it comes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from monitoring.drift.streams import Thresholds
from monitoring.profiles.reference import Ints
from monitoring.quality.shares import Counted

CLOCK = "clock"  #: by which a policy asks for all of them
TIME = "@time"  #: the name under which they are reported
GAP, STILL, BEHIND = "gap", "clock_still", "clock_behind"  #: the kinds of fault
DIFFER_US = 300_000_000  #: that clocks of senders differ, as the service accepts it of the future
LEAST_RATIO = 3.0  #: of a stretch without rows, to the longest step of the reference


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticks:
    """What times showed: how many rows, those at the time of the one before, those behind, and the longest step."""

    rows: int
    still: int
    behind: int
    step_us: int
    row: int  #: that the longest step leads to

    @classmethod
    def of(cls, times_us: Ints, numbers: Ints, before_us: tuple[int, int], late_us: int) -> Self:
        """Count rows of *numbers* (n,), n > 0, by *times_us* (n,); *before_us* are the last and the latest before."""
        last, latest = before_us
        ahead = times_us - np.maximum.accumulate(np.append(latest, times_us))[:-1]
        longest = int(ahead.argmax())
        return cls(
            rows=len(times_us), still=int((np.diff(times_us, prepend=last) == 0).sum()),
            behind=int((ahead < -late_us).sum()), step_us=max(int(ahead[longest]), 0), row=int(numbers[longest]),
        )  # fmt: skip

    @property
    def shares(self) -> tuple[Counted, Counted]:
        """Rows at the time of the one before, and rows behind, of all."""
        return (self.still, self.rows), (self.behind, self.rows)

    def to_json(self) -> list[int]:
        """Return plain values, for canonical bytes."""
        return [self.rows, self.still, self.behind, self.step_us, self.row]

    @classmethod
    def from_json(cls, data: Sequence[int]) -> Self:
        """Undo `to_json`."""
        rows, still, behind, step_us, row = data
        return cls(rows=rows, still=still, behind=behind, step_us=step_us, row=row)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm:
    """How the rows of the reference came: all of them, and the most in one window that stood still."""

    whole: Ticks
    worst: Counted

    @classmethod
    def of(cls, times_us: Ints, window: int) -> Self:
        """Learn from the times (n,), n > 0, of the reference's rows, cut into windows of about *window* rows."""
        parts = np.array_split(np.diff(times_us, prepend=times_us[0] - 1) == 0, max(len(times_us) // window, 1))
        worst = max(((int(part.sum()), len(part)) for part in parts), key=lambda one: one[0] / max(one[1], 1))
        first = int(times_us[0])
        whole = Ticks.of(times_us, np.arange(len(times_us)), (first - 1, first), DIFFER_US)
        return cls(whole=whole, worst=worst)

    @property
    def late_us(self) -> int:
        """How far behind a row may lie."""
        return max(DIFFER_US, self.whole.step_us)

    def tolerated(self, policy: Thresholds) -> tuple[float, float]:
        """Return the shares of rows that may stand still, and lie behind."""
        share = self.whole.still / self.whole.rows
        still = max(policy.extra_ratio * share, share + policy.extra_share, self.worst[0] / max(self.worst[1], 1))
        return still, policy.extra_share

    def evidence(self, ticks: Ticks) -> float:
        """Return the evidence in nats that the longest step of a window is none of this rhythm.

        >>> whole = Ticks(rows=1_000, still=0, behind=0, step_us=60, row=0)
        >>> one = Ticks(rows=100, still=0, behind=0, step_us=240, row=0)
        >>> Rhythm(whole=whole, worst=(0, 50)).evidence(one)
        23.025851
        """
        ratio = ticks.step_us / max(self.whole.step_us, 1)
        if ratio < LEAST_RATIO:
            return 0.0
        return round(ratio * math.log(max(self.whole.rows, 2)) - math.log(max(ticks.rows, 1)), 6)

    def to_json(self) -> dict[str, Any]:
        """Return plain values, for canonical bytes."""
        return {"whole": self.whole.to_json(), "worst": list(self.worst)}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Undo `to_json`."""
        bad, known = data["worst"]
        return cls(whole=Ticks.from_json(data["whole"]), worst=(int(bad), int(known)))
