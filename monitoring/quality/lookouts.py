"""Lookouts: what is watched of the data beside counts, each kind by a watch of its own whose findings it names."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, Generic, Protocol, Self, TypeVar

import numpy as np

from monitoring.drift.streams import ROW
from monitoring.profiles.reference import LABEL, Feature
from monitoring.quality.absurd import Absurd, AbsurdWatch
from monitoring.quality.clock import BEHIND, GAP, STILL, TIME, Rhythm, Ticks
from monitoring.quality.facts import ABSURD, CODES, LEVELED
from monitoring.quality.faults import QualityFinding
from monitoring.quality.frozen import FROZEN, FrozenWatch
from monitoring.quality.labels import LABEL_CLASS, LABELS, Labelled
from monitoring.quality.resent import RESENT
from monitoring.quality.rules import RULE
from monitoring.quality.seen import Seen
from monitoring.quality.sentinels import Sentinel, SentinelWatch
from monitoring.quality.shares import Counted, Share, ShareWatch
from monitoring.quality.units import Converted, UnitWatch

AGAIN = (ROW, RESENT)  #: whole rows, and the kind of fault that it is to send them again
SECOND_US = 1_000_000
MOST_NAMED = 3  #: entities, in words
Findings = list[QualityFinding]


class Watching(Protocol):
    """What a watch has, whatever it is shown."""

    def anew(self) -> Self:
        """Return the watch that has no evidence."""

    def to_json(self) -> Any:  # noqa: ANN401 - each has a form of its own
        """Return the state, for canonical bytes."""

    def restored(self, state: Any) -> Self:  # noqa: ANN401 - as above
        """Return a watch like this one in the state that `to_json` gave."""


W = TypeVar("W", bound=Watching)


@dataclass(frozen=True, slots=True)
class Lookout(ABC, Generic[W]):
    """A watch, and what is needed to name what it finds; `observe` returns its next self."""

    watch: W

    @abstractmethod
    def observe(self, seen: Seen) -> tuple[Self, Findings]:
        """Take a window, and name the faults that stand."""

    def anew(self) -> Self:
        """Return the lookout that has no evidence."""
        return replace(self, watch=self.watch.anew())

    def to_json(self) -> Any:  # noqa: ANN401 - as the watch's
        """Return the state, for canonical bytes."""
        return self.watch.to_json()

    def restored(self, state: Any) -> Self:  # noqa: ANN401 - as the watch's
        """Return a lookout like this one in the state that `to_json` gave."""
        return replace(self, watch=self.watch.restored(state))


@dataclass(frozen=True, slots=True)
class CodeLookout(Lookout[SentinelWatch]):
    """For codes that stand for missing values; `features` are those that are measured."""

    features: tuple[Feature, ...]

    def observe(self, seen: Seen) -> tuple[Self, Findings]:
        """Take a window, and name the faults that stand."""
        if seen.facts is None:
            return self, []
        watch, found = self.watch.observe(seen.start_row, seen.facts)
        told = [(one, f"{one.value:.12g} in {one.share:.0%} of rows") for one in found]
        named = [_valued(self.features[one.feature], one, CODES, [one.value], says, seen) for one, says in told]
        return replace(self, watch=watch), named


@dataclass(frozen=True, slots=True)
class UnitLookout(Lookout[UnitWatch]):
    """For changes of a unit; `features` are those that are measured."""

    features: tuple[Feature, ...]

    def observe(self, seen: Seen) -> tuple[Self, Findings]:
        """Take a window, and name the faults that stand."""
        if seen.facts is None:
            return self, []
        watch, found = self.watch.observe(seen.start_row, seen.facts)
        told = [(one, seen.facts.levels[one.feature], one.conversion.name) for one in found]
        named = [_valued(self.features[one.feature], one, LEVELED, at, says, seen) for one, at, says in told]
        return replace(self, watch=watch), named


@dataclass(frozen=True, slots=True)
class AbsurdLookout(Lookout[AbsurdWatch]):
    """For absurd values; `features` are those that are measured."""

    features: tuple[Feature, ...]

    def observe(self, seen: Seen) -> tuple[Self, Findings]:
        """Take a window, and name the faults that stand."""
        if seen.facts is None:
            return self, []
        watch, found = self.watch.observe(seen.facts)
        return replace(self, watch=watch), [self._named(one, seen) for one in found]

    def _named(self, one: Absurd, seen: Seen) -> QualityFinding:
        return QualityFinding(
            feature=self.features[one.feature].name, kind=ABSURD, share=one.share, tolerated=0.0,
            log_evidence=one.log_evidence, onset_row=one.onset_row, row=seen.end_row,
            slots=one.slots, told=one.told, rows=one.numbers,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class ShareLookout(Lookout[ShareWatch]):
    """For rows that break rules, and rows that come again; `named` holds feature and kind of each of its shares."""

    named: tuple[tuple[str, str], ...]

    def observe(self, seen: Seen) -> tuple[Self, Findings]:
        """Take a window, and name the faults that stand."""
        watch, found = self.watch.observe(seen.start_row, self._counted(seen))
        return replace(self, watch=watch), [self._named(one, seen) for one in found]

    def _counted(self, seen: Seen) -> list[Counted]:
        """Return what was counted of each of the shares."""
        again = (0, 0) if seen.resent is None else (seen.resent, seen.profile.rows)
        return [*(seen.broken if any(kind == RULE for _, kind in self.named) else ()), *[again] * (AGAIN in self.named)]

    def _named(self, one: Share, seen: Seen) -> QualityFinding:
        feature, kind = self.named[one.stream]
        return QualityFinding(
            feature=feature, kind=kind, share=one.share, tolerated=one.tolerated,
            log_evidence=one.log_evidence, onset_row=one.onset_row, row=seen.end_row, slots=(),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class FrozenLookout(Lookout[FrozenWatch]):
    """For sensors that freeze; `features` are all, and `entity` is the one that says whose a row is."""

    features: tuple[Feature, ...]
    entity: str

    def observe(self, seen: Seen) -> tuple[Self, Findings]:
        """Take a window, and name the faults that stand."""
        watch, found = self.watch.observe(seen.frozen or ())
        named = [self._named(k, log_evidence, onset, seen) for k, (log_evidence, onset) in found.items()]
        return replace(self, watch=watch), named

    def _named(self, k: int, log_evidence: float, onset: int, seen: Seen) -> QualityFinding:
        runs = [one for one in seen.frozen or () if one.feature == k]
        numbers = sorted(set(chain.from_iterable(one.rows for one in runs)))
        whose = dict.fromkeys(one.entity for one in runs)
        more = f" and {len(whose) - MOST_NAMED} more" * (len(whose) > MOST_NAMED)
        here = sum(seen.start_row <= row for row in numbers)
        return QualityFinding(
            feature=self.features[k].name, kind=FROZEN, share=round(here / seen.profile.rows, 6), tolerated=0.0,
            log_evidence=log_evidence, onset_row=onset, row=seen.end_row, rows=tuple(numbers),
            slots=tuple(sorted({one.slot for one in runs})),
            told=f"{self.entity} {', '.join(list(whose)[:MOST_NAMED])}{more}, {max(one.length for one in runs)} rows",
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class LabelLookout(Lookout[ShareWatch]):
    """For labels that stay away; `names` are those of classes, in the order of the watch behind its first share."""

    names: tuple[str, ...]

    def observe(self, seen: Seen) -> tuple[Self, Findings]:
        """Take a window, and name the faults that stand."""
        if seen.labels is None:
            return self, []
        watch, found = self.watch.observe(seen.labels.first_row, seen.labels.shares)
        return replace(self, watch=watch), [self._named(one, seen.labels, seen) for one in found]

    def _named(self, one: Share, labels: Labelled, seen: Seen) -> QualityFinding:
        told = f"{one.share:.0%} of {labels.due} rows have none"
        if one.stream:
            told = f"{labels.classes[one.stream - 1]} of {labels.due} rows are {self.names[one.stream - 1]}"
        return QualityFinding(
            feature=LABEL, kind=LABEL_CLASS if one.stream else LABELS, share=one.share, tolerated=one.tolerated,
            log_evidence=one.log_evidence, onset_row=one.onset_row, row=seen.end_row, slots=(), told=told,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class ClockLookout(Lookout[ShareWatch]):
    """For faults of the clock; the watch is of rows that stand still, and that lie behind; a gap needs none."""

    rhythm: Rhythm
    threshold: float

    def observe(self, seen: Seen) -> tuple[Self, Findings]:
        """Take a window, and name the faults that stand."""
        if seen.ticks is None:
            return self, []
        watch, found = self.watch.observe(seen.start_row, seen.ticks.shares)
        named = [self._named(one, seen) for one in found]
        return replace(self, watch=watch), [*named, *self._gap(seen.ticks, seen)]

    def _named(self, one: Share, seen: Seen) -> QualityFinding:
        return QualityFinding(
            feature=TIME, kind=(STILL, BEHIND)[one.stream], share=one.share, tolerated=one.tolerated,
            log_evidence=one.log_evidence, onset_row=one.onset_row, row=seen.end_row, slots=(),
        )  # fmt: skip

    def _gap(self, ticks: Ticks, seen: Seen) -> Findings:
        log_evidence = self.rhythm.evidence(ticks)
        if log_evidence < self.threshold:
            return []
        seconds, most = (one.step_us / SECOND_US for one in (ticks, self.rhythm.whole))
        found = QualityFinding(
            feature=TIME, kind=GAP, share=round(1 / ticks.rows, 6), tolerated=0.0, log_evidence=log_evidence,
            onset_row=ticks.row, row=seen.end_row, slots=(), rows=(ticks.row,),
            told=f"{seconds:.6g} s without a row, after steps of up to {most:.6g} s",
        )  # fmt: skip
        return [found]


def _valued(
    feature: Feature, one: Sentinel | Converted, kind: str, values: Sequence[float], told: str, seen: Seen
) -> QualityFinding:
    return QualityFinding(
        feature=feature.name, kind=kind, share=one.share, tolerated=one.tolerated,
        log_evidence=one.log_evidence, onset_row=one.onset_row, row=seen.end_row,
        slots=tuple(np.unique(feature.place(np.array(values))).tolist()), told=told,
    )  # fmt: skip
