"""Departures: features that have left what the reference expects, each by itself, so that none of them hides another.

`detector.py` asks about one change at a time: whatever raised its alarm is asked about until it lasts or has come back,
and what else moves meanwhile is not told. That is right for a suspicion, of which there is one. Here every feature is
told when it leaves, once, and again only after it has come back. Features that go together leave one after another, as
evidence of each grows: what began before the last that was told is part of it, and is not told again. What a model puts
out is no feature: its loss tells of that.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from monitoring.drift.detector import compared, shown
from monitoring.drift.dictionary import Dictionary
from monitoring.drift.evidence import log_mean_exps
from monitoring.drift.promises import Thresholds
from monitoring.drift.watches import DriftFinding, dictionary_of
from monitoring.profiles.alternatives import NATS
from monitoring.profiles.profile import Profile
from monitoring.profiles.reference import OUTPUT, Ints
from monitoring.profiles.seasons import wanted

STAYS = -1  #: of a feature that has not left
NEVER = -(1 << 62)  #: below any evidence


@dataclass(frozen=True, slots=True, eq=False)
class Departures:
    """Which features have left, and what speaks for it of those that have not; `observe` returns its next self.

    The mean of exp(CUSUM) over all alternatives tells that something leaves, as in `detector.py`, and so it tells
    nothing for `false_alarm_windows` on average while nothing does: what has left adds nothing to that mean.
    """

    dictionary: Dictionary
    sums: Ints  #: CUSUM of each alternative; zero of a feature that has left
    since: Ints  #: first row after each CUSUM's last zero
    accused: tuple[int, ...]  #: of each feature, the alternative by which it left
    reverse: tuple[int, ...]  #: CUSUM of what speaks for its return, in `NATS`
    told_row: int = 0  #: the first row behind the window in which a departure was told last

    @property
    def away(self) -> bool:
        """Say whether any feature has left."""
        return self.accused.count(STAYS) < len(self.accused)

    @classmethod
    def start(cls, dictionary: Dictionary) -> Self:
        """Return those of whom nothing has been seen."""
        zero, features = np.zeros(len(dictionary.offsets), np.int64), len(dictionary.names)
        return cls(dictionary, zero, zero, (STAYS,) * features, (0,) * features)

    def observe(
        self, start_row: int, window: Profile, policy: Thresholds, evidence: Ints | None = None
    ) -> tuple[Departures, DriftFinding]:
        """Take the window of rows that begins at *start_row*; the verdict is alarm where features leave in it.

        Those that are part of what was told leave with an onset, and no alarm. *evidence* is that of its counts,
        (1, alternatives), where the dictionary was asked for it already.
        """
        end = start_row + window.rows
        if not len(self.sums) or not window.rows:  # of seasons that nobody knows there are no rows to be shown
            return self, DriftFinding(verdict="none", log_evidence=0.0, onset_row=-1, row=end)
        (gained,) = self.dictionary.evidence([window.counts]) if evidence is None else evidence
        after = _added(_returned(self, gained, window.rows, policy), start_row, gained)
        (log_e,) = log_mean_exps(after.sums[None], self.dictionary.priors[None], [len(after.sums)])
        if log_e < math.log(policy.false_alarm_windows):
            return after, DriftFinding(verdict="none", log_evidence=log_e, onset_row=-1, row=end)
        return _told(after, end, log_e, window, policy)

    def to_json(self) -> dict[str, Any]:
        """Return the state without the tables, for canonical bytes."""
        return {
            "sums": self.sums.tolist(), "since": self.since.tolist(), "accused": list(self.accused),
            "reverse": list(self.reverse), "told_row": self.told_row,
        }  # fmt: skip

    def restored(self, state: dict[str, Any]) -> Departures:
        """Return departures with these tables and the state that `to_json` gave."""
        sums, since = (np.array(state[name], np.int64) for name in ("sums", "since"))
        accused, reverse = (tuple(state[name]) for name in ("accused", "reverse"))
        return Departures(self.dictionary, sums, since, accused, reverse, state["told_row"])


def judge(inputs: dict[str, Any], policy: Thresholds, rule: int) -> DriftFinding:
    """Take the recorded window and return what it taught; *inputs* as those of `detector.judge`."""
    reference = compared(inputs, policy)
    seasons = wanted(inputs.get("seasons"), policy, reference)
    (window,) = inputs["windows"]
    before = Departures.start(dictionary_of(reference, policy, rule, seasons)).restored(inputs["state"])
    return before.observe(window["start_row"], shown(window, seasons), policy)[1]


def _returned(before: Departures, gained: Ints, rows: int, policy: Thresholds) -> Departures:
    """Ask about the return of what has left: a CUSUM, since it may begin in any window, with all the time."""
    if not before.away:
        return before
    enough, offsets = math.log(policy.false_alarm_windows) * NATS, before.dictionary.offsets
    accused, reverse = list(before.accused), list(before.reverse)
    for k, alternative in enumerate(before.accused):
        if alternative != STAYS:
            reverse[k] = max(reverse[k], 0) - int(gained[alternative]) - rows * int(offsets[alternative])
            accused[k] = STAYS if reverse[k] >= enough else alternative
    return replace(before, accused=tuple(accused), reverse=tuple(reverse))


def _added(before: Departures, start_row: int, gained: Ints) -> Departures:
    since = np.where(before.sums <= 0, start_row, before.since)
    sums = np.where(_watched(before), np.maximum(before.sums, 0) + gained, 0)
    return replace(before, sums=sums, since=since)


def _watched(before: Departures) -> Any:  # noqa: ANN401 - an array of truths
    """Say of each alternative whether its feature is watched: an input that has not left."""
    features = before.dictionary.reference.features
    each = [a == STAYS and one.name != OUTPUT for a, one in zip(before.accused, features, strict=True)]
    return np.array(each, bool)[before.dictionary.places]


def _told(
    before: Departures, end: int, log_e: float, window: Profile, policy: Thresholds
) -> tuple[Departures, DriftFinding]:
    """Name what has evidence enough of its own, and be silent about it from now on; tell it if it is another change."""
    dictionary, enough = before.dictionary, math.log(policy.false_alarm_windows)
    by_feature = dictionary.log_evidence(before.sums)
    named = [k for k, e in enumerate(by_feature) if e >= enough] or [by_feature.index(max(by_feature))]
    onset = int(before.since[int(np.argmax(before.sums))])
    features, after = dictionary.features(named, by_feature, before.sums, window.counts), _left(before, named)
    if onset < before.told_row:
        return after, DriftFinding(verdict="none", log_evidence=log_e, onset_row=onset, row=end)
    finding = DriftFinding(verdict="alarm", log_evidence=log_e, onset_row=onset, row=end, features=features)
    return replace(after, told_row=end), finding


def _left(before: Departures, named: list[int]) -> Departures:
    place = before.dictionary.places
    accused, reverse, sums = list(before.accused), list(before.reverse), before.sums.copy()
    for k in named:
        accused[k] = before.dictionary.modest(np.where(place == k, before.sums, NEVER))
        reverse[k] = 0
        sums[place == k] = 0
    return replace(before, sums=sums, accused=tuple(accused), reverse=tuple(reverse))
