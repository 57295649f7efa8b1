"""Admission: a batch is checked whole against what the model is and has taken in, and numbered, or refused."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from server.errors import AlreadyTold, Invalid, ThingMissing
from server.intake import feed, points
from server.intake.checks import NEVER, check_ids, check_labels, check_outputs, check_times
from server.intake.codes import coded
from server.intake.row_keys import Crowd, RowKeys
from server.intake.schema import Schema, Vocabulary
from server.requests import LabelsBatch, RowsBatch

NO_ROW = -1


@dataclass(frozen=True, slots=True)
class Joined:
    """Labels and their rows, as far as there are any."""

    entry: feed.Labels  #: those that are new
    repeated: int  #: that were known already
    missing: list[int]  #: positions of those of whose predictions nothing is known


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
                f"{batch.ids[known[0]]!r} was ingested before, as row {self.row_of[batch.ids[known[0]]]}; "
                "ids that were not are accepted",
            )
        check_times("batch.times_us", batch.times_us, self.row_us, now_us)
        check_outputs(batch, self.schema)
        if batch.subjects and len(batch.subjects) != len(batch.ids):
            told = f"{len(batch.subjects)} ids for {len(batch.ids)} rows; none, or one a row, is accepted"
            raise Invalid("batch.subject_ids", told)

    def labels(self, batch: LabelsBatch, now_us: int | None) -> Joined:
        """Check labels and find their rows.

        Raises:
            ThingMissing: Of a prediction nothing is known, and the batch does not allow that.
            AlreadyTold: A value contradicts an earlier label.
            Invalid: A value is impossible.
        """
        check_ids("prediction_ids", batch.ids)
        check_times("times_us", batch.times_us, NEVER, now_us)
        check_labels("values", batch.values, self.schema)
        numbers = [self.row_of.get(name, NO_ROW) for name in batch.ids]
        rows = np.array(numbers, dtype=np.int64)
        held = rows != NO_ROW
        missing = np.flatnonzero(~held).tolist()
        if missing and not batch.allow_missing:
            raise ThingMissing(f"prediction_ids[{missing[0]}]", self._unknown(batch, missing))
        before = np.array([self.label_of.get(number, math.nan) for number in numbers])
        repeated = ~np.isnan(before)
        others = np.flatnonzero(repeated & (before != batch.values))
        if len(others):
            told = f"{batch.ids[others[0]]!r} is labelled {before[others[0]]} already; a label does not change"
            raise AlreadyTold(f"values[{others[0]}]", told)
        fresh = held & ~repeated
        time_us = int(batch.times_us[held].max(initial=NEVER))  # what is not taken moves no time
        entry = feed.Labels(rows=rows[fresh], values=batch.values[fresh], time_us=time_us)
        return Joined(entry, int(repeated.sum()), missing)

    def _unknown(self, batch: LabelsBatch, missing: list[int]) -> str:
        name, others = batch.ids[missing[0]], len(missing) - 1
        told = f"no prediction {name!r} was ever ingested for {batch.model}"
        if self.erased:
            ends = f"it was never ingested, or is one of {self.erased} erased rows"
            told = f"{name!r} is no prediction of {batch.model}: {ends}"
        also = f", and of {others} more of the batch as little is known" if others else ""
        return f"{told}{also}; allow_missing takes the others"
