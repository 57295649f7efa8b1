"""Finds sentinel codes: one exact value, as -1 or 999, that suddenly stands in a share of the rows of a feature.

A value that is out of place in one window is put under suspicion, and only later windows speak about it. So what is
tested was chosen before it was seen, and a CUSUM of likelihood ratios against the tolerated rate keeps its mean time
between false alarms however many values there are to choose from (Lorden 1971; e-detectors, Shin, Ramdas and Rinaldo
2022, section 2). It assumes that rows of a window are no more alike than its tolerated rate allows for; that rate is
learned from the worst window of the reference.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from monitoring.drift.evidence import log_mean_exp
from monitoring.drift.streams import HOPELESS, Thresholds
from monitoring.drift.suspicions import Suspecting, Suspicion, unsuspecting
from monitoring.quality.facts import Facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Habit:
    """How far one feature repeats itself when all is well: the highest share of a window that each value had.

    `novel` is that of values which were among the commonest of one window alone; any value may have as much. `known`
    holds those that had more.
    """

    known: dict[float, float]
    novel: float

    def tolerated(self, value: float, policy: Thresholds) -> float:
        """Return the share of rows that *value* may have."""
        peak = max(self.known.get(value, 0.0), self.novel)
        return max(policy.extra_ratio * peak, peak + policy.extra_share)

    def to_json(self) -> dict[str, Any]:
        """Return plain values, for canonical bytes."""
        return {"known": [[value, self.known[value]] for value in sorted(self.known)], "novel": self.novel}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Undo `to_json`."""
        return cls(known={float(value): float(peak) for value, peak in data["known"]}, novel=float(data["novel"]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentinel:
    """A finding: which value of which feature, in which share of the window's rows, since when, evidence in nats."""

    feature: int
    value: float
    share: float
    tolerated: float
    log_evidence: float
    onset_row: int  #: the first row of the window that raised suspicion


@dataclass(frozen=True, slots=True, kw_only=True)
class SentinelWatch(Suspecting):
    """The state of a watch; `observe` returns its next self."""

    habits: tuple[Habit, ...]

    @classmethod
    def start(cls, habits: tuple[Habit, ...], policy: Thresholds, beside: int = 0) -> Self:
        """Return the watch that has seen nothing; its features share the threshold with *beside* other streams."""
        return cls(habits=habits, **unsuspecting(len(habits), policy, beside))

    def observe(self, start_row: int, window: Facts) -> tuple[SentinelWatch, tuple[Sentinel, ...]]:
        """Take the facts of the window of rows that begins at *start_row*."""
        moved = [
            one.after(window.rows_with(k, one.value), window.rows, self.cap) if one else None
            for k, one in enumerate(self.suspicions)
        ]
        found = [self._finding(k, one, window) for k, one in enumerate(moved) if one]
        kept = (
            one if one and max(one.sums) > 0 else self._suspect(k, start_row, window) for k, one in enumerate(moved)
        )
        return replace(self, suspicions=tuple(kept)), tuple(one for one in found if one)

    def _suspect(self, k: int, start_row: int, window: Facts) -> Suspicion | None:
        """Return the value that exceeds what is tolerated of it by most, if any does."""
        if not window.repeated[k]:
            return None
        shares = [(count / window.rows, value) for value, count in window.repeated[k]]
        over = [(share - self.habits[k].tolerated(value, self.policy), value) for share, value in shares]
        excess, value = max(over, default=(0.0, 0.0))
        rate = self.habits[k].tolerated(value, self.policy)
        return Suspicion(value=value, tolerated=rate, since=start_row) if excess > 0 and rate < HOPELESS else None

    def _finding(self, k: int, one: Suspicion, window: Facts) -> Sentinel | None:
        count, log_e = window.rows_with(k, one.value), log_mean_exp(one.sums)
        if log_e < self.threshold or not count:
            return None
        return Sentinel(
            feature=k, value=one.value, share=round(count / window.rows, 6), tolerated=round(one.tolerated, 6),
            log_evidence=log_e, onset_row=one.since,
        )  # fmt: skip


def learn_habit(k: int, seen: Sequence[Facts]) -> Habit:
    """Learn how far the feature at place *k* repeats itself, from the facts of the reference's windows."""
    windows, peaks = Counter[float](), dict[float, float]()
    for one in seen:
        for value, count in one.repeated[k]:
            windows[value] += 1
            peaks[value] = max(peaks.get(value, 0.0), count / one.rows)
    novel = max((peak for value, peak in peaks.items() if windows[value] == 1), default=0.0)
    # What is no more common than any value may be needs no line of its own.
    return Habit(known={value: peak for value, peak in peaks.items() if peak > novel}, novel=novel)
