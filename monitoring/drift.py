"""Tells whether inputs or outputs drift: an e-detector over a dictionary of alternatives per feature.

Alarm: the weighted mean of exp(CUSUM) over all alternatives reaches c, so that at least c windows pass on average
before a false one (Shin, Ramdas and Rinaldo 2023, arXiv 2203.03532). After the alarm, fresh e-processes ask both ways:
does it persist, or did it come back? Only windows after the alarm count there.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, Protocol, Self

import numpy as np

from monitoring.alternatives import NATS, RULE
from monitoring.dictionary import Dictionary
from monitoring.effects import effects
from monitoring.evidence import e_bh, log_mean_exp
from monitoring.profile import Profile
from monitoring.projections import Projections
from monitoring.reference import Ints, Reference

Phase = Literal["watching", "suspect", "confirmed"]
Verdict = Literal["none", "alarm", "confirmed", "cleared"]


class Thresholds(Protocol):
    """What a policy says about drift."""

    @property
    def false_alarm_windows(self) -> float:
        """Windows that pass on average before a false alarm, at least."""

    @property
    def tolerance(self) -> float:
        """The change in total variation that does not matter."""

    @property
    def confirm(self) -> float:
        """The e-value on windows after the alarm that confirms it."""

    @property
    def clear(self) -> float:
        """Windows of a drift that lasts which pass on average before it is cleared in error, at least."""

    @property
    def persistence(self) -> int:
        """How many of the last `of` windows after the alarm must speak for drift."""

    @property
    def of(self) -> int:
        """How many windows `persistence` looks back on."""

    @property
    def fdr(self) -> float:
        """The false discovery rate of the features that are named."""

    @property
    def projections(self) -> int:
        """How many projections of features are watched like features."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftThresholds:
    """Thresholds that need no tuning."""

    false_alarm_windows: float = 1000.0
    tolerance: float = 0.005
    confirm: float = 100.0
    clear: float = 20.0
    persistence: int = 3
    of: int = 5
    fdr: float = 0.05
    projections: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftFinding:
    """What one window taught: a verdict, its evidence in nats, the first drifted row, and the features.

    Each feature has `name`, `change` (the alternative that fits best), `log_evidence`, `psi`, `js`, `ks`.
    """

    verdict: Verdict
    log_evidence: float
    onset_row: int
    row: int  #: the first row after the window
    features: tuple[dict[str, Any], ...] = ()

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
    def start(cls, reference: Reference, policy: Thresholds, rule: int = RULE) -> Self:
        """Return the watch that has seen nothing."""
        dictionary = Dictionary.of(reference, policy.tolerance, rule)
        zero = np.zeros(len(dictionary.offsets), np.int64)
        return cls(dictionary, zero, zero)

    def observe(self, start_row: int, window: Profile, policy: Thresholds) -> tuple[DriftWatch, DriftFinding]:
        """Take the window of rows that begins at *start_row*, and say what it taught."""
        gained = self.dictionary.evidence(window)
        if not len(gained):
            return self, DriftFinding(verdict="none", log_evidence=0.0, onset_row=-1, row=start_row + window.rows)
        if self.phase == "watching":
            return self._watch(start_row, window, gained, policy)
        return self._judge(start_row, window, gained, policy)

    def _watch(
        self,
        start_row: int,
        window: Profile,
        gained: Ints,
        policy: Thresholds,
    ) -> tuple[DriftWatch, DriftFinding]:
        since = np.where(self.sums <= 0, start_row, self.since)
        sums = np.maximum(self.sums, 0) + gained
        weighed = sums + self.dictionary.priors
        log_e = log_mean_exp(weighed.tolist())
        if log_e < math.log(policy.false_alarm_windows):
            return replace(self, sums=sums, since=since), self._finding("none", log_e, -1, start_row, window)
        onset = int(since[int(np.argmax(sums))])
        by_feature = [log_mean_exp(part) for part in self.dictionary.per_feature(weighed)]
        named = [k for k, e in enumerate(by_feature) if e >= math.log(policy.false_alarm_windows)]
        features = self._features(named, by_feature, sums, window)
        watch = replace(
            self,
            sums=np.zeros_like(sums),
            since=since,
            phase="suspect",
            accused=self.dictionary.modest(sums),
            onset_row=onset,
            reverse=0,
            recent=(),
        )
        return watch, self._finding("alarm", log_e, onset, start_row, window, features)

    def _judge(
        self,
        start_row: int,
        window: Profile,
        gained: Ints,
        policy: Thresholds,
    ) -> tuple[DriftWatch, DriftFinding]:
        # No window counts for more than its part of the confirmation, so that a blip which outlives its alarm by a
        # window does not confirm itself. Less evidence than there was keeps the e-process valid.
        most = round(math.log(policy.confirm * len(gained)) / policy.persistence * NATS)
        sums = self.sums + np.minimum(gained, most)
        back = -int(gained[self.accused]) - window.rows * int(self.dictionary.offsets[self.accused])
        reverse = max(self.reverse, 0) + back
        recent = (*self.recent, bool(gained[self.accused] > 0))[-policy.of :]
        watch = replace(self, sums=sums, reverse=reverse, recent=recent)
        weighed = sums + self.dictionary.priors
        log_e = log_mean_exp(weighed.tolist())
        # Coming back may begin at any window, hence a CUSUM; once confirmed, it has all the time, hence more of it.
        enough = policy.false_alarm_windows if self.phase == "confirmed" else policy.clear
        if reverse >= math.log(enough) * NATS:
            zero = np.zeros_like(sums)
            fresh = DriftWatch(self.dictionary, zero, zero)
            return fresh, self._finding("cleared", round(reverse / NATS, 6), self.onset_row, start_row, window)
        lasting = sum(recent) >= policy.persistence and log_e >= math.log(policy.confirm)
        if self.phase == "confirmed" or not lasting:
            return watch, self._finding("none", log_e, self.onset_row, start_row, window)
        by_feature = [log_mean_exp(part) for part in self.dictionary.per_feature(weighed)]
        features = self._features(e_bh(by_feature, policy.fdr), by_feature, sums, window)
        confirmed = replace(watch, phase="confirmed", reverse=0)
        return confirmed, self._finding("confirmed", log_e, self.onset_row, start_row, window, features)

    def _features(
        self,
        named: list[int],
        by_feature: list[float],
        sums: Ints,
        window: Profile,
    ) -> tuple[dict[str, Any], ...]:
        parts, starts = self.dictionary.per_feature(sums), self.dictionary.reference.starts
        features = self.dictionary.reference.features
        return tuple(
            {
                "name": features[k].name,
                "change": self.dictionary.names[k][parts[k].index(max(parts[k]))],
                "log_evidence": by_feature[k],
                **effects(features[k], window.counts[starts[k] : starts[k + 1]].tolist()),
            }
            for k in sorted(named, key=lambda k: (-by_feature[k], k))
        )

    @staticmethod
    def _finding(
        verdict: Verdict,
        log_e: float,
        onset: int,
        start: int,
        window: Profile,
        features: tuple[dict[str, Any], ...] = (),
    ) -> DriftFinding:
        end = start + window.rows
        return DriftFinding(verdict=verdict, log_evidence=log_e, onset_row=onset, row=end, features=features)

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
            self.dictionary,
            np.array(state["sums"], np.int64),
            np.array(state["since"], np.int64),
            state["phase"],
            state["accused"],
            state["onset_row"],
            state["reverse"],
            tuple(state["recent"]),
        )


def judge(inputs: dict[str, Any], policy: Thresholds, rule: int = RULE) -> DriftFinding:
    """Fold the recorded windows and return what the last one taught.

    *inputs* holds `reference`, `windows` (each `start_row` and `profile`) and, if folding does not begin with
    nothing, the `state` before the first window. Where projections are watched, it holds those of the reference as
    `projections`, and so does each window.
    """
    watch = DriftWatch.start(compared(inputs, policy), policy, rule)
    if inputs.get("state") is not None:
        watch = watch.restored(inputs["state"])
    finding = DriftFinding(verdict="none", log_evidence=0.0, onset_row=-1, row=-1)
    for each in inputs["windows"]:
        beside = Profile.from_json(each["projections"]) if "projections" in each else None
        watch, finding = watch.observe(each["start_row"], Profile.from_json(each["profile"]).beside(beside), policy)
    return finding


def compared(inputs: dict[str, Any], policy: Thresholds) -> Reference:
    """Return what windows are compared with: the recorded reference, and the projections of it that are watched."""
    projections = Projections.from_json(inputs.get("projections")).first(policy.projections)
    return projections.joined(Reference.from_json(inputs["reference"]))
