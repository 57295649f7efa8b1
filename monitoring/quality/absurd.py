"""Finds absurd values: 0 K, or ten metres of rain in an hour; so far from all that is known that one row is a fault.

Which rows have one is a fact of a window, by limits that were set before it came. Their number, divided by the one to
be expected, is an e-value: its mean is at most 1, whatever the rows have in common, over references and windows. The
limits are such that a single row comes to the threshold.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, Protocol, Self

from monitoring.drift.streams import Thresholds
from monitoring.profiles.reference import FAR_OVER, FAR_UNDER
from monitoring.profiles.tails import Apart, Limits, Tail
from monitoring.quality.facts import Facts

SLOTS = (FAR_UNDER, FAR_OVER)  #: where rows below and above their limits are counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Absurd:
    """A finding: the rows of a window in which a feature has an absurd value, below and above; evidence in nats."""

    feature: int
    rows: Apart
    share: float
    log_evidence: float
    onset_row: int

    @property
    def numbers(self) -> tuple[int, ...]:
        """The rows of both sides, rising; a row has one value of a feature, and so lies on one side."""
        return tuple(sorted(chain(*self.rows)))

    @property
    def slots(self) -> tuple[int, ...]:
        """Where its rows are counted."""
        return tuple(slot for slot, some in zip(SLOTS, self.rows, strict=True) if some)

    @property
    def told(self) -> str:
        """Say where its rows lie, in words: an absurd value may tell of somebody."""
        places = zip(self.rows, ("below", "above"), strict=True)
        return " and ".join(f"{len(some)} far {where} all that is known" for some, where in places if some)


class Patient(Thresholds, Protocol):
    """What a policy says about quality, and how long it waits for a fault to end."""

    @property
    def clear_windows(self) -> int:
        """Windows without a fault, after which it has ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spell:
    """A fault that goes on: its first row, and how many windows have passed without it."""

    since: int
    quiet: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AbsurdWatch:
    """The state of a watch; `observe` returns its next self."""

    limits: Limits
    false_alarm_windows: float
    patience: int  #: windows without a fault after which the next one is another
    spells: tuple[Spell | None, ...]

    @classmethod
    def start(cls, tails: Sequence[Sequence[Tail]], window: int, policy: Patient) -> Self:
        """Return the watch that has seen nothing; *tails* are those of each feature, windows have *window* rows.

        Other kinds of faults share one threshold. These limits hold for the longest of tails, and cost too much to be
        shared: they have as many false alarms as all others together.
        """
        found = Limits.of(tails, 1 / (window * policy.false_alarm_windows))
        return cls(
            limits=found, false_alarm_windows=policy.false_alarm_windows, patience=policy.clear_windows,
            spells=(None,) * len(tails),
        )  # fmt: skip

    def observe(self, window: Facts) -> tuple[AbsurdWatch, tuple[Absurd, ...]]:
        """Take the facts of a window."""
        found = [self._finding(k, rows, window.rows) for k, rows in enumerate(window.apart) if any(rows)]
        begun = {one.feature: Spell(since=one.onset_row) for one in found}
        kept = (begun.get(k) or self._waiting(one) for k, one in enumerate(self.spells))
        return replace(self, spells=tuple(kept)), tuple(found)

    def _finding(self, k: int, rows: Apart, of: int) -> Absurd:
        count, spell = sum(map(len, rows)), self.spells[k]
        return Absurd(
            feature=k, rows=rows, share=round(count / of, 6), onset_row=spell.since if spell else min(chain(*rows)),
            log_evidence=round(math.log(count * self.false_alarm_windows), 6),
        )  # fmt: skip

    def _waiting(self, one: Spell | None) -> Spell | None:
        """Return the spell after a window without its fault; None where it is over."""
        return replace(one, quiet=one.quiet + 1) if one and one.quiet + 1 < self.patience else None

    def anew(self) -> Self:
        """Return the watch that has seen nothing: what is absurd needs no window before it."""
        return replace(self, spells=(None,) * len(self.spells))

    def to_json(self) -> list[dict[str, int] | None]:
        """Return what goes on, for canonical bytes."""
        return [{"since": one.since, "quiet": one.quiet} if one else None for one in self.spells]

    def restored(self, state: Sequence[dict[str, Any] | None]) -> Self:
        """Return a watch like this one with the state that `to_json` gave."""
        return replace(self, spells=tuple(Spell(**one) if one else None for one in state))
