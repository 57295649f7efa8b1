"""Watches for drift: what a window teaches each, alone or side by side with others."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple, Self

import numpy as np

from monitoring.drift.dictionary import Dictionary
from monitoring.drift.evidence import DIGITS, e_bh, log_mean_exps
from monitoring.drift.promises import Thresholds
from monitoring.drift.seasonal import SeasonalDictionary
from monitoring.drift.tables import side_by_side
from monitoring.drift.trials import Trials
from monitoring.profiles.alternatives import NATS, RULE
from monitoring.profiles.profile import Profile
from monitoring.profiles.reference import Ints, Reference
from monitoring.profiles.seasons import Seasons

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
        alone = Squad([0], [self], Adding())
        told = alone.follow([sight], self.dictionary.evidence([window.counts]) if evidence is None else evidence)
        (watch,) = alone.watches
        return watch, told.get(0) or sight.nothing(watch, *alone.evidence())

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
Followed = dict[int, DriftFinding]  #: by place, what there is to tell


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
    by_feature = dictionary.log_evidence(sums)
    named = [k for k, e in enumerate(by_feature) if e >= enough]
    onset = int(before.since[int(np.argmax(sums))])
    accused, zero = dictionary.modest(sums), np.zeros_like(sums)
    watch = DriftWatch(dictionary, zero, before.since, phase="suspect", accused=accused, onset_row=onset)
    features = dictionary.features(named, by_feature, sums, sight.window.counts)
    return watch, sight.finding("alarm", log_e, onset, features)


def _cleared(before: DriftWatch, sight: Sight) -> Told:
    """Begin anew: what *before* says of its accused speaks for its return."""
    zero = np.zeros_like(before.sums)
    finding = sight.finding("cleared", round(before.reverse / NATS, 6), before.onset_row)
    return DriftWatch(before.dictionary, zero, zero), finding


def _confirmed(before: DriftWatch, sight: Sight, log_e: float) -> Told:
    dictionary = before.dictionary
    by_feature = dictionary.log_evidence(before.sums)
    named = e_bh(by_feature, sight.policy.fdr)
    features = dictionary.features(named, by_feature, before.sums, sight.window.counts)
    finding = sight.finding("confirmed", log_e, before.onset_row, features)
    return before._replace(phase="confirmed", reverse=0), finding


def accumulate(sums: Ints, since: Ints, starts: Ints, gained: Ints) -> Ints:
    """Add what windows that begin at the rows *starts* have *gained* to CUSUMs, and return the highest of each line.

    *sums* and *since* change in place; they and *gained* are (windows, alternatives).
    """
    np.copyto(since, starts[:, None], where=sums <= 0)
    np.maximum(sums, 0, out=sums)
    sums += gained
    highest: Ints = sums.max(axis=1)
    return highest


def add(sums: Ints, most: Ints, gained: Ints) -> Ints:
    """Add what windows have *gained* to sums, no more than *most* to each of a line, and return the highest of lines.

    *sums* change in place; they and *gained* are (windows, alternatives).
    """
    sums += np.minimum(gained, most[:, None])
    highest: Ints = sums.max(axis=1)
    return highest


class Adding(NamedTuple):
    """How evidence is added up, by what does what `accumulate` does, and what does what `add` does."""

    accumulate: Callable[[Ints, Ints, Ints, Ints], Ints] = accumulate
    add: Callable[[Ints, Ints, Ints], Ints] = add


class Squad:
    """Watches that ask the same question by dictionaries of one make: a line of each array is one of them.

    Their `sums` and `since` are lines of these arrays, and change with them.
    """

    def __init__(self, places: list[int], watches: Sequence[DriftWatch], adding: Adding) -> None:
        self.places, self._adding = places, adding
        dictionaries = [one.dictionary for one in watches]
        self._widths = [len(one.sums) for one in watches]
        self._priors = dictionaries[0].priors[None]
        if any(one is not dictionaries[0] for one in dictionaries):
            self._priors = side_by_side([one.priors for one in dictionaries], WHOLE)
        self._sums = side_by_side([one.sums for one in watches], WHOLE)
        self._since = side_by_side([one.since for one in watches], WHOLE)
        lines = zip(watches, self._sums, self._since, self._widths, strict=True)
        self._watches = [one._replace(sums=sums[:width], since=since[:width]) for one, sums, since, width in lines]
        self.watching = watches[0].phase == "watching"
        self._policies: tuple[Thresholds, ...] = ()  # of the last windows: they hardly ever change
        self._trials: Trials | None = None  # of what they accuse, which `_watches` do not know of yet
        self._enough, self._most = np.empty(0), np.empty(0, WHOLE)  # nats that tell something, what a window may add
        self._log_es: dict[int, float] = {}  # in the last windows, of those whose evidence was asked for

    @property
    def watches(self) -> list[DriftWatch]:
        """The watches as they stand; the next windows change them."""
        if self._trials is not None:
            stand = zip(self._watches, self._trials.standing, strict=True)
            self._watches = [one._replace(reverse=reverse, recent=recent) for one, (reverse, recent) in stand]
            self._trials = None
        return self._watches

    def follow(self, sights: Sequence[Sight], gained: Ints) -> Followed:
        """Show each its window, of which it has *gained* a line of evidence; return what there is to tell."""
        _, windows, policies = zip(*sights, strict=True)
        if policies != self._policies:
            self._agree(policies)
        follow, self._log_es = self._watched if self.watching else self._judged, {}
        still = [k for k, window in enumerate(windows) if not window.rows]  # of seasons that nobody knows
        return self._except(still, lambda: follow(sights, gained)) if still else follow(sights, gained)

    def evidence(self) -> list[float]:
        """Return the evidence of each in the windows that were shown last, in nats."""
        return self._evidence_of(range(len(self._watches)))

    def _evidence_of(self, places: Sequence[int]) -> list[float]:
        asked = [k for k in places if k not in self._log_es]
        if asked:
            whole = len(asked) == len(self._widths)
            sums = self._sums if whole else self._sums[asked]
            priors = self._priors if whole or len(self._priors) == 1 else self._priors[asked]
            log_es = log_mean_exps(sums, priors, [self._widths[k] for k in asked])
            self._log_es |= dict(zip(asked, log_es, strict=True))
        return [self._log_es[k] for k in places]

    def _loud(self, places: Sequence[int]) -> list[tuple[int, float]]:
        """Return who of *places* has evidence enough to tell something, and how much."""
        log_es = zip(places, self._evidence_of(places), strict=True)
        return [(k, log_e) for k, log_e in log_es if log_e >= self._enough[k]]

    def _near(self, highest: Ints) -> list[int]:
        """Return the places of those who may have evidence enough: no weighted mean is above the *highest* e-value.

        That leaves hardly anyone whose mean must be known. Of one that is alone it is told anyway.
        """
        if len(self._widths) == 1:
            return [0]
        most = highest * (1 / NATS) + 1 / DIGITS  # it is kept to so many
        found: list[int] = np.flatnonzero(most >= self._enough).tolist()
        return found

    def _agree(self, policies: tuple[Thresholds, ...]) -> None:
        """Reckon what *policies* ask for; what windows said is counted anew by them."""
        self._watches, self._policies = self.watches, policies
        if self.watching:
            self._enough = np.array([math.log(one.false_alarm_windows) for one in policies])
            return
        self._enough = np.array([math.log(one.confirm) for one in policies])
        asked = [math.log(p.confirm * n) / p.persistence for p, n in zip(policies, self._widths, strict=True)]
        self._most = np.array([round(nats * NATS) for nats in asked], WHOLE)

    def _except(self, still: list[int], follow: Callable[[], Followed]) -> Followed:
        """Let *still* ones stand as they do: they have not been shown a row."""
        sums, since, watches = self._sums[still], self._since[still], [self.watches[k] for k in still]
        told = follow()
        self._sums[still], self._since[still] = sums, since
        for k, watch in zip(still, watches, strict=True):
            self.watches[k], self._log_es[k] = watch, 0.0
        return {k: finding for k, finding in told.items() if k not in still}

    def _watched(self, sights: Sequence[Sight], gained: Ints) -> Followed:
        """Add to CUSUMs, and alarm where their mean is high enough."""
        starts, told = np.array([one.start_row for one in sights], WHOLE), dict[int, DriftFinding]()
        for k, log_e in self._loud(self._near(self._adding.accumulate(self._sums, self._since, starts, gained))):
            self._watches[k], told[k] = _alarmed(self._watches[k], sights[k], log_e)
        return told

    def _judged(self, sights: Sequence[Sight], gained: Ints) -> Followed:
        """Add what windows after an alarm say, and ask whether it lasts, or came back."""
        # No window counts for more than its part of the confirmation, so that a blip which outlives its alarm by a
        # window does not confirm itself. Less evidence than there was keeps the e-process valid.
        highest = self._adding.add(self._sums, self._most, gained)
        if self._trials is None:
            self._trials = Trials(self._watches, self._policies)
        returned, lasting = self._trials.follow(gained, [one.window.rows for one in sights])
        told, loud = dict[int, DriftFinding](), self._loud(sorted({*lasting}.intersection(self._near(highest))))
        for k in returned:
            self.watches[k], told[k] = _cleared(self.watches[k], sights[k])
        for k, log_e in loud:
            self.watches[k], told[k] = _confirmed(self.watches[k], sights[k], log_e)
        return told
