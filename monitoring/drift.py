"""Tells whether inputs or outputs drift: an e-detector over a dictionary of alternatives per feature.

Alarm: the weighted mean of exp(CUSUM) over all alternatives reaches c, so that at least c windows pass on average
before a false one (Shin, Ramdas and Rinaldo 2023, arXiv 2203.03532). After the alarm, fresh e-processes ask both ways:
does it persist, or did it come back? Only windows after the alarm count there.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, NamedTuple, Self

import numpy as np

from monitoring.alternatives import NATS, RULE
from monitoring.dictionary import Dictionary
from monitoring.evidence import e_bh, log_mean_exp
from monitoring.gained import Gained
from monitoring.profile import Profile
from monitoring.projections import Projections
from monitoring.promises import Thresholds
from monitoring.reference import Ints, Reference
from monitoring.seasonal import SeasonalDictionary
from monitoring.seasons import Seasons, cells_from_json, wanted

Phase = Literal["watching", "suspect", "confirmed"]
Verdict = Literal["none", "alarm", "confirmed", "cleared"]
Features = tuple[dict[str, Any], ...]
#: Watches that are shown their windows in one go: what they add and multiply stays in the cache of a processor.
AT_ONCE = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftFinding:
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
        return {**asdict(self), "features": [dict(each) for each in self.features]}


@dataclass(frozen=True, slots=True, eq=False)
class DriftWatch:
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

    def observe(self, start_row: int, window: Profile, policy: Thresholds) -> Told:
        """Take the window of rows that begins at *start_row*, and say what it taught."""
        return observe_all([Shown(self, start_row, window, policy)])[0]

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


Told = tuple[DriftWatch, DriftFinding]


def dictionary_of(reference: Reference, policy: Thresholds, rule: int, seasons: Seasons | None) -> Dictionary:
    """Give the alternatives to a reference, or to what its seasons expect."""
    if seasons is None:
        return Dictionary.of(reference, policy.tolerance, rule)
    return SeasonalDictionary.across(reference, seasons, policy.tolerance)


class Shown(NamedTuple):
    """A watch, the window that it is shown, which begins at `start_row`, and the policy that it watches by."""

    watch: DriftWatch
    start_row: int
    window: Profile
    policy: Thresholds

    def finding(self, verdict: Verdict, log_e: float, onset: int, features: Features = ()) -> DriftFinding:
        """Return what the window taught."""
        end = self.start_row + self.window.rows
        return DriftFinding(verdict=verdict, log_evidence=log_e, onset_row=onset, row=end, features=features)


def observe_all(shown: Sequence[Shown]) -> list[Told]:
    """Show each watch its window, many at once. No bit of what comes of one depends on those beside it.

    Up to `AT_ONCE` watches share their memory afterwards: to keep one of them for long is to keep that of all.
    """
    told: list[Told | None] = [None] * len(shown)
    for places in _together(shown):
        some = [shown[at] for at in places]
        gained = Gained.of([one.watch.dictionary for one in some], [one.window.counts for one in some])
        follow = _watched if some[0].watch.phase == "watching" else _judged
        for at, each in zip(places, follow(some, gained), strict=True):
            told[at] = each
    return [each or (one.watch, one.finding("none", 0.0, -1)) for one, each in zip(shown, told, strict=True)]


def _together(shown: Sequence[Shown]) -> Iterator[list[int]]:
    """Give places in pieces: watches of one dictionary beside each other, and those that ask the same question."""
    groups: dict[bool, dict[Dictionary, list[int]]] = {True: {}, False: {}}
    for at, one in enumerate(shown):
        if len(one.watch.sums) and one.window.rows:  # of seasons that nobody knows there are no rows to be shown
            groups[one.watch.phase == "watching"].setdefault(one.watch.dictionary, []).append(at)
    for group in groups.values():
        order = [at for places in group.values() for at in places]
        yield from (order[at : at + AT_ONCE] for at in range(0, len(order), AT_ONCE))


def _watched(some: Sequence[Shown], gained: Gained) -> Iterator[Told]:
    """Add to CUSUMs, and alarm where their mean is high enough."""
    sums = np.concatenate([one.watch.sums for one in some])
    since = np.concatenate([one.watch.since for one in some])
    np.copyto(since, gained.repeated([one.start_row for one in some]), where=sums <= 0)
    np.maximum(sums, 0, out=sums)
    sums += gained.flat
    log_es = gained.means(sums)
    for one, mine, first, log_e in zip(some, gained.parts(sums), gained.parts(since), log_es, strict=True):
        if log_e < math.log(one.policy.false_alarm_windows):
            yield DriftWatch(one.watch.dictionary, mine, first), one.finding("none", log_e, -1)
        else:
            yield _alarmed(one, mine, first, log_e)


def _alarmed(one: Shown, sums: Ints, since: Ints, log_e: float) -> Told:
    dictionary, enough = one.watch.dictionary, math.log(one.policy.false_alarm_windows)
    by_feature = [log_mean_exp(part) for part in dictionary.per_feature(sums + dictionary.priors)]
    named = [k for k, e in enumerate(by_feature) if e >= enough]
    onset = int(since[int(np.argmax(sums))])
    accused, zero = dictionary.modest(sums), np.zeros_like(sums)
    watch = DriftWatch(dictionary, zero, since, phase="suspect", accused=accused, onset_row=onset)
    return watch, one.finding("alarm", log_e, onset, dictionary.features(named, by_feature, sums, one.window.counts))


def _judged(some: Sequence[Shown], gained: Gained) -> Iterator[Told]:
    """Add what windows after an alarm say, and ask whether it lasts, or came back."""
    # No window counts for more than its part of the confirmation, so that a blip which outlives its alarm by a
    # window does not confirm itself. Less evidence than there was keeps the e-process valid.
    asked = [math.log(one.policy.confirm * len(one.watch.sums)) / one.policy.persistence for one in some]
    most = gained.repeated([round(nats * NATS) for nats in asked])
    sums = np.concatenate([one.watch.sums for one in some]) + np.minimum(gained.flat, most)
    log_es = gained.means(sums)
    accused = gained.of_one([one.watch.accused for one in some])
    for one, mine, new, log_e in zip(some, gained.parts(sums), accused, log_es, strict=True):
        yield _resolved(one, mine, new, log_e)


def _resolved(one: Shown, sums: Ints, gained: int, log_e: float) -> Told:
    """Ask about the accused alternative, which has *gained* in this window."""
    before, policy, dictionary = one.watch, one.policy, one.watch.dictionary
    back = -gained - one.window.rows * int(dictionary.offsets[before.accused])
    reverse = max(before.reverse, 0) + back
    # Coming back may begin at any window, hence a CUSUM; once confirmed, it has all the time, hence more of it.
    enough = policy.false_alarm_windows if before.phase == "confirmed" else policy.clear
    if reverse >= math.log(enough) * NATS:
        zero = np.zeros_like(sums)
        fresh = DriftWatch(dictionary, zero, zero)
        return fresh, one.finding("cleared", round(reverse / NATS, 6), before.onset_row)
    recent = (*before.recent, gained > 0)[-policy.of :]
    watch = replace(before, sums=sums, reverse=reverse, recent=recent)
    lasting = sum(recent) >= policy.persistence and log_e >= math.log(policy.confirm)
    if before.phase == "confirmed" or not lasting:
        return watch, one.finding("none", log_e, before.onset_row)
    by_feature = [log_mean_exp(part) for part in dictionary.per_feature(sums + dictionary.priors)]
    features = dictionary.features(e_bh(by_feature, policy.fdr), by_feature, sums, one.window.counts)
    return replace(watch, phase="confirmed", reverse=0), one.finding("confirmed", log_e, before.onset_row, features)


def judge(inputs: dict[str, Any], policy: Thresholds, rule: int = RULE) -> DriftFinding:
    """Fold the recorded windows and return what the last one taught.

    *inputs* holds `reference`, `windows` (each `start_row` and `profile`) and, if folding does not begin with
    nothing, the `state` before the first window. Where projections are watched, it holds those of the reference as
    `projections`, and so does each window; where seasons are asked for, it holds `seasons`, and each window `cells`.
    """
    reference = compared(inputs, policy)
    seasons = wanted(inputs.get("seasons"), policy, reference)
    watch = DriftWatch.start(reference, policy, rule, seasons)
    if inputs.get("state") is not None:
        watch = watch.restored(inputs["state"])
    finding = DriftFinding(verdict="none", log_evidence=0.0, onset_row=-1, row=-1)
    for each in inputs["windows"]:
        watch, finding = watch.observe(each["start_row"], shown(each, seasons), policy)
    return finding


def shown(window: dict[str, Any], seasons: Seasons | None) -> Profile:
    """Read what a recorded window shows to a watch: its counts, and where seasons are asked for, those of each."""
    if seasons is not None:
        return seasons.laid(cells_from_json(window["cells"]))
    beside = Profile.from_json(window["projections"]) if "projections" in window else None
    return Profile.from_json(window["profile"]).beside(beside)


def compared(inputs: dict[str, Any], policy: Thresholds) -> Reference:
    """Return what windows are compared with: the recorded reference, and the projections of it that are watched."""
    projections = Projections.from_json(inputs.get("projections")).first(policy.projections)
    return projections.joined(Reference.from_json(inputs["reference"]))
