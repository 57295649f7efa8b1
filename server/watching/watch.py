"""The watch over one model: rows become windows, labels become blocks. Pure of decisions: it only adds up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from measures.segments import Segment
from measures.sums import Block
from monitoring.performance.segments import Sums
from monitoring.signals.series import SeriesWatch
from monitoring.signals.terms import Direction
from server.intake import feed
from server.intake.schema import Schema
from server.watching import looks
from server.watching.blocks import Blocks
from server.watching.by_label import Groups
from server.watching.closings import Closing, LabelBlock, LabelWindow, RowWindow, Series, SeriesPoint
from server.watching.profiler import KEPT_WINDOWS, Profiler
from server.watching.tape import Tape
from statemachine.health import ModelHealth


class Watch:
    """What one model's feed adds up to, under one policy."""

    def __init__(self, schema: Schema, reference: dict[str, Any], health: ModelHealth) -> None:
        self.schema, self.seq = schema, 0
        self.policy_version, self.erasures = health.policy_version, health.erasures
        self.baseline: list[Block] = reference["performance"]["blocks"]
        self.unit = float(reference["performance"]["unit"])
        self.reference_rows = health.reference_rows
        self.tape = Tape(len(schema.features))
        self.profiler = Profiler(
            schema, self.tape, health.policy, health.reference_rows, reference, health.label_delay_rows
        )
        self._blocks = Blocks(schema, self.tape, health.policy, health.reference_rows, self.unit)
        self._groups = Groups(schema, self.tape, health.policy, self.profiler.reference, health.reference_rows)
        self.series: dict[str, Series] = {}
        self.looks: list[looks.Look] = []  #: of as many windows; none where no condition asks for them
        self._named, self._label_delay = looks.named_by(health.policy), health.label_delay_rows
        self._metrics = health.policy.metrics
        self.last_row_us = self.last_label_us = 0  #: of rows, or, before any has come, of points

    def holds(self, health: ModelHealth) -> bool:
        """Say whether this was made under the policy in force, and since the last erasure."""
        return (self.policy_version, self.erasures) == (health.policy_version, health.erasures)

    @property
    def window_rows(self) -> int:
        """How many rows a window has."""
        return self.profiler.rows

    @property
    def windows(self) -> list[RowWindow]:
        """The latest windows, for those who look again."""
        return self.profiler.windows

    @property
    def segments(self) -> tuple[Segment, ...]:
        """The parts of the rows that are watched by themselves."""
        return self._blocks.segments

    @property
    def normal(self) -> list[tuple[Sums, ...]]:
        """What the reference cost, segment by segment, block by block."""
        return self._blocks.normal

    @property
    def blocks(self) -> list[LabelBlock]:
        """All blocks of labelled rows."""
        return self._blocks.closed

    def blocks_past(self, row: int) -> list[LabelBlock]:
        """Give the blocks from the first on that holds *row* or one behind it; no other lies wholly behind it."""
        return self._blocks.past(row)

    def blocks_within(self, first: int, end: int) -> list[LabelBlock]:
        """Give the blocks that lie wholly in [first, end), at little cost where the same rows are asked for again."""
        return self._blocks.within(first, end)

    @property
    def labelled_end(self) -> int:
        """One past the highest row that the latest block holds."""
        return self._blocks.end

    def take(self, seq: int, entry: feed.Entry) -> list[Closing]:
        """Add one entry of the feed; give what it closed."""
        self.seq = seq
        match entry:
            case feed.Rows():
                return list(self._rows(entry))
            case feed.Labels():
                self.tape.label(entry)
                self.last_label_us = max(self.last_label_us, entry.time_us)
                return list(self._labels(entry))
            case feed.Points():
                # A model that has no rows lives by its points; where rows come, points do not stand in for them.
                if self.tape.end <= self.reference_rows:
                    self.last_row_us = max([self.last_row_us, *(int(p["time_us"]) for p in entry.points)])
                return [self._point(point) for point in entry.points]

    def _labels(self, entry: feed.Labels) -> Iterator[LabelBlock | LabelWindow]:
        for block in self._blocks.take(entry.rows):
            yield block
            window = self._groups.take(self._blocks.newest, self.profiler.told_row)
            if window is not None:
                yield window
                if window.told or window.moved:
                    self.profiler.told(window.end_row)

    def _rows(self, entry: feed.Rows) -> Iterator[RowWindow]:
        self.tape.take(entry)
        self.last_row_us = max(self.last_row_us, int(entry.times_us[-1]))
        if entry.first_row == 0:
            self.profiler.look_at_reference()
        for window in self.profiler.take(estimating=bool(looks.ESTIMATES & self._named)):
            if window.departed.verdict == "alarm":
                self._groups.departed(window.departed.onset_row)
            if self._named:
                self.looks = [*self.looks[1 - KEPT_WINDOWS :], self._look(window)]
            yield window

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
        series.watch, _ = before.observe(value, self._metrics)
        series.values.append(value)
        series.last_us = int(point["time_us"])
        return SeriesPoint(name=name, number=len(series.values) - 1, value=value, before=before)

    def _look(self, window: RowWindow) -> looks.Look:
        """Tell the signals that conditions name, as they stand when *window* has ended."""
        rows = (window.first_row, window.end_row)
        found: looks.Signals = {
            "drift.log_evidence": window.drift.log_evidence, "drift.features": float(len(window.drift.features)),
            "quality.faults": float(len(window.faults)), **looks.of_estimate(window.estimate),
            **looks.of_labels(self.tape, rows, self.labelled_end, self.reference_rows, self._label_delay),
            **looks.of_latency(self.tape, rows), **looks.of_segments([one.drift for one in window.parts]),
        }  # fmt: skip
        for name, series in self.series.items():
            found |= looks.of_series(name, series.watch, series.values[-1])
        return looks.Look(
            first_row=rows[0], end_row=rows[1], blocks=len(self.blocks), signals=looks.kept(found, self._named)
        )
