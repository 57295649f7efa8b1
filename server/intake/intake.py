"""The way in: checks a batch against what the model is and has seen, and turns names into codes."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from server.errors import Invalid, ThingMissing
from server.intake import feed, points
from server.intake.row_keys import Crowd, RowKeys
from server.intake.schema import CATEGORICAL, MOST_CATEGORIES, OTHER, Feature, Schema, Vocabulary
from server.requests import Categories, Column, Floats, Ints, LabelsBatch, RowsBatch

FUTURE_US = 300 * 1_000_000  #: how far a row may lie ahead of the clock
LATENESS_US = 86_400 * 1_000_000  #: how far a batch may lie behind what came before
LAST_US = 1 << 53  #: the year 2255: what comes after no clock shows, and no JSON carries
NEVER = -1


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
            Invalid: A field cannot be taken as it is; nothing has changed.
        """
        _check_ids("batch.prediction_ids", batch.ids)
        known = [i for i, name in enumerate(batch.ids) if name in self.row_of]
        if known:
            raise Invalid(
                f"batch.prediction_ids[{known[0]}]",
                f"{batch.ids[known[0]]!r} was ingested before, as row {self.row_of[batch.ids[known[0]]]}",
            )
        check_times("batch.times_us", batch.times_us, self.row_us, now_us)
        check_outputs(batch, self.schema)
        if batch.subjects and len(batch.subjects) != len(batch.ids):
            told = f"{len(batch.subjects)} ids for {len(batch.ids)} rows; none, or one a row, is accepted"
            raise Invalid("batch.subject_ids", told)
        crowd = Crowd(batch.subjects) if any(batch.subjects) else None
        matrix, learnt = self.encode(batch.columns, len(batch.ids), "batch.columns", grow=True, crowd=crowd)
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

    def labels(self, batch: LabelsBatch, now_us: int | None) -> tuple[feed.Labels, int]:
        """Check labels and find their rows; also say how many were known already.

        Raises:
            ThingMissing: A prediction was never seen.
            Invalid: A value is impossible, or contradicts an earlier label.
        """
        _check_ids("prediction_ids", batch.ids)
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
                raise Invalid(f"values[{i}]", f"{name!r} is labelled {old} already; a label does not change")
            fresh[i] = False
        entry = feed.Labels(rows=rows[fresh], values=batch.values[fresh], time_us=int(batch.times_us.max()))
        return entry, int((~fresh).sum())

    def _unknown(self, name: str, model: str) -> str:
        if self.erased:
            return (
                f"{name!r} is no prediction of {model}: it was never ingested, or is one of {self.erased} erased rows"
            )
        return f"no prediction {name!r} was ever ingested for {model}"

    def encode(
        self, columns: dict[str, Column], count: int, field_name: str, *, grow: bool, crowd: Crowd | None = None
    ) -> tuple[Floats, dict[str, list[str]]]:
        """Give the (features, rows) matrix of *columns*, and the categories that are new in it.

        Raises:
            Invalid: A column is missing, unknown, of the wrong kind or length, or not finite.
        """
        names = {feature.name for feature in self.schema.features}
        unknown = [name for name in columns if name not in names]
        absent = [name for name in names if name not in columns]
        if unknown or absent:
            raise Invalid(
                field_name,
                f"unknown: {sorted(unknown) or 'none'}; missing: {sorted(absent) or 'none'}; "
                f"the schema has {sorted(names)}",
            )
        matrix = np.empty((len(self.schema.features), count), dtype=np.float64)
        learnt: dict[str, list[str]] = {}
        for index, feature in enumerate(self.schema.features):
            column = columns[feature.name]
            where = f"{field_name}[{feature.name}]"
            matrix[index], fresh = self._codes(index, feature, column, count, where, crowd)
            if fresh and grow:
                learnt[str(index)] = fresh
        return matrix, learnt

    def _codes(
        self, index: int, feature: Feature, column: Column, count: int, where: str, crowd: Crowd | None
    ) -> tuple[Floats, list[str]]:
        if feature.kind != CATEGORICAL:
            if isinstance(column, Categories):
                raise Invalid(where, "the feature is numeric; float64 values are accepted")
            if len(column) != count:
                raise Invalid(where, f"{len(column)} values for {count} rows")
            if np.isinf(column).any():
                raise Invalid(
                    where, f"infinite at row {int(np.isinf(column).argmax())}; finite or NaN (missing) is accepted"
                )
            return column, []
        if not isinstance(column, Categories):
            raise Invalid(where, "the feature is categorical; a dictionary and codes are accepted")
        return self._categories(index, column, count, where, crowd)

    def _categories(
        self, index: int, column: Categories, count: int, where: str, crowd: Crowd | None
    ) -> tuple[Floats, list[str]]:
        if len(column.codes) != count:
            raise Invalid(where, f"{len(column.codes)} codes for {count} rows")
        size = len(column.dictionary)
        if count and (int(column.codes.max()) >= size or int(column.codes.min()) < -1):
            raise Invalid(where, f"a code lies outside -1..{size - 1}")
        known = self.vocabulary.codes[index]
        used = np.zeros(size, dtype=bool)
        used[column.codes[column.codes >= 0]] = True
        # In the order of their names, so that the order of a sender's dictionary changes nothing.
        fresh = sorted({name for code, name in enumerate(column.dictionary) if used[code] and name not in known})
        hidden: dict[str, float] = {}
        if crowd is not None and fresh:
            said = crowd.says(column.codes, size)
            hidden = {name: OTHER for name, well in zip(column.dictionary, said, strict=True) if not well}
            fresh = [name for name in fresh if name not in hidden]
        fresh = fresh[: max(MOST_CATEGORIES - len(known), 0)]
        codes = {**hidden, **known, **{name: len(known) + i for i, name in enumerate(fresh)}}
        table = np.array([*(codes.get(name, np.nan) for name in column.dictionary), np.nan])
        return table[column.codes], fresh


