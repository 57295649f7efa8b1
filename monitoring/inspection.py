"""Inspects the data of each window: what its counts on bins tell, what its facts tell that no bin holds, and rules.

All that is watched shares one threshold, so that a false alarm of any kind comes as rarely as the policy says; absurd
values, whose limits must hold for the longest of tails, may have as many again. Where the reference has no habits, or
the policy looks for nothing that needs them, counts alone are judged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, Self

import numpy as np

from monitoring.absurd import Absurd, AbsurdWatch, Patient
from monitoring.facts import ABSURD, CODES, LEVELED, Facts
from monitoring.habits import Habits
from monitoring.profile import Profile
from monitoring.quality import QualityFinding, QualityWatch
from monitoring.reference import Feature, Floats, Ints, Reference
from monitoring.resent import RESENT
from monitoring.rules import RULE, Ruled, tolerated
from monitoring.sentinels import Sentinel, SentinelWatch
from monitoring.shares import Counted, Share, ShareWatch
from monitoring.streams import ROW
from monitoring.units import Converted, UnitWatch

AGAIN = (ROW, RESENT)  #: whole rows, and the kind of fault that it is to send them again


class Wanted(Patient, Ruled, Protocol):
    """What a policy says about quality, and which faults it looks for beyond those that counts tell."""

    @property
    def looks_for(self) -> tuple[str, ...]:
        """Kinds of faults, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What is known of a window of rows: `facts` where some are judged, `broken` of each rule, rows that came again."""

    start_row: int
    profile: Profile
    repeats: int
    facts: Facts | None = None
    broken: tuple[Counted, ...] = ()
    resent: int | None = None

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Read a window as evidence holds it."""
        return cls(
            start_row=data["start_row"], profile=Profile.from_json(data["profile"]), repeats=data["repeats"],
            facts=Facts.from_json(data["facts"]) if "facts" in data else None,
            broken=broken_in(data), resent=data.get("resent"),
        )  # fmt: skip


