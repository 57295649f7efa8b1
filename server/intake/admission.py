"""Admission: a batch is checked whole against what the model is and has taken in, and numbered, or refused."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from server.errors import AlreadyTold, Invalid, ThingMissing
from server.intake import feed, points
from server.intake.checks import NEVER, check_ids, check_labels, check_outputs, check_times
from server.intake.codes import coded
from server.intake.row_keys import Crowd, RowKeys
from server.intake.schema import Schema, Vocabulary
from server.requests import LabelsBatch, RowsBatch


@dataclass(slots=True)
class Intake:
    """What one model has taken in, as far as the next batch must be checked against it."""

    schema: Schema
    vocabulary: Vocabulary
    next_seq: int = 1
    next_row: int = 0
    watermark_us: int = NEVER  #: latest time of anything
    row_us: int = NEVER  #: latest time of a row
    labelled: int = 0
    row_of: dict[str, int] = field(default_factory=dict)
    label_of: dict[int, float] = field(default_factory=dict)
    keys: RowKeys = field(default_factory=RowKeys)
    erased: int = 0  #: rows of which nothing is known any more
    erasures: int = 0  #: that this has seen; after another one it is made anew
    series: dict[str, points.Heard] = field(default_factory=dict)  #: what each metric series has told

    @classmethod
    def of(cls, schema: Schema, erasures: int = 0) -> Intake:
        """Start an intake that has seen nothing."""
        return cls(schema=schema, vocabulary=Vocabulary.of(schema), erasures=erasures)

    def take(self, entry: feed.Entry) -> None:
        """Remember an entry that was accepted."""
        self.next_seq += 1
        match entry:
            case feed.Rows():
                for index, names in entry.categories.items():
                    self.vocabulary.learn(int(index), names)
                self._remember(entry)
                self.next_row = entry.first_row + entry.count
                self.row_us = max(self.row_us, int(entry.times_us[-1]))
                self.watermark_us = max(self.watermark_us, self.row_us)
            case feed.Labels():
                alive = ~np.isnan(entry.values)
                self.label_of.update(zip(entry.rows[alive].tolist(), entry.values[alive].tolist(), strict=True))
                self.labelled = len(self.label_of)
                self.watermark_us = max(self.watermark_us, entry.time_us)
            case feed.Points():
                for point in entry.points:
                    points.heard(self.series, point)
                self.watermark_us = max([self.watermark_us, *(int(p["time_us"]) for p in entry.points)])

    def _remember(self, entry: feed.Rows) -> None:
        numbers = range(entry.first_row, entry.first_row + entry.count)
        self.row_of.update(zip(entry.ids, numbers, strict=True))
        if entry.erased is not None:
            self.erased += int(entry.erased.sum())
            self.row_of.pop("", None)  # the ids of erased rows are gone
        self.keys.take(entry)

    def rows(self, batch: RowsBatch, now_us: int | None) -> feed.Rows:
        """Check a batch of rows and number it.

        Raises:
            AlreadyTold: A prediction was ingested before.
            Invalid: A field cannot be taken as it is; nothing has changed.
        """
        self._check(batch, now_us)
        crowd = Crowd(batch.subjects) if any(batch.subjects) else None
        matrix, learnt = coded(self.schema, self.vocabulary, batch.columns, len(batch.ids), "batch.columns", crowd)
        return feed.Rows(
            first_row=self.next_row,
            ids=batch.ids,
            times_us=batch.times_us,
            features=matrix,
            outputs=batch.outputs,
            served_by=list(batch.outputs),
            served=batch.served,
            generation=batch.generation,
            categories=learnt,
            latency_us=batch.latency_us,
        )

    def _check(self, batch: RowsBatch, now_us: int | None) -> None:
        check_ids("batch.prediction_ids", batch.ids)
        known = [i for i, name in enumerate(batch.ids) if name in self.row_of]
        if known:
            raise AlreadyTold(
                f"batch.prediction_ids[{known[0]}]",
                f"{batch.ids[known[0]]!r} was ingested before, as row {self.row_of[batch.ids[known[0]]]}",
            )
        check_times("batch.times_us", batch.times_us, self.row_us, now_us)
        check_outputs(batch, self.schema)
        if batch.subjects and len(batch.subjects) != len(batch.ids):
            told = f"{len(batch.subjects)} ids for {len(batch.ids)} rows; none, or one a row, is accepted"
            raise Invalid("batch.subject_ids", told)

    def labels(self, batch: LabelsBatch, now_us: int | None) -> tuple[feed.Labels, int]:
        """Check labels and find their rows; also say how many were known already.

        Raises:
            ThingMissing: A prediction was never seen.
            AlreadyTold: A value contradicts an earlier label.
            Invalid: A value is impossible.
        """
        check_ids("prediction_ids", batch.ids)
        check_times("times_us", batch.times_us, NEVER, now_us)
        check_labels("values", batch.values, self.schema)
        rows = np.empty(len(batch.ids), dtype=np.int64)
        fresh = np.ones(len(batch.ids), dtype=bool)
        for i, name in enumerate(batch.ids):
            row = self.row_of.get(name)
            if row is None:
                raise ThingMissing(f"prediction_ids[{i}]", self._unknown(name, batch.model))
            rows[i] = row
            old = self.label_of.get(row)
            if old is None:
                continue
            if old != batch.values[i]:
                raise AlreadyTold(f"values[{i}]", f"{name!r} is labelled {old} already; a label does not change")
            fresh[i] = False
        entry = feed.Labels(rows=rows[fresh], values=batch.values[fresh], time_us=int(batch.times_us.max()))
        return entry, int((~fresh).sum())

    def _unknown(self, name: str, model: str) -> str:
        if self.erased:
            return (
                f"{name!r} is no prediction of {model}: it was never ingested, or is one of {self.erased} erased rows"
            )
        return f"no prediction {name!r} was ever ingested for {model}"
