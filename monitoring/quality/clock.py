"""Finds faults of the clock: a stretch without rows, times that stand still, and times that run behind.

A step is how far a row lies ahead of all rows before it. Where rows come by chance, at whatever rate, the chance of a
step that is r times as long as the longest of n is n to the power of -r (steps then follow an exponential law, Cox and
Lewis 1966); a stretch without rows is reported where that is rarer than all kinds of faults share, and where it is
three times as long as any of the reference. Nights and weekends that the reference has had are steps like others. Rows
that run behind the latest one by more than clocks differ, and by more than the longest step, are what an hour of
another time zone makes; in batches that were held back it looks the same, and is tolerated as far as the reference had
it. A clock set ahead looks like a stretch without rows. What lies more than a day behind, in the future or in 1970 is
refused when it comes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

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
    """How the rows of the reference came: all of them, and the most in one window that stood still, or lay behind."""

    whole: Ticks
    worst: Counted
    behind: int = 0  #: rows that lay behind by more than `late_us`
    worst_behind: Counted = (0, 0)

    @classmethod
    def of(cls, times_us: Ints, window: int) -> Self:
        """Learn from the times (n,), n > 0, of the reference's rows, cut into windows of about *window* rows."""
        first, windows = int(times_us[0]), max(len(times_us) // window, 1)
        whole = Ticks.of(times_us, np.arange(len(times_us)), (first - 1, first), DIFFER_US)
        still = np.diff(times_us, prepend=first - 1) == 0
        made = cls(whole=whole, worst=_worst(still, windows))
        behind = np.maximum.accumulate(times_us) - times_us > made.late_us
        if not behind.any():
            return made
        return replace(made, behind=int(behind.sum()), worst_behind=_worst(behind, windows))

    @property
    def late_us(self) -> int:
        """How far behind a row may lie."""
        return max(DIFFER_US, self.whole.step_us)

    def tolerated(self, policy: Thresholds) -> tuple[float, float]:
        """Return the shares of rows that may stand still, and lie behind."""
        each = (self.whole.still, self.worst), (self.behind, self.worst_behind)
        still, behind = (self._tolerated(rows / self.whole.rows, worst, policy) for rows, worst in each)
        return still, behind

    def _tolerated(self, share: float, worst: Counted, policy: Thresholds) -> float:
        return max(policy.extra_ratio * share, share + policy.extra_share, worst[0] / max(worst[1], 1))

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
        """Return plain values, for canonical bytes: in the form of before where no row of the reference lay behind."""
        plain = {"whole": self.whole.to_json(), "worst": list(self.worst)}
        return {**plain, "behind": [self.behind, *self.worst_behind]} if self.behind else plain

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Undo `to_json`."""
        bad, known = data["worst"]
        behind, *worst = map(int, data.get("behind", (0, 0, 0)))
        whole = Ticks.from_json(data["whole"])
        return cls(whole=whole, worst=(int(bad), int(known)), behind=behind, worst_behind=(worst[0], worst[1]))


def _worst(rows: NDArray[np.bool_], windows: int) -> Counted:
    """Return the counts of the window, of so many, of which most are among *rows* (n,)."""
    parts = ((int(part.sum()), len(part)) for part in np.array_split(rows, windows))
    return max(parts, key=lambda one: one[0] / max(one[1], 1))
