"""The watch over one model: rows become windows, labels become blocks. Pure of decisions: it only adds up."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from measures.losses import fixed, losses, unit_of
from measures.sums import Block, block
from monitoring.counting import ArrayCounter
from monitoring.drift import DriftFinding, DriftWatch
from monitoring.estimate import Estimated
from monitoring.facts import Facts
from monitoring.habits import Habits
from monitoring.inspection import AGAIN, Inspection, Seen
from monitoring.profile import Profile, profile, repeated_rows
from monitoring.projections import Projections
from monitoring.quality import QualityFinding
from monitoring.reference import OUTPUT, Reference
from monitoring.resent import MEMORY, Trail, digests
from monitoring.rules import broken
from monitoring.seasons import Cells, by_cell, cells_to_json, wanted
from monitoring.series import Direction, SeriesWatch
from monitoring.shares import Counted
from server import feed, looks
from server.estimates import RANKS, Estimator
from server.feed import Floats, Ints
from server.quarantine import Quarantine
from server.schema import NUMERIC, Schema
from server.tape import Rows, Tape
from statemachine.health import ModelHealth
from statemachine.policy import Policy

KEPT_WINDOWS = 50
LEAST_POOL = 200  #: labelled rows among which a row is ranked, at least


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelBlock:
    """The sums of one block of labelled rows, in the order in which labels came.

    `cost` holds a block of losses for each version that answered every row of it; `lead` one of paired differences,
    first minus second, for each pair of versions that did.
    """

    index: int
    first_row: int
    end_row: int  #: one past its highest row
    generation: int  #: lowest route generation among its rows
    cost: dict[str, Block]
    lead: dict[tuple[str, str], Block]
    arms: dict[str, tuple[int, int]]  #: by version: rows served, and bad ones among them


@dataclass(frozen=True, slots=True, kw_only=True)
class RowWindow:
    """The profile of consecutive rows."""

    first_row: int
    end_row: int  #: one past its last row; some between may be erased, and are not in the profile
    profile: Profile
    projections: Profile | None  #: beside it, where some are watched
    repeats: int
    facts: Facts | None  #: where some are judged
    broken: tuple[Counted, ...]  #: of each rule
    resent: int | None  #: rows that came before, in this order; where they are looked for
    quality_before: Inspection
    drift_before: DriftWatch
    faults: tuple[QualityFinding, ...]
    drift: DriftFinding
    cells: Cells | None  #: both by season, where the policy asks for seasons
    shown: Profile  #: what the watch over drift was shown
    estimate: Estimated | None  #: of what the version that the reference is of costs, in units of loss; if asked for

    def to_json(self) -> dict[str, Any]:
        """Give the window as judges read it."""
        return {"start_row": self.first_row, "profile": self.profile.to_json(), "repeats": self.repeats}

    def compared(self) -> dict[str, Any]:
        """Give the window as judges of drift read it."""
        beside = {} if self.projections is None else {"projections": self.projections.to_json()}
        cells = {} if self.cells is None else {"cells": cells_to_json(self.cells)}
        return {**self.to_json(), **beside, **cells}

    def inspected(self) -> dict[str, Any]:
        """Give the window as judges of the data's quality read it."""
        facts = {} if self.facts is None else {"facts": self.facts.to_json()}
        rules = {"rules": [list(one) for one in self.broken]} if self.broken else {}
        return {**self.to_json(), **facts, **rules, **({} if self.resent is None else {"resent": self.resent})}


@dataclass(slots=True)
class Series:
    """One metric series so far."""

    watch: SeriesWatch
    values: list[float] = field(default_factory=list)
    last_us: int = 0  #: time of its newest point


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesPoint:
    """One point of a metric series, its number in it, and the series before it."""

    name: str
    number: int
    value: float
    before: SeriesWatch


Closing = LabelBlock | RowWindow | SeriesPoint


