"""Profiler: rows become windows, each counted, inspected and held against the reference."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from monitoring.drift.departures import Departures
from monitoring.drift.learned import LearnedWatch
from monitoring.drift.watches import DriftWatch
from monitoring.performance.estimate import Estimated
from monitoring.profiles.counting import ArrayCounter
from monitoring.profiles.profile import Profile, profile, repeated_rows
from monitoring.profiles.projections import Projections
from monitoring.profiles.reference import OUTPUT, Reference
from monitoring.profiles.seasons import Cells, by_cell, wanted
from monitoring.quality.clock import CLOCK, Rhythm, Ticks
from monitoring.quality.frozen import Frozen
from monitoring.quality.habits import Habits
from monitoring.quality.inspection import Inspection
from monitoring.quality.labels import LABELS, Labelled, Labelling
from monitoring.quality.resent import MEMORY, Trail, digests
from monitoring.quality.rules import broken
from monitoring.quality.seen import Before, Seen
from monitoring.quality.shares import Counted, dispersion
from server.intake.feed import Floats, Ints
from server.intake.schema import NUMERIC, Schema
from server.watching.closings import RowWindow, ShapeWindow
from server.watching.entities import Entities
from server.watching.estimates import Estimator
from server.watching.parts import Parts, PartWindow
from server.watching.quarantine import Quarantine
from server.watching.splits import segments
from server.watching.tape import Tape
from statemachine.policies.policy import Policy

KEPT_WINDOWS = 50
MOST_BLOCKS = 256  #: of a reference, to tell whether rows that break a rule come together


class Profiler:
    """The windows of one model, each of as many *rows*, under one policy."""

    def __init__(
        self,
        schema: Schema,
        tape: Tape,
        policy: Policy,
        reference_rows: int,
        reference: dict[str, Any],
        label_delay_rows: int = 0,
    ) -> None:
        self.rows = policy.windows.rows_for(reference_rows)
        self.reference = Reference.from_json(reference["profile"])
        self.projections = Projections.from_json(reference.get("projections")).first(policy.drift.projections)
        self.compared = self.projections.joined(self.reference)  #: what drift is judged by
        self.seasons = wanted(reference.get("seasons"), policy.drift, self.compared)
        self.windows: list[RowWindow] = []  #: the latest, for those who look again
        self.quarantine = Quarantine(policy.quality.accept_windows * self.rows)
        self.before = Before()  #: what the rows of the reference did
        self._schema, self._tape, self._policy, self._reference_rows = schema, tape, policy, reference_rows
        self._counter = ArrayCounter(self.reference, self.projections)
        plain = ArrayCounter(self.reference) if self.projections.each else self._counter
        self._estimator = Estimator.of(reference.get("estimate"), schema.metric, self.reference, plain)
        self._quality = Inspection.start(self.reference, self._habits(reference), policy.quality)
        self._entities: Entities | None = None  #: where the policy says whose rows are
        self.parts = Parts(segments(policy, schema), self.reference, policy)
        self._plain = plain
        self._trail: Trail | None = None  #: of the latest windows, where rows that come again are looked for
        self._drift = DriftWatch.start(self.compared, policy.drift, seasons=self.seasons)
        self._reached = (0, 0)  #: last and latest time of rows so far, where clocks are looked at
        self._departures = Departures.start(self._drift.dictionary)
        learning = policy.drift.shapes and self.seasons is None
        self._shapes = LearnedWatch.start(self.compared) if learning else None
        self._profiled, self._late = reference_rows, 2 * label_delay_rows + self.rows

    def take(self, *, estimating: bool) -> Iterator[RowWindow]:
        """Give the windows that rows on the tape have filled since, with what they are expected to cost if asked."""
        while self._profiled + self.rows <= self._tape.end:
            first, end = self._profiled, self._profiled + self.rows
            self._profiled = end
            alive = ~self._tape.erased[first:end]
            if not alive.any():
                continue
            self._look_at_labels()
            matrix, served = self._tape.features(first, end)[alive], self._tape.served(first, end)[alive]
            numbers, counted = first + np.flatnonzero(alive), profile(self.reference, matrix, served, self._counter)
            facts, repeats = self._quality.facts(matrix, numbers), repeated_rows(matrix, served)
            found, _ = counted.parted(self.projections.width)
            seen = Seen(
                start_row=first, profile=found, repeats=repeats, facts=facts, broken=self._broken(matrix),
                resent=self._again(matrix), frozen=self._frozen(first, end), labels=self._labelled(first, end),
                ticks=self._ticks(numbers),
            )  # fmt: skip
            cells = self._by_season(matrix, served, self._tape.times_us[numbers])
            estimate = self.estimate(numbers, found) if estimating else None
            parts = self.parts.take(first, matrix, served, self._plain)
            yield self._window(end, seen, counted, cells, estimate, parts)

    @property
    def told_row(self) -> int:
        """The first row behind the departure that was told last."""
        return self._departures.told_row

    def told(self, row: int) -> None:
        """Remember that a departure before *row* was told by other means: what began before it is part of that."""
        self._departures = replace(self._departures, told_row=max(self._departures.told_row, row))

    @property
    def estimated_version(self) -> str:
        """The version that estimates are of."""
        return self._estimator.version(self._tape)

    def _by_season(self, matrix: Floats, served: Floats, times_us: Ints) -> Cells | None:
        """Count rows by season, where the policy asks for seasons."""
        if self.seasons is None:
            return None
        return by_cell(self.seasons.calendar, matrix, served, times_us, self._counter)

    def estimate(self, rows: Ints, found: Profile) -> Estimated | None:
        """Tell what *rows*, whose profile is *found*, are expected to cost; None if nothing is."""
        return self._estimator.estimate(self._tape, rows, found)

    def _broken(self, matrix: Floats) -> tuple[Counted, ...]:
        """Count the rows that break each rule; what is no number keeps and breaks none."""
        columns = {one.name: matrix[:, i] for i, one in enumerate(self._schema.features) if one.kind == NUMERIC}
        return broken(self._policy.quality.rules, columns, len(matrix))

    def _clumped(self, matrix: Floats) -> tuple[float, ...]:
        """Tell of each rule how much rows that break it come together, by blocks as windows have them."""
        blocks = min(max(len(matrix) * self._policy.windows.blocks // self.rows, 1), MOST_BLOCKS)
        return tuple(map(dispersion, zip(*map(self._broken, np.array_split(matrix, blocks)), strict=True)))

    def look_at_reference(self) -> None:
        """Remember what its rows, which have come now, break of rules, and which came last."""
        alive = self._tape.features(0, self._reference_rows)[~self._tape.erased[: self._reference_rows]]
        size, habits, policy = self.rows, self._quality.habits, self._policy.quality
        if policy.entity:
            self._entities = Entities(self._schema, self._tape, policy.entity, self._reference_rows, self.reference)
        still = self._entities.still if self._entities else ()
        self.before = Before(
            broken=self._broken(alive), dispersion=self._clumped(alive), still=still, rhythm=self._rhythm()
        )
        self._quality = Inspection.start(self.reference, habits, policy, self.before)
        if self.parts.number and len(alive):
            outputs = self._tape.served(0, self._reference_rows)[~self._tape.erased[: self._reference_rows]]
            known = np.where(np.isnan(outputs), np.nanmean(outputs), outputs)
            self.parts.look_at_reference(alive, known)
        self._trail = Trail.of(alive[-MEMORY * size :], size) if self._quality.again else None

    def _rhythm(self) -> Rhythm | None:
        """Tell how rows of the reference came; None where nobody asks."""
        times = self._tape.times_us[: self._reference_rows][~self._tape.erased[: self._reference_rows]]
        if CLOCK not in self._policy.quality.looks_for or not len(times):
            return None
        self._reached = int(times[-1]), int(times.max())
        return Rhythm.of(times, self.rows)

    def _ticks(self, numbers: Ints) -> Ticks | None:
        """Tell how rows came; None where nobody asks."""
        if self.before.rhythm is None:
            return None
        times, before = self._tape.times_us[numbers], self._reached
        self._reached = int(times[-1]), max(before[1], int(times.max()))
        return Ticks.of(times, numbers, before, self.before.rhythm.late_us)

    def _look_at_labels(self) -> None:
        """Remember once how the reference was labelled, which is told behind its rows; where labels are looked for."""
        if LABELS not in self._policy.quality.looks_for or self.before.labelling is not None:
            return
        known = self._tape.labels[: self._reference_rows][~self._tape.erased[: self._reference_rows]]
        self.before = replace(self.before, labelling=Labelling.of(known, self._schema.named_classes, self.rows))
        self._quality = Inspection.start(self.reference, self._quality.habits, self._policy.quality, self.before)

    def _labelled(self, first: int, end: int) -> Labelled | None:
        """Count the labels that are due when the window of rows [first, end) ends; None where nobody asks."""
        due = np.arange(max(first - self._late, self._reference_rows), end - self._late)
        due = due[~self._tape.erased[due]]
        if self.before.labelling is None or not len(due):
            return None
        return Labelled.of(int(due[0]), self._tape.labels[due], len(self.before.labelling.names))

    def _frozen(self, first: int, end: int) -> tuple[Frozen, ...] | None:
        """Tell which runs of values are too long; None where nobody says whose rows are."""
        return self._entities.take(first, end, self._quality.frozen) if self._entities else None

    def _again(self, matrix: Floats) -> int | None:
        """Count the rows that came before in this order, and remember these; None where nobody asks."""
        if self._trail is None:
            return None
        here = digests(matrix)
        found, self._trail = self._trail.resent(here), self._trail.after(here)
        return found

    def _habits(self, reference: dict[str, Any]) -> Habits | None:
        """Give the habits that were learned in windows of this size; what they tolerate depends on it."""
        known = Habits.from_json(reference["habits"]) if "habits" in reference else None
        return known if known and known.window == self.rows else None

    def _shaped(self, first: int, shown: Profile) -> ShapeWindow | None:
        """Let the watch over shapes learn; None where the policy asks for none."""
        before = self._shapes
        if before is None:
            return None
        self._shapes, found = before.observe(first, shown, self._policy.drift)
        return ShapeWindow(before, found)

    def _window(
        self, end: int, seen: Seen, counted: Profile, cells: Cells | None, estimate: Estimated | None,
        parts: tuple[PartWindow, ...],
    ) -> RowWindow:  # fmt: skip
        first, found = seen.start_row, seen.profile
        quality_before, drift_before = self._quality, self._drift
        self._quality, findings = self._quality.observe(seen)
        faults = tuple(fault for fault in findings if fault.feature != OUTPUT)
        self.quarantine.take(faults, end)
        shown = counted if cells is None or self.seasons is None else self.seasons.laid(cells)
        departures_before, evidence = self._departures, self._drift.dictionary.evidence([shown.counts])
        self._drift, drift = drift_before.observe(first, shown, self._policy.drift, evidence)
        self._departures, departed = departures_before.observe(first, shown, self._policy.drift, evidence)
        shapes = self._shaped(first, shown)
        _, beside = counted.parted(self.projections.width)
        window = RowWindow(
            first_row=first, end_row=end, profile=found, seen=seen, estimate=estimate,
            quality_before=quality_before, drift_before=drift_before, faults=faults, drift=drift, projections=beside,
            cells=cells, shown=shown, departures_before=departures_before, departed=departed,
            shapes=shapes, parts=parts, within=tuple((one.name, one.drift) for one in parts),
        )  # fmt: skip
        self.windows = [*self.windows[1 - KEPT_WINDOWS :], replace(window, parts=())]
        return window
