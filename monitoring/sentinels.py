"""Finds sentinel codes: one exact value, as -1 or 999, that suddenly stands in a share of the rows of a feature.

A value that is out of place in one window is put under suspicion, and only later windows speak about it. So what is
tested was chosen before it was seen, and a CUSUM of likelihood ratios against the tolerated rate keeps its mean time
between false alarms however many values there are to choose from (Lorden 1971; e-detectors, Shin, Ramdas and Rinaldo
2022, section 2). It assumes that rows of a window are no more alike than its tolerated rate allows for; that rate is
learned from the worst window of the reference.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from monitoring.alternatives import NATS
from monitoring.evidence import log_mean_exp
from monitoring.facts import Facts, facts
from monitoring.reference import MAX_BINS, Floats
from monitoring.streams import HOPELESS, STEPS, Thresholds


@dataclass(frozen=True, slots=True, kw_only=True)
class Habit:
    """How far one feature repeats itself when all is well: the highest share of a window that each value had.

    `novel` is that of values which were among the commonest of one window alone; any value may have as much. It is 1,
    and nothing is out of place, where the reference has a bin for each value: then every value is a code.
    """

    known: dict[float, float]
    novel: float

    def tolerated(self, value: float, policy: Thresholds) -> float:
        """Return the share of rows that *value* may have."""
        peak = max(self.known.get(value, 0.0), self.novel)
        return max(policy.extra_ratio * peak, peak + policy.extra_share)


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspicion:
    """A value under suspicion, since the window that begins at `since`; evidence in `NATS`, one sum for each rate."""

    value: float
    tolerated: float
    since: int
    sums: tuple[int, ...] = (0,) * len(STEPS)

    def after(self, count: int, rows: int, cap: int) -> Suspicion:
        """Return the suspicion after a window in which *count* of *rows* rows have the value."""
        rates = [self.tolerated + (1 - self.tolerated) * step for step in STEPS]
        gains = (_gain(rate, self.tolerated, count, rows) for rate in rates)
        return replace(
            self, sums=tuple(min(max(old, 0) + gain, cap) for old, gain in zip(self.sums, gains, strict=True))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentinel:
    """A finding: which value of which feature, in which share of the window's rows, since when, evidence in nats."""

    feature: int
    value: float
    share: float
    tolerated: float
    log_evidence: float
    onset_row: int  #: the first row of the window that raised suspicion


@dataclass(frozen=True, slots=True)
class SentinelWatch:
    """The state of a watch; `observe` returns its next self."""

    habits: tuple[Habit, ...]
    policy: Thresholds
    suspicions: tuple[Suspicion | None, ...]

    @classmethod
    def start(cls, habits: tuple[Habit, ...], policy: Thresholds) -> Self:
        """Return the watch that has seen nothing."""
        return cls(habits, policy, (None,) * len(habits))

    @property
    def threshold(self) -> float:
        """Nats that a value needs, shared by all features."""
        return math.log(self.policy.false_alarm_windows * max(len(self.habits), 1))

    def observe(self, start_row: int, window: Facts) -> tuple[SentinelWatch, tuple[Sentinel, ...]]:
        """Take the facts of the window of rows that begins at *start_row*."""
        cap = round((self.threshold + 2 * math.log(10)) * NATS)
        moved = [
            one.after(window.rows_with(k, one.value), window.rows, cap) if one else None
            for k, one in enumerate(self.suspicions)
        ]
        found = [self._finding(k, one, window) for k, one in enumerate(moved) if one]
        kept = (
            one if one and max(one.sums) > 0 else self._suspect(k, start_row, window) for k, one in enumerate(moved)
        )
        return replace(self, suspicions=tuple(kept)), tuple(one for one in found if one)

    def _suspect(self, k: int, start_row: int, window: Facts) -> Suspicion | None:
        """Return the value that exceeds what is tolerated of it by most, if any does."""
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


def learn_habits(rows: Floats, window: int) -> tuple[Habit, ...]:
    """Learn from reference *rows* (n, features), cut into windows of *window* rows, how far each feature repeats."""
    parts = np.array_split(rows, max(len(rows) // window, 1))
    seen = [facts(part) for part in parts]
    return tuple(
        _habit(k, seen) if len(np.unique(column[np.isfinite(column)])) > MAX_BINS else Habit(known={}, novel=1.0)
        for k, column in enumerate(rows.T)
    )


def _habit(k: int, seen: list[Facts]) -> Habit:
    windows = Counter(value for one in seen for value, _ in one.repeated[k])
    peaks: dict[float, float] = {}
    for one in seen:
        for value, count in one.repeated[k]:
            peaks[value] = max(peaks.get(value, 0.0), count / one.rows)
    novel = max((peak for value, peak in peaks.items() if windows[value] == 1), default=0.0)
    return Habit(known=peaks, novel=novel)


def _gain(rate: float, tolerated: float, count: int, rows: int) -> int:
    faulty = round(math.log(rate / tolerated) * NATS)
    sound = round(math.log((1 - rate) / (1 - tolerated)) * NATS)
    return count * faulty + (rows - count) * sound
