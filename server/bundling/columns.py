"""What the numbers of kept rows are called: names of features and classes, and words for codes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from retraining.dataset import Dataset
from server.intake import feed
from server.intake.schema import CATEGORICAL, Schema

Line = dict[str, Any]


class Columns:
    """Tells rows and labels as lines of JSON. Missing is null; a word that was not learned is told by its code."""

    def __init__(self, schema: Schema) -> None:
        self._features, self._classes = schema.features, schema.classes

    def rows(self, entry: feed.Rows) -> Iterator[tuple[int, Line]]:
        """Tell each row of an entry that is not erased, and its place there."""
        for i in range(entry.count):
            if entry.erased is not None and entry.erased[i]:
                continue
            yield (
                i,
                {
                    "row": entry.first_row + i,
                    "prediction_id": entry.ids[i],
                    "time_us": int(entry.times_us[i]),
                    "features": self._named(entry.features[:, i].tolist()),
                    "outputs": {version: number(float(values[i])) for version, values in entry.outputs.items()},
                    "served_by": entry.served_by[int(entry.served[i])],
                    "generation": entry.generation,
                    "latency_us": None if entry.latency_us is None else int(entry.latency_us[i]),
                },
            )

    def labels(self, entry: feed.Labels) -> Iterator[tuple[int, Line]]:
        """Tell each label of an entry that is not erased, and its place there."""
        for i, (row, value) in enumerate(zip(entry.rows.tolist(), entry.values.tolist(), strict=True)):
            if not math.isnan(value):
                yield i, {"row": row, "label": self._label(value), "time_us": entry.time_us}

    def dataset(self, data: Dataset) -> Iterator[Line]:
        """Tell each row of a dataset, with what was known of it."""
        for i, features in enumerate(data.rows):
            yield {
                "row": data.first_row + i,
                "features": self._named(features.tolist()),
                "label": self._label(float(data.labels[i])),
                "outputs": {version: number(float(values[i])) for version, values in data.outputs.items()},
            }

    def _named(self, values: list[float]) -> Line:
        """Give the values of a row by the names of features; by their numbers where the names were erased."""
        if not self._features:
            return {str(i): number(value) for i, value in enumerate(values)}
        return {
            one.name: _word(value, one.categories) if one.kind == CATEGORICAL else number(value)
            for one, value in zip(self._features, values, strict=True)
        }

    def _label(self, value: float) -> float | str | None:
        known = value.is_integer() and 0 <= value < len(self._classes)
        return self._classes[int(value)] if known else number(value)


def number(value: float) -> float | str | None:
    """Give a number as JSON can say it."""
    if math.isnan(value):
        return None
    return str(value) if math.isinf(value) else value


def _word(code: float, words: tuple[str, ...]) -> str | dict[str, int] | None:
    if math.isnan(code):
        return None
    return words[int(code)] if code < len(words) else {"code": int(code)}
