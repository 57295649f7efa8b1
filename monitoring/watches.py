"""Watches for drift: what a window teaches each, alone or side by side with others."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, Literal, NamedTuple, Self

import numpy as np

from monitoring.alternatives import NATS, RULE
from monitoring.dictionary import Dictionary
from monitoring.evidence import e_bh, log_mean_exp, log_mean_exps
from monitoring.profile import Profile
from monitoring.promises import Thresholds
from monitoring.reference import Ints, Reference
from monitoring.seasonal import SeasonalDictionary
from monitoring.seasons import Seasons
from monitoring.tables import Asked, side_by_side

Phase = Literal["watching", "suspect", "confirmed"]
Verdict = Literal["none", "alarm", "confirmed", "cleared"]
Features = tuple[dict[str, Any], ...]
WHOLE = np.dtype(np.int64)


class DriftFinding(NamedTuple):
    """What one window taught: a verdict, its evidence in nats, the first drifted row, and the features.

    Each feature has `name`, `change` (the alternative that fits best), `log_evidence`, `psi`, `js`, `ks`.
    """

    verdict: Verdict
    log_evidence: float
    onset_row: int
    row: int  #: the first row after the window
    features: Features = ()

    def to_json(self) -> dict[str, Any]:
        """Return plain values, for canonical bytes."""
        return {**self._asdict(), "features": [dict(each) for each in self.features]}


class DriftWatch(NamedTuple):
    """The state of a watch; `observe` returns its next self."""

    dictionary: Dictionary
    sums: Ints  #: CUSUM while watching, plain sums since the alarm afterwards
    since: Ints  #: first row after each CUSUM's last zero
    phase: Phase = "watching"
    accused: int = -1  #: the alternative that windows after the alarm are asked about
    onset_row: int = -1
    reverse: int = 0
    recent: tuple[bool, ...] = ()

    @classmethod
    def start(cls, reference: Reference, policy: Thresholds, rule: int = RULE, seasons: Seasons | None = None) -> Self:
        """Return the watch that has seen nothing. With *seasons* each row is held against those of its own."""
        dictionary = dictionary_of(reference, policy, rule, seasons)
        zero = np.zeros(len(dictionary.offsets), np.int64)
        return cls(dictionary, zero, zero)

    def observe(self, start_row: int, window: Profile, policy: Thresholds, evidence: Ints | None = None) -> Told:
        """Take the window of rows that begins at *start_row*, and say what it taught.

        *evidence* is that of its counts, (1, alternatives), where the dictionary was asked for it already.
        """
        sight = Sight(start_row, window, policy)
        if not len(self.sums):  # without alternatives there is nothing to ask
            return self, sight.nothing(self, 0.0)
        alone = Squad([0], [self])
        (log_e,), told = alone.follow(
            [sight], self.dictionary.evidence([window.counts]) if evidence is None else evidence
        )
        return alone.watches[0], told.get(0) or sight.nothing(alone.watches[0], log_e)

    def to_json(self) -> dict[str, Any]:
        """Return the state without the tables, for canonical bytes."""
        return {
            "sums": self.sums.tolist(),
            "since": self.since.tolist(),
            "phase": self.phase,
            "accused": self.accused,
            "onset_row": self.onset_row,
            "reverse": self.reverse,
            "recent": list(self.recent),
        }

    def restored(self, state: dict[str, Any]) -> DriftWatch:
        """Return a watch with these tables and the state that `to_json` gave."""
        return DriftWatch(
            self.dictionary, np.array(state["sums"], np.int64), np.array(state["since"], np.int64), state["phase"],
            state["accused"], state["onset_row"], state["reverse"], tuple(state["recent"]),
        )  # fmt: skip


def dictionary_of(reference: Reference, policy: Thresholds, rule: int, seasons: Seasons | None) -> Dictionary:
    """Give the alternatives to a reference, or to what its seasons expect."""
    if seasons is None:
        return Dictionary.of(reference, policy.tolerance, rule)
    return SeasonalDictionary.across(reference, seasons, policy.tolerance)


Told = tuple[DriftWatch, DriftFinding]
Followed = tuple[list[float], dict[int, DriftFinding]]  #: evidence of all, and by place what there is to tell


class Sight(NamedTuple):
    """A window that a watch is shown, which begins at `start_row`, and the policy that it watches by."""

    start_row: int
    window: Profile
    policy: Thresholds

    def finding(self, verdict: Verdict, log_e: float, onset: int, features: Features = ()) -> DriftFinding:
        """Return what the window taught."""
        return DriftFinding(verdict, log_e, onset, self.start_row + self.window.rows, features)

    def nothing(self, watch: DriftWatch, log_e: float) -> DriftFinding:
        """Return what it taught a *watch* that has nothing to tell."""
        return self.finding("none", log_e, watch.onset_row if self.window.rows else -1)


def _alarmed(before: DriftWatch, sight: Sight, log_e: float) -> Told:
    dictionary, sums, enough = before.dictionary, before.sums, math.log(sight.policy.false_alarm_windows)
    by_feature = [log_mean_exp(part) for part in dictionary.per_feature(sums + dictionary.priors)]
    named = [k for k, e in enumerate(by_feature) if e >= enough]
    onset = int(before.since[int(np.argmax(sums))])
    accused, zero = dictionary.modest(sums), np.zeros_like(sums)
    watch = DriftWatch(dictionary, zero, before.since, phase="suspect", accused=accused, onset_row=onset)
    features = dictionary.features(named, by_feature, sums, sight.window.counts)
    return watch, sight.finding("alarm", log_e, onset, features)


def _resolved(before: DriftWatch, sight: Sight, gained: int, log_e: float) -> tuple[DriftWatch, DriftFinding | None]:
    """Ask about the accused alternative, which has *gained* in this window; None where there is nothing to tell."""
    policy, dictionary = sight.policy, before.dictionary
    back = -gained - sight.window.rows * int(dictionary.offsets.item(before.accused))
    reverse = max(before.reverse, 0) + back
    # Coming back may begin at any window, hence a CUSUM; once confirmed, it has all the time, hence more of it.
    enough = policy.false_alarm_windows if before.phase == "confirmed" else policy.clear
    if reverse >= math.log(enough) * NATS:
        zero = np.zeros_like(before.sums)
        return DriftWatch(dictionary, zero, zero), sight.finding("cleared", round(reverse / NATS, 6), before.onset_row)
    recent = (*before.recent, gained > 0)[-policy.of :]
    watch = DriftWatch(*before[:-2], reverse, recent)
    lasting = sum(recent) >= policy.persistence and log_e >= math.log(policy.confirm)
    if before.phase == "confirmed" or not lasting:
        return watch, None
    by_feature = [log_mean_exp(part) for part in dictionary.per_feature(before.sums + dictionary.priors)]
    named = e_bh(by_feature, policy.fdr)
    features = dictionary.features(named, by_feature, before.sums, sight.window.counts)
    finding = sight.finding("confirmed", log_e, before.onset_row, features)
    return watch._replace(phase="confirmed", reverse=0), finding


class Squad:
    """Watches that ask the same question by dictionaries of one make: a line of each array is one of them.

    Their `sums` and `since` are lines of these arrays, and change with them.
    """

    def __init__(self, places: list[int], watches: Sequence[DriftWatch]) -> None:
        self.places = places
        dictionaries = [one.dictionary for one in watches]
        self._widths = [len(one.sums) for one in watches]
        self._priors = dictionaries[0].priors[None]
        if any(one is not dictionaries[0] for one in dictionaries):
            self._priors = side_by_side([one.priors for one in dictionaries], WHOLE)
        self._sums = side_by_side([one.sums for one in watches], WHOLE)
        self._since = side_by_side([one.since for one in watches], WHOLE)
        lines = zip(watches, self._sums, self._since, self._widths, strict=True)
        self.watches = [one._replace(sums=sums[:width], since=since[:width]) for one, sums, since, width in lines]
        self.watching = watches[0].phase == "watching"
        self._policies: list[Thresholds] = []  # of the last windows: they hardly ever change
        self._bounds = np.empty((0, 1))  # what an alarm takes, in nats; after it, what a window may add, in `NATS`

    def observe(self, sights: Sequence[Sight]) -> Followed:
        """Show each its window; return the evidence of all, and what those found that have something to tell."""
        return self.follow(sights, self._asked.dot([one.window.counts for one in sights]))

    def follow(self, sights: Sequence[Sight], gained: Ints) -> Followed:
        """Do what `observe` does, with what each has *gained*, (windows, alternatives)."""
        policies = [one.policy for one in sights]
        if policies != self._policies:
            self._policies, self._bounds = policies, np.array(self._bound(policies))
        follow = self._watched if self.watching else self._judged
        still = [k for k, one in enumerate(sights) if not one.window.rows]  # of seasons that nobody knows
        return self._except(still, lambda: follow(sights, gained)) if still else follow(sights, gained)

    @cached_property
    def _asked(self) -> Asked:
        dictionaries = [one.dictionary for one in self.watches]
        return dictionaries[0].together(dictionaries)

    def _bound(self, policies: Sequence[Thresholds]) -> list[float] | list[int]:
        if self.watching:
            return [math.log(one.false_alarm_windows) for one in policies]
        asked = [math.log(p.confirm * n) / p.persistence for p, n in zip(policies, self._widths, strict=True)]
        return [round(nats * NATS) for nats in asked]

    def _except(self, still: list[int], follow: Callable[[], Followed]) -> Followed:
        """Let *still* ones stand as they do: they have not been shown a row."""
        sums, since, watches = self._sums[still], self._since[still], [self.watches[k] for k in still]
        log_es, told = follow()
        self._sums[still], self._since[still] = sums, since
        for k, watch in zip(still, watches, strict=True):
            self.watches[k], log_es[k] = watch, 0.0
        return log_es, {k: finding for k, finding in told.items() if k not in still}

    def _watched(self, sights: Sequence[Sight], gained: Ints) -> Followed:
        """Add to CUSUMs, and alarm where their mean is high enough."""
        starts, told = np.array([one.start_row for one in sights]), dict[int, DriftFinding]()
        self._since[:] = np.where(self._sums <= 0, starts[:, None], self._since)
        np.maximum(self._sums, 0, out=self._sums)
        self._sums += gained
        log_es = log_mean_exps(self._sums, self._priors, self._widths)
        for k in np.flatnonzero(np.array(log_es) >= self._bounds).tolist():
            self.watches[k], told[k] = _alarmed(self.watches[k], sights[k], log_es[k])
        return log_es, told

    def _judged(self, sights: Sequence[Sight], gained: Ints) -> Followed:
        """Add what windows after an alarm say, and ask whether it lasts, or came back."""
        # No window counts for more than its part of the confirmation, so that a blip which outlives its alarm by a
        # window does not confirm itself. Less evidence than there was keeps the e-process valid.
        self._sums += np.minimum(gained, self._bounds[:, None])
        log_es = log_mean_exps(self._sums, self._priors, self._widths)
        news = gained[np.arange(len(gained)), [one.accused for one in self.watches]].tolist()
        told = dict[int, DriftFinding]()
        for k, each in enumerate(zip(self.watches, sights, news, log_es, strict=True)):
            self.watches[k], finding = _resolved(*each)
            if finding:
                told[k] = finding
        return log_es, told