class Watch:
    """What one model's feed adds up to, under one policy."""

    def __init__(self, schema: Schema, reference: dict[str, Any], health: ModelHealth) -> None:
        self.schema, self.seq = schema, 0
        policy, reference_rows = health.policy, health.reference_rows
        self.policy_version, self.erasures = health.policy_version, health.erasures
        self.reference = Reference.from_json(reference["profile"])
        self.projections = Projections.from_json(reference.get("projections")).first(policy.drift.projections)
        self.compared = self.projections.joined(self.reference)  #: what drift is judged by
        self._counter = ArrayCounter(self.reference, self.projections)
        plain = ArrayCounter(self.reference) if self.projections.each else self._counter
        self._estimator = Estimator.of(reference.get("estimate"), schema.metric, self.reference, plain)
        self.baseline: list[Block] = reference["performance"]["blocks"]
        self.unit = float(reference["performance"]["unit"])
        self.reference_rows = reference_rows
        self.window_rows = policy.windows.rows_for(reference_rows)
        self.block_rows = policy.windows.block_for(reference_rows)
        self.tape = Tape(len(schema.features))
        self.blocks: list[LabelBlock] = []
        self.series: dict[str, Series] = {}
        self.windows: list[RowWindow] = []  #: the latest, for those who look again
        self.quarantine = Quarantine(policy.quality.accept_windows * self.window_rows)
        self.looks: list[looks.Look] = []  #: of as many windows; none where no condition asks for them
        self._named, self._label_delay = looks.named_by(policy), health.label_delay_rows
        self._policy = policy
        self._quality = Inspection.start(self.reference, self._habits(reference), policy.quality)
        self._trail: Trail | None = None  #: of the latest windows, where rows that come again are looked for
        self.broken_before: tuple[Counted, ...] = ()  #: by the reference, of each rule
        self.seasons = wanted(reference.get("seasons"), policy.drift, self.compared)
        self._drift = DriftWatch.start(self.compared, policy.drift, seasons=self.seasons)
        self._profiled = reference_rows
        self._labelled: list[Rows] = []  #: in order of arrival, not yet in a block
        self._waiting = 0
        self._recent = np.empty(0, dtype=np.int64)  #: the latest labelled rows, to rank among
        self.last_row_us = self.last_label_us = 0  #: of rows, or, before any has come, of points

    def holds(self, health: ModelHealth) -> bool:
        """Say whether this was made under the policy in force, and since the last erasure."""
        return (self.policy_version, self.erasures) == (health.policy_version, health.erasures)

    @property
    def estimated_version(self) -> str:
        """The version that estimates are of."""
        return self._estimator.version(self.tape)

    @property
    def labelled_end(self) -> int:
        """One past the highest row that a block holds."""
        return max((one.end_row for one in self.blocks[-1:]), default=self.reference_rows)

    def take(self, seq: int, entry: feed.Entry) -> list[Closing]:
        """Add one entry of the feed; give what it closed."""
        self.seq = seq
        match entry:
            case feed.Rows():
                return self._rows(entry)
            case feed.Labels():
                return self._labels(entry)
            case feed.Points():
                # A model that has no rows lives by its points; where rows come, points do not stand in for them.
                if self.tape.end <= self.reference_rows:
                    self.last_row_us = max([self.last_row_us, *(int(p["time_us"]) for p in entry.points)])
                return [self._point(point) for point in entry.points]

    def _point(self, point: dict[str, Any]) -> SeriesPoint:
        """Add one point to its series, whose direction and tolerance are those of its first point."""
        name, value = point["name"], point["value"]
        if name not in self.series:
            direction: Direction = "higher_is_worse" if point["higher_is_worse"] else "lower_is_worse"
            relative = point.get("relative", True)
            first = SeriesWatch(name=name, direction=direction, tolerance=point["tolerance"], relative=relative)
            self.series[name] = Series(first)
        series = self.series[name]
        before = series.watch
        series.watch, _ = before.observe(value, self._policy.metrics)
        series.values.append(value)
        series.last_us = int(point["time_us"])
        return SeriesPoint(name=name, number=len(series.values) - 1, value=value, before=before)

    def _rows(self, entry: feed.Rows) -> list[Closing]:
        self.tape.take(entry)
        self.last_row_us = max(self.last_row_us, int(entry.times_us[-1]))
        if entry.first_row == 0:
            self._look_at_reference()
        closed: list[Closing] = []
        while self._profiled + self.window_rows <= self.tape.end:
            first, end = self._profiled, self._profiled + self.window_rows
            self._profiled = end
            alive = ~self.tape.erased[first:end]
            if not alive.any():
                continue
            matrix, served = self.tape.features(first, end)[alive], self.served(first, end)[alive]
            numbers, counted = first + np.flatnonzero(alive), profile(self.reference, matrix, served, self._counter)
            facts, repeats = self._quality.facts(matrix, numbers), repeated_rows(matrix, served)
            found, _ = counted.parted(self.projections.width)
            seen = Seen(
                start_row=first, profile=found, repeats=repeats, facts=facts, broken=self._broken(matrix),
                resent=self._again(matrix),
            )  # fmt: skip
            cells = self._by_season(matrix, served, self.tape.times_us[numbers])
            estimate = self.estimate(numbers, found) if looks.ESTIMATES & self._named else None
            closed.append(self._window(end, seen, counted, cells, estimate))
        return closed

    def _by_season(self, matrix: Floats, served: Floats, times_us: Ints) -> Cells | None:
        """Count rows by season, where the policy asks for seasons."""
        if self.seasons is None:
            return None
        return by_cell(self.seasons.calendar, matrix, served, times_us, self._counter)

    def estimate(self, rows: Ints, found: Profile) -> Estimated | None:
        """Tell what *rows*, whose profile is *found*, are expected to cost; None if nothing is."""
        return self._estimator.estimate(self.tape, rows, found)

    def _broken(self, matrix: Floats) -> tuple[Counted, ...]:
        """Count the rows that break each rule; what is no number keeps and breaks none."""
        columns = {one.name: matrix[:, i] for i, one in enumerate(self.schema.features) if one.kind == NUMERIC}
        return broken(self._policy.quality.rules, columns, len(matrix))

    def _look_at_reference(self) -> None:
        """Remember what its rows, which have come now, break of rules, and which came last."""
        alive = self.tape.features(0, self.reference_rows)[~self.tape.erased[: self.reference_rows]]
        size, habits, policy = self.window_rows, self._quality.habits, self._policy.quality
        self.broken_before = self._broken(alive)
        self._quality = Inspection.start(self.reference, habits, policy, self.broken_before)
        self._trail = Trail.of(alive[-MEMORY * size :], size) if AGAIN in self._quality.named else None

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
        return known if known and known.window == self.window_rows else None

    def _window(
        self, end: int, seen: Seen, counted: Profile, cells: Cells | None, estimate: Estimated | None
    ) -> RowWindow:
        first, found = seen.start_row, seen.profile
        quality_before, drift_before = self._quality, self._drift
        self._quality, findings = self._quality.observe(seen)
        faults = tuple(fault for fault in findings if fault.feature != OUTPUT)
        self.quarantine.take(faults, end)
        shown = counted if cells is None or self.seasons is None else self.seasons.laid(cells)
        self._drift, drift = self._drift.observe(first, shown, self._policy.drift)
        _, beside = counted.parted(self.projections.width)
        window = RowWindow(
            first_row=first, end_row=end, profile=found, repeats=seen.repeats, facts=seen.facts, estimate=estimate,
            quality_before=quality_before, drift_before=drift_before, faults=faults, drift=drift, projections=beside,
            broken=seen.broken, resent=seen.resent, cells=cells, shown=shown,
        )  # fmt: skip
        self.windows = [*self.windows[1 - KEPT_WINDOWS :], window]
        if self._named:
            self.looks = [*self.looks[1 - KEPT_WINDOWS :], self._look(window)]
        return window

    def _look(self, window: RowWindow) -> looks.Look:
        """Tell the signals that conditions name, as they stand when *window* has ended."""
        rows = (window.first_row, window.end_row)
        found: looks.Signals = {
            "drift.log_evidence": window.drift.log_evidence, "drift.features": float(len(window.drift.features)),
            "quality.faults": float(len(window.faults)), **looks.of_estimate(window.estimate),
            **looks.of_labels(self.tape, rows, self.labelled_end, self.reference_rows, self._label_delay),
            **looks.of_latency(self.tape, rows),
        }  # fmt: skip
        for name, series in self.series.items():
            found |= looks.of_series(name, series.watch, series.values[-1])
        return looks.Look(
            first_row=rows[0], end_row=rows[1], blocks=len(self.blocks), signals=looks.kept(found, self._named)
        )

    def served(self, first: int, end: int) -> Floats:
        """Give what was served on the rows [first, end)."""
        rows = np.arange(first, end)
        found = np.full(len(rows), np.nan)
        for version in self.tape.versions():
            here = self.tape.served_by(version, rows)
            found[here] = self.tape.outputs(version, rows)[here]
        return found

    def _labels(self, entry: feed.Labels) -> list[Closing]:
        self.tape.label(entry)
        self.last_label_us = max(self.last_label_us, entry.time_us)
        live = entry.rows[entry.rows >= self.reference_rows]
        if not len(live):
            self._recent = entry.rows[self.tape.living(entry.rows)][-self._pool :]
            return []
        self._labelled.append(live)
        self._waiting += len(live)
        closed: list[Closing] = []
        while self._waiting >= self.block_rows:
            queue = np.concatenate(self._labelled)
            rows, rest = queue[: self.block_rows], queue[self.block_rows :]
            self._labelled, self._waiting = [rest], len(rest)
            # Erased rows keep their places in blocks, so that no border moves; but they count for nothing.
            alive = rows[self.tape.living(rows)]
            self._recent = np.concatenate([self._recent, alive])[-self._pool :]
            closed.append(self._close(rows, alive))
        return closed

    @property
    def _pool(self) -> int:
        return max(self.window_rows, LEAST_POOL)

    def _close(self, whole: Rows, rows: Rows) -> LabelBlock:
        """Add up the *rows* of a block of which something is known."""
        answered = [v for v in self.tape.versions() if len(rows) and not np.isnan(self.tape.outputs(v, rows)).any()]
        cost: dict[str, Block] = {version: block(self._losses(version, rows)) for version in answered}
        lead: dict[tuple[str, str], Block] = {}
        for i, left in enumerate(answered):
            for right in answered[i + 1 :]:
                lead[left, right] = block(self._losses(left, rows, right) - self._losses(right, rows, left))
        one = LabelBlock(
            index=len(self.blocks), first_row=int(whole.min()), end_row=int(whole.max()) + 1,
            generation=int(self.tape.generation[whole].min()), cost=cost, lead=lead, arms=self._arms(rows),
        )  # fmt: skip
        self.blocks.append(one)
        return one

    def _losses(self, version: str, rows: Rows, beside: str | None = None) -> Ints:
        """Give fixed-point losses of *version*; ranks are taken among recent rows that it, and *beside*, answered."""
        if self.schema.metric != RANKS:
            found = losses(
                self.schema.task, self.schema.metric, self.tape.outputs(version, rows), self.tape.labels[rows]
            )
            return fixed(found, self.unit)
        pool = self._recent
        known = ~np.isnan(self.tape.outputs(version, pool))
        if beside is not None:
            known &= ~np.isnan(self.tape.outputs(beside, pool))
        pool = pool[known]
        found = losses(self.schema.task, RANKS, self.tape.outputs(version, pool), self.tape.labels[pool])
        return fixed(found[np.isin(pool, rows)], self.unit)

    def _arms(self, rows: Rows) -> dict[str, tuple[int, int]]:
        """Count what was served and what was bad: a wrong class, or a loss beyond twice the unit."""
        found: dict[str, tuple[int, int]] = {}
        for version in self.tape.versions():
            mine = rows[self.tape.served_by(version, rows)]
            if len(mine):
                outputs, labels = self.tape.outputs(version, mine), self.tape.labels[mine]
                metric = "mae" if self.schema.task == "regression" else "accuracy"
                lost = losses(self.schema.task, metric, outputs, labels)
                found[version] = (len(mine), int((lost > (2 * self.unit if metric == "mae" else 0)).sum()))
        return found


def baseline(schema: Schema, policy: Policy, outputs: Floats, labels: Floats, delay: int) -> dict[str, Any]:
    """Sum the champion's losses on the reference rows that it was not trained on."""
    del delay
    known = np.flatnonzero(~np.isnan(outputs) & ~np.isnan(labels))
    found = losses(schema.task, schema.metric, outputs[known], labels[known])
    unit = unit_of(schema.task, schema.metric, found)
    size = policy.windows.block_for(len(labels))
    steps = fixed(found, unit)
    blocks = [block(steps[at : at + size]) for at in range(0, len(steps), size)]
    return {"unit": unit, "blocks": blocks, "rows": len(known)}