def check_times(field_name: str, times_us: Ints, reached_us: int, now_us: int | None) -> None:
    """Refuse times that go backwards, lie far behind the stream, or ahead of the clock."""
    if (np.diff(times_us) < 0).any():
        at = int((np.diff(times_us) < 0).argmax()) + 1
        raise Invalid(f"{field_name}[{at}]", "goes backwards; times that do not decrease are accepted")
    if reached_us != NEVER and int(times_us[0]) < reached_us - LATENESS_US:
        raise Invalid(
            f"{field_name}[0]",
            f"{int(times_us[0])} is more than a day behind the stream, which has reached {reached_us}",
        )
    if int(times_us[0]) < 0:
        raise Invalid(f"{field_name}[0]", "is negative; microseconds since 1970 are accepted")
    if int(times_us[-1]) > LAST_US:
        raise Invalid(f"{field_name}[{len(times_us) - 1}]", f"{int(times_us[-1])} is not accepted; up to {LAST_US} is")
    if now_us is not None and int(times_us[-1]) > now_us + FUTURE_US:
        raise Invalid(
            f"{field_name}[{len(times_us) - 1}]",
            f"{int(times_us[-1])} lies in the future; up to five minutes ahead of {now_us} is accepted",
        )


def check_outputs(batch: RowsBatch, schema: Schema) -> None:
    """Refuse outputs that are absent, of another length, none of the task, or NaN where they were served."""
    if not batch.outputs:
        raise Invalid("batch.outputs", "at least the output of the version that served is needed")
    if len(batch.served) != len(batch.ids) or int(batch.served.max()) >= len(batch.outputs):
        raise Invalid(
            "batch.served_by",
            f"one index into {len(batch.outputs)} outputs for each of {len(batch.ids)} rows is accepted",
        )
    served: npt.NDArray[np.float64] = np.full(len(batch.ids), np.nan)
    for index, (version, values) in enumerate(batch.outputs.items()):
        where = f"batch.outputs[{version}]"
        if len(values) != len(batch.ids):
            raise Invalid(where, f"{len(values)} values for {len(batch.ids)} rows")
        if np.isinf(values).any():
            raise Invalid(
                where,
                f"infinite at row {int(np.isinf(values).argmax())}; finite, or NaN where it did not score, is accepted",
            )
        check_range(where, values, schema)
        here = batch.served == index
        served[here] = values[here]
    if np.isnan(served).any():
        raise Invalid("batch.outputs", f"the served output of row {int(np.isnan(served).argmax())} is NaN")


def check_range(where: str, outputs: Floats, schema: Schema) -> None:
    """Refuse an output that is no probability, or no class, where the task asks for one; NaN says nothing."""
    if schema.task == "regression":
        return
    most = 1 if schema.task == "binary" else len(schema.classes) - 1
    wrong = (outputs < 0) | (outputs > most)
    if schema.task == "multiclass":
        wrong |= ~np.isnan(outputs) & (outputs != np.floor(outputs))
    if wrong.any():
        row = int(wrong.argmax())
        what = "the probability of class 1, 0 to 1," if schema.task == "binary" else f"an index 0..{most} of a class"
        raise Invalid(where, f"{float(outputs[row])!r} at row {row} is not accepted; {what} is")


def check_labels(field_name: str, values: Floats, schema: Schema, *, missing: bool = False) -> None:
    """Refuse labels that are not finite, or not the index of a class."""
    wrong = np.isinf(values) if missing else ~np.isfinite(values)
    if wrong.any():
        raise Invalid(f"{field_name}[{int(wrong.argmax())}]", "is not finite")
    if schema.task == "regression":
        return
    classes = max(len(schema.classes), 2)
    present = values[~np.isnan(values)]
    bad = (present != np.floor(present)) | (present < 0) | (present >= classes)
    if bad.any():
        raise Invalid(field_name, f"{float(present[bad][0])} is no class; an index 0..{classes - 1} is accepted")


def _check_ids(field_name: str, ids: list[str]) -> None:
    if not ids:
        raise Invalid(field_name, "is empty; at least one is needed")
    if len(set(ids)) != len(ids):
        seen: set[str] = set()
        for i, name in enumerate(ids):
            if name in seen:
                raise Invalid(f"{field_name}[{i}]", f"{name!r} stands twice in the batch")
            seen.add(name)
