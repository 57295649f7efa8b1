"""Inspects the data of each window: what its counts on bins tell, what its facts tell that no bin holds, and rules.

All that is watched shares one threshold, so that a false alarm of any kind comes as rarely as the policy says; absurd
values, whose limits must hold for the longest of tails, may have as many again. Where the reference has no habits, or
the policy looks for nothing that needs them, counts alone are judged.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol, Self

from monitoring.drift.suspicions import Suspicion
from monitoring.profiles.reference import Floats, Ints, Reference
from monitoring.profiles.tails import Limits
from monitoring.quality.absurd import AbsurdWatch, Patient
from monitoring.quality.clock import CLOCK, Rhythm
from monitoring.quality.facts import ABSURD, CODES, LEVELED, Facts
from monitoring.quality.faults import QualityFinding, QualityWatch
from monitoring.quality.frozen import FrozenWatch
from monitoring.quality.habits import Habits
from monitoring.quality.labels import LABELS, Labelling
from monitoring.quality.lookouts import (
    AGAIN,
    AbsurdLookout,
    ClockLookout,
    CodeLookout,
    FrozenLookout,
    LabelLookout,
    Lookout,
    ShareLookout,
    UnitLookout,
)
from monitoring.quality.resent import RESENT
from monitoring.quality.rules import RULE, Ruled, tolerated
from monitoring.quality.seen import Before, Seen
from monitoring.quality.sentinels import SentinelWatch
from monitoring.quality.shares import ShareWatch
from monitoring.quality.stillness import Stillness
from monitoring.quality.units import UnitWatch

BESIDE = ("codes", "units", "absurd", "shares")  #: what a state tells of beside counts, watched or not
CLOCKED = 3  #: streams of times: those that stand still, that lie behind, and that leave a gap
NOTHING = Before()


class Wanted(Patient, Ruled, Protocol):
    """What a policy says about quality, and which faults it looks for beyond those that counts tell."""

    @property
    def looks_for(self) -> tuple[str, ...]:
        """Kinds of faults, by name."""

    @property
    def entity(self) -> str:
        """The feature that says whose a row is, as one sensor of many; none where it is empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """The state of what is watched; `observe` returns its next self."""

    habits: Habits | None
    counts: QualityWatch
    beside: Mapping[str, Lookout[Any]]  #: what is watched beside counts, by the name of its state
    judged: tuple[str, ...]  #: kinds of faults that need facts of values
    limits: Limits | None  #: beyond which a value is absurd, where that is looked for
    again: bool  #: whether rows that come again are looked for

    @classmethod
    def start(cls, reference: Reference, habits: Habits | None, policy: Wanted, before: Before = NOTHING) -> Self:
        """Return the inspection that has seen nothing; what *before* does not tell of the reference is not judged."""
        wanted = policy.looks_for if habits else ()
        judged = tuple(kind for kind in (CODES, LEVELED) if kind in wanted)
        asked = _Asked.of(habits if RESENT in wanted else None, policy, before)
        further = len(judged) * (len(habits.columns) if habits else 0) + asked.streams
        counts = QualityWatch.start(reference, policy, further)
        streams = len(counts.table.each) + further
        beside = _of_values(reference, habits, policy, streams) if habits else dict[str, Lookout[Any]]()
        beside |= asked.lookouts(reference, policy, streams)
        absurd = beside.get("absurd")
        return cls(
            habits=habits if wanted else None, counts=counts, beside=beside, judged=judged,
            limits=absurd.watch.limits if absurd else None, again=AGAIN in asked.shares,
        )  # fmt: skip

    @property
    def frozen(self) -> dict[int, int]:
        """Rows from which on a run of one value is frozen, by feature; none where that is not looked for."""
        return self.beside["frozen"].watch.limits if "frozen" in self.beside else {}

    def facts(self, rows: Floats, numbers: Ints | None = None) -> Facts | None:
        """Return the facts of *rows* (n, features) that are judged here; None where counts alone are.

        Where *numbers* (n,) are given they are what the model calls its rows.
        """
        return self.habits.facts(rows, self.judged, self.limits, numbers) if self.habits else None

    def observe(self, seen: Seen) -> tuple[Inspection, tuple[QualityFinding, ...]]:
        """Take a window; give what stands above the threshold, loudest first."""
        counts, by_counts = self.counts.observe(seen.start_row, seen.profile, seen.repeats)
        moved, found = dict[str, Lookout[Any]](), [*by_counts]
        for name, lookout in self.beside.items():
            moved[name], more = lookout.observe(seen)
            found += more
        ordered = sorted(found, key=lambda one: (-one.log_evidence, one.feature, one.kind))
        return replace(self, counts=counts, beside=moved), tuple(ordered)

    def to_json(self) -> dict[str, Any]:
        """Return the state, for canonical bytes: where counts alone are judged, in the form of theirs."""
        if self._counts_alone:
            return self.counts.to_json()
        states = {name: lookout.to_json() for name, lookout in self.beside.items()}
        return {"counts": self.counts.to_json(), **dict.fromkeys(BESIDE), **states}

    def anew(self) -> dict[str, Any] | None:
        """Return the state that suspects what this one does, and has evidence of nothing; None where nothing can be."""
        if self._counts_alone:
            return None
        states = {name: lookout.anew().to_json() for name, lookout in self.beside.items()}
        return {"counts": None, **dict.fromkeys(BESIDE), **states}

    def restored(self, state: dict[str, Any]) -> Inspection:
        """Return an inspection of these habits in the state that `to_json` or `anew` gave."""
        counts = self.counts if state["counts"] is None else self.counts.restored(state["counts"])
        beside = {name: one.restored(state[name]) if state.get(name) else one for name, one in self.beside.items()}
        return replace(self, counts=counts, beside=beside)

    @property
    def _counts_alone(self) -> bool:
        return self.habits is None and not self.beside


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is looked for beside values: as far as the policy asks for it, and *before* tells how the reference was."""

    shares: dict[tuple[str, str], float]  #: tolerated, by feature and kind
    dispersion: tuple[float, ...]  #: of each of them; none where all rows are taken for independent
    still: tuple[Stillness, ...]
    labelling: Labelling | None
    labels: tuple[Suspicion | None, ...]
    rhythm: Rhythm | None

    @classmethod
    def of(cls, habits: Habits | None, policy: Wanted, before: Before) -> Self:
        """Ask for rows sent again where there are *habits*, and for all else by the policy."""
        labelling = before.labelling if LABELS in policy.looks_for else None
        shares = _tolerated(habits, policy, before)
        clumped = len(before.dispersion) == len(policy.rules) == len(before.broken) > 0
        return cls(
            shares=shares,
            dispersion=(*before.dispersion, *[1.0] * (AGAIN in shares)) if clumped else (),
            still=before.still if policy.entity else (),
            labelling=labelling,
            labels=tuple(labelling.streams(policy)) if labelling else (),
            rhythm=before.rhythm if CLOCK in policy.looks_for else None,
        )

    @property
    def streams(self) -> int:
        """How many streams share the threshold for it."""
        labels = sum(one is not None for one in self.labels)
        return len(self.shares) + len(self.still) + labels + CLOCKED * (self.rhythm is not None)

    def lookouts(self, reference: Reference, policy: Wanted, streams: int) -> dict[str, Lookout[Any]]:
        """Begin to look; all kinds together have so many *streams*."""
        found, patience = dict[str, Lookout[Any]](), policy.false_alarm_windows
        threshold = math.log(patience * max(streams, 1))
        if self.shares:
            beside = streams - len(self.shares)
            watch = ShareWatch.start([*self.shares.values()], patience, beside, self.dispersion)
            found["shares"] = ShareLookout(watch, tuple(self.shares))
        if self.still:
            frozen = FrozenWatch.start(self.still, policy, streams - len(self.still))
            found["frozen"] = FrozenLookout(frozen, reference.features, policy.entity)
        if self.labelling:
            found["labels"] = LabelLookout(ShareWatch(threshold=threshold, streams=self.labels), self.labelling.names)
        if self.rhythm:
            ticking = ShareWatch.start(self.rhythm.tolerated(policy), patience, streams - CLOCKED + 1)
            found["clock"] = ClockLookout(ticking, self.rhythm, threshold)
        return found


def _of_values(reference: Reference, habits: Habits, policy: Wanted, streams: int) -> dict[str, Lookout[Any]]:
    """Begin to look at the values of measured features; all kinds together have so many *streams*."""
    features = tuple(reference.features[k] for k in habits.columns)
    found, others = dict[str, Lookout[Any]](), streams - len(features)
    if CODES in policy.looks_for:
        found["codes"] = CodeLookout(SentinelWatch.start(habits.repeating, policy, others), features)
    if LEVELED in policy.looks_for:
        found["units"] = UnitLookout(UnitWatch.start(habits.bands, policy, others), features)
    if ABSURD in policy.looks_for:
        found["absurd"] = AbsurdLookout(AbsurdWatch.start(habits.tails, habits.window, policy), features)
    return found


def _tolerated(habits: Habits | None, policy: Wanted, before: Before) -> dict[tuple[str, str], float]:
    """Return the tolerated share by feature and kind: of each rule of which *before* tells, and of rows sent again."""
    ruled = policy.rules if len(before.broken) == len(policy.rules) else ()
    rates = tolerated(before.broken, policy) if ruled else []
    found = {(f"{RULE}:{one.name}", RULE): rate for one, rate in zip(ruled, rates, strict=True)}
    if habits:
        found[AGAIN] = max(policy.extra_ratio * habits.resent, habits.resent + policy.extra_share)
    return found


def judge(inputs: dict[str, Any], policy: Wanted) -> tuple[QualityFinding, ...]:
    """Fold the recorded windows and return what stands after the last one.

    *inputs* holds `reference`, `habits` and what `Before` tells where there is some, `windows` and, if folding does not
    begin with nothing, the `state` before.
    """
    habits = Habits.from_json(inputs["habits"]) if inputs.get("habits") else None
    watch = Inspection.start(Reference.from_json(inputs["reference"]), habits, policy, Before.from_json(inputs))
    if inputs.get("state") is not None:
        watch = watch.restored(inputs["state"])
    found: tuple[QualityFinding, ...] = ()
    for each in inputs["windows"]:
        watch, found = watch.observe(Seen.from_json(each))
    return found
