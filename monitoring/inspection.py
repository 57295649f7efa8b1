"""Inspects the data of each window: what its counts on bins tell, and what its facts tell that no bin holds.

All that is watched shares one threshold, so that a false alarm of any kind comes as rarely as the policy says. Where
the reference has no habits, or the policy looks for nothing that needs them, counts alone are judged.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Protocol, Self

import numpy as np

from monitoring.facts import Facts
from monitoring.habits import Habits
from monitoring.profile import Profile
from monitoring.quality import QualityFinding, QualityWatch
from monitoring.reference import Reference
from monitoring.sentinels import Sentinel, SentinelWatch
from monitoring.streams import Thresholds


class Wanted(Thresholds, Protocol):
    """What a policy says about quality, and which faults it looks for beyond those that counts tell."""

    @property
    def looks_for(self) -> tuple[str, ...]:
        """Kinds of faults, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What is known of a window of rows; without `facts` where none are judged."""

    start_row: int
    profile: Profile
    repeats: int
    facts: Facts | None = None

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Read a window as evidence holds it."""
        found = Facts.from_json(data["facts"]) if "facts" in data else None
        known = Profile.from_json(data["profile"])
        return cls(start_row=data["start_row"], profile=known, repeats=data["repeats"], facts=found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """The state of what is watched; `observe` returns its next self."""

    reference: Reference
    habits: Habits | None
    counts: QualityWatch
    codes: SentinelWatch | None

    @classmethod
    def start(cls, reference: Reference, habits: Habits | None, policy: Wanted) -> Self:
        """Return the inspection that has seen nothing."""
        if habits is None or "sentinel" not in policy.looks_for:
            return cls(reference=reference, habits=None, counts=QualityWatch.start(reference, policy), codes=None)
        counts = QualityWatch.start(reference, policy, len(habits.repeating))
        codes = SentinelWatch.start(habits.repeating, policy, len(counts.table.each))
        return cls(reference=reference, habits=habits, counts=counts, codes=codes)

    def observe(self, seen: Seen) -> tuple[Inspection, tuple[QualityFinding, ...]]:
        """Take a window; give what stands above the threshold, loudest first."""
        counts, found = self.counts.observe(seen.start_row, seen.profile, seen.repeats)
        if self.codes is None or seen.facts is None:
            return replace(self, counts=counts), found
        codes, sentinels = self.codes.observe(seen.start_row, seen.facts)
        named = [self._told(one, seen.start_row + seen.profile.rows) for one in sentinels]
        ordered = sorted([*found, *named], key=lambda one: (-one.log_evidence, one.feature, one.kind))
        return replace(self, counts=counts, codes=codes), tuple(ordered)

    def _told(self, one: Sentinel, end: int) -> QualityFinding:
        assert self.habits is not None  # noqa: S101 - there are no codes without
        feature = self.reference.features[self.habits.columns[one.feature]]
        slot = int(feature.place(np.array([one.value]))[0])
        return QualityFinding(
            feature=feature.name, kind="sentinel", share=one.share, tolerated=one.tolerated,
            log_evidence=one.log_evidence, onset_row=one.onset_row, row=end, slots=(slot,),
            told=f"{one.value:.12g} in {one.share:.0%} of rows",
        )  # fmt: skip

    def to_json(self) -> dict[str, Any]:
        """Return the state, for canonical bytes: where counts alone are judged, in the form of theirs."""
        if self.codes is None:
            return self.counts.to_json()
        return {"counts": self.counts.to_json(), "codes": self.codes.to_json()}

    def anew(self) -> dict[str, Any] | None:
        """Return the state that suspects what this one does, and has evidence of nothing; None where nothing can be."""
        return None if self.codes is None else {"counts": None, "codes": self.codes.anew().to_json()}

    def restored(self, state: dict[str, Any]) -> Inspection:
        """Return an inspection of these habits in the state that `to_json` or `anew` gave."""
        assert self.codes is not None  # noqa: S101 - a state of this form has codes
        counts = self.counts if state["counts"] is None else self.counts.restored(state["counts"])
        return replace(self, counts=counts, codes=self.codes.restored(state["codes"]))


def judge(inputs: dict[str, Any], policy: Wanted) -> tuple[QualityFinding, ...]:
    """Fold the recorded windows and return what stands after the last one.

    *inputs* holds `reference`, `habits`, `windows` and, if folding does not begin with nothing, the `state` before.
    """
    watch = Inspection.start(Reference.from_json(inputs["reference"]), Habits.from_json(inputs["habits"]), policy)
    if inputs.get("state") is not None:
        watch = watch.restored(inputs["state"])
    found: tuple[QualityFinding, ...] = ()
    for each in inputs["windows"]:
        watch, found = watch.observe(Seen.from_json(each))
    return found