def broken_in(data: dict[str, Any]) -> tuple[Counted, ...]:
    """Read how many rows broke each rule, of which it could be said; none where there are no rules."""
    return tuple((int(bad), int(known)) for bad, known in data.get("rules", ()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """The state of what is watched; `observe` returns its next self."""

    reference: Reference
    habits: Habits | None
    counts: QualityWatch
    codes: SentinelWatch | None
    units: UnitWatch | None
    absurd: AbsurdWatch | None
    shares: ShareWatch | None
    named: tuple[tuple[str, str], ...]  #: feature and kind of each of the shares

    @classmethod
    def start(
        cls, reference: Reference, habits: Habits | None, policy: Wanted, broken: Sequence[Counted] | None = None
    ) -> Self:
        """Return the inspection that has seen nothing; rules are judged where *broken* tells what the reference did."""
        wanted = policy.looks_for if habits else ()
        measured = len(habits.columns) if habits else 0
        limits = _limits(habits if RESENT in wanted else None, policy, broken or ())
        further = sum(kind in wanted for kind in (CODES, LEVELED)) * measured + len(limits)
        counts = QualityWatch.start(reference, policy, further)
        others = len(counts.table.each) + further
        codes = SentinelWatch.start(habits.repeating, policy, others - measured) if habits and CODES in wanted else None
        units = UnitWatch.start(habits.bands, policy, others - measured) if habits and LEVELED in wanted else None
        absurd = AbsurdWatch.start(habits.tails, habits.window, policy) if habits and ABSURD in wanted else None
        shares = ShareWatch.start([*limits.values()], policy.false_alarm_windows, others - len(limits))
        return cls(
            reference=reference, habits=habits if wanted else None, counts=counts, codes=codes, units=units,
            absurd=absurd, shares=shares if limits else None, named=tuple(limits),
        )  # fmt: skip

    def facts(self, rows: Floats, numbers: Ints | None = None) -> Facts | None:
        """Return the facts of *rows* (n, features) that are judged here; None where counts alone are.

        Where *numbers* (n,) are given they are what the model calls its rows.
        """
        judged = [kind for kind, watch in ((CODES, self.codes), (LEVELED, self.units)) if watch]
        limits = self.absurd.limits if self.absurd else None
        return self.habits.facts(rows, judged, limits, numbers) if self.habits else None

    def observe(self, seen: Seen) -> tuple[Inspection, tuple[QualityFinding, ...]]:
        """Take a window; give what stands above the threshold, loudest first."""
        counts, found = self.counts.observe(seen.start_row, seen.profile, seen.repeats)
        told, by_facts = self._by_facts(seen, seen.facts) if seen.facts else (self, [])
        shares, too_many = self.shares.observe(seen.start_row, self._counted(seen)) if self.shares else (None, ())
        end = seen.start_row + seen.profile.rows
        each = [*found, *by_facts, *(self._shared(one, end) for one in too_many)]
        ordered = sorted(each, key=lambda one: (-one.log_evidence, one.feature, one.kind))
        return replace(told, counts=counts, shares=shares), tuple(ordered)

    def _counted(self, seen: Seen) -> list[Counted]:
        """Return what was counted of each of the shares."""
        again = (0, 0) if seen.resent is None else (seen.resent, seen.profile.rows)
        return [*(seen.broken if any(kind == RULE for _, kind in self.named) else ()), *[again] * (AGAIN in self.named)]

    def _by_facts(self, seen: Seen, facts: Facts) -> tuple[Inspection, list[QualityFinding]]:
        codes, sentinels = self.codes.observe(seen.start_row, facts) if self.codes else (None, ())
        units, converted = self.units.observe(seen.start_row, facts) if self.units else (None, ())
        absurd, astray = self.absurd.observe(facts) if self.absurd else (None, ())
        end, levels = seen.start_row + seen.profile.rows, facts.levels
        found = [
            *(self._valued(one, CODES, [one.value], _code(one), end) for one in sentinels),
            *(self._valued(one, LEVELED, levels[one.feature], one.conversion.name, end) for one in converted),
            *(self._astray(one, end) for one in astray),
        ]
        return replace(self, codes=codes, units=units, absurd=absurd), found

    def _shared(self, one: Share, end: int) -> QualityFinding:
        feature, kind = self.named[one.stream]
        return QualityFinding(
            feature=feature, kind=kind, share=one.share, tolerated=one.tolerated,
            log_evidence=one.log_evidence, onset_row=one.onset_row, row=end, slots=(),
        )  # fmt: skip

    def _valued(
        self, one: Sentinel | Converted, kind: str, values: Sequence[float], told: str, end: int
    ) -> QualityFinding:
        feature = self._feature(one.feature)
        return QualityFinding(
            feature=feature.name, kind=kind, share=one.share, tolerated=one.tolerated,
            log_evidence=one.log_evidence, onset_row=one.onset_row, row=end,
            slots=tuple(np.unique(feature.place(np.array(values))).tolist()), told=told,
        )  # fmt: skip

    def _astray(self, one: Absurd, end: int) -> QualityFinding:
        return QualityFinding(
            feature=self._feature(one.feature).name, kind=ABSURD, share=one.share, tolerated=0.0,
            log_evidence=one.log_evidence, onset_row=one.onset_row, row=end,
            slots=one.slots, told=one.told, rows=one.numbers,
        )  # fmt: skip

    def _feature(self, k: int) -> Feature:
        """Return the feature that is the one at place *k* of those that are measured."""
        assert self.habits is not None  # noqa: S101 - nothing is found without
        return self.reference.features[self.habits.columns[k]]

    def to_json(self) -> dict[str, Any]:
        """Return the state, for canonical bytes: where counts alone are judged, in the form of theirs."""
        if self.habits is None and self.shares is None:
            return self.counts.to_json()
        return {
            "counts": self.counts.to_json(),
            "codes": self.codes.to_json() if self.codes else None,
            "units": self.units.to_json() if self.units else None,
            "absurd": self.absurd.to_json() if self.absurd else None,
            "shares": self.shares.to_json() if self.shares else None,
        }

    def anew(self) -> dict[str, Any] | None:
        """Return the state that suspects what this one does, and has evidence of nothing; None where nothing can be."""
        if self.habits is None and self.shares is None:
            return None
        return {
            "counts": None,
            "codes": self.codes.anew().to_json() if self.codes else None,
            "units": self.units.anew().to_json() if self.units else None,
            "absurd": self.absurd.anew().to_json() if self.absurd else None,
            "shares": self.shares.anew().to_json() if self.shares else None,
        }

    def restored(self, state: dict[str, Any]) -> Inspection:
        """Return an inspection of these habits in the state that `to_json` or `anew` gave."""
        counts = self.counts if state["counts"] is None else self.counts.restored(state["counts"])
        codes = self.codes.restored(state["codes"]) if self.codes and state["codes"] else self.codes
        units = self.units.restored(state["units"]) if self.units and state["units"] else self.units
        absurd = self.absurd.restored(state["absurd"]) if self.absurd and state["absurd"] else self.absurd
        shares = self.shares.restored(state["shares"]) if self.shares and state["shares"] else self.shares
        return replace(self, counts=counts, codes=codes, units=units, absurd=absurd, shares=shares)


def _limits(habits: Habits | None, policy: Wanted, broken: Sequence[Counted]) -> dict[tuple[str, str], float]:
    """Return the tolerated share by feature and kind: of each rule of which *broken* tells, and of rows sent again."""
    ruled = policy.rules if len(broken) == len(policy.rules) else ()
    rates = tolerated(broken, policy) if ruled else []
    found = {(f"{RULE}:{one.name}", RULE): rate for one, rate in zip(ruled, rates, strict=True)}
    if habits:
        found[AGAIN] = max(policy.extra_ratio * habits.resent, habits.resent + policy.extra_share)
    return found


def _code(one: Sentinel) -> str:
    return f"{one.value:.12g} in {one.share:.0%} of rows"


def judge(inputs: dict[str, Any], policy: Wanted) -> tuple[QualityFinding, ...]:
    """Fold the recorded windows and return what stands after the last one.

    *inputs* holds `reference`, `habits` and `rules` where there are some, `windows` and, if folding does not begin with
    nothing, the `state` before.
    """
    habits = Habits.from_json(inputs["habits"]) if inputs.get("habits") else None
    watch = Inspection.start(Reference.from_json(inputs["reference"]), habits, policy, broken_in(inputs))
    if inputs.get("state") is not None:
        watch = watch.restored(inputs["state"])
    found: tuple[QualityFinding, ...] = ()
    for each in inputs["windows"]:
        watch, found = watch.observe(Seen.from_json(each))
    return found
