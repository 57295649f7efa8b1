"""The tape: what a model's latest rows were, what versions answered, and what turned out to be true."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from server.intake import feed
from server.intake.feed import Floats

Rows = npt.NDArray[np.int64]
GROWTH = 2
FIRST_ROOM = 1_024


class Tape:
    """Columns by row number, growing at the end."""

    def __init__(self, features: int) -> None:
        self.end = 0  #: one past the last row
        self.generation = np.zeros(FIRST_ROOM, dtype=np.int64)
        self.times_us = np.zeros(FIRST_ROOM, dtype=np.int64)
        self._features = np.empty((features, FIRST_ROOM))
        self.labels = np.full(FIRST_ROOM, np.nan)
        self.delay_us = np.full(FIRST_ROOM, np.nan)  #: from a row to its label; NaN while it has none
        self.latency_us = np.full(FIRST_ROOM, np.nan)  #: of predictions; NaN where it was not told
        self.erased = np.zeros(FIRST_ROOM, dtype=np.bool_)  #: rows of which nothing is known any more
        self._served = np.full(FIRST_ROOM, -1, dtype=np.int16)
        self._versions: list[str] = []
        self._outputs: dict[str, Floats] = {}

    def take(self, rows: feed.Rows) -> None:
        """Append rows."""
        first, end = rows.first_row, rows.first_row + rows.count
        self._make_room(end)
        self._features[:, first:end] = rows.features
        self.generation[first:end] = rows.generation
        self.times_us[first:end] = rows.times_us
        if rows.erased is not None:
            self.erased[first:end] = rows.erased
        if rows.latency_us is not None:
            self.latency_us[first:end] = rows.latency_us
        for version, values in rows.outputs.items():
            self._column(version)[first:end] = values
        numbers = np.array([self._versions.index(version) for version in rows.served_by], dtype=np.int16)
        self._served[first:end] = numbers[rows.served]
        self.end = end

    def label(self, labels: feed.Labels) -> None:
        """Note what turned out to be true."""
        self.labels[labels.rows] = labels.values
        self.delay_us[labels.rows] = np.maximum(labels.time_us - self.times_us[labels.rows], 0)

    def living(self, rows: Rows) -> npt.NDArray[np.bool_]:
        """Say which of *rows*, all labelled once, are not erased."""
        return np.asarray(~self.erased[rows] & ~np.isnan(self.labels[rows]), dtype=np.bool_)

    def features(self, first: int, end: int) -> Floats:
        """Give the (rows, features) matrix of [first, end)."""
        return np.ascontiguousarray(self._features[:, first:end].T)

    def matrix(self, rows: Rows) -> Floats:
        """Give the (rows, features) matrix of *rows*."""
        return np.ascontiguousarray(self._features[:, rows].T)

    def feature(self, index: int, rows: Rows) -> Floats:
        """Give what one feature was on *rows*."""
        return np.asarray(self._features[index, rows])

    def outputs(self, version: str, rows: Rows) -> Floats:
        """Give what *version* answered on *rows*; NaN where it was not asked."""
        column = self._outputs.get(version)
        return np.full(len(rows), np.nan) if column is None else column[rows]

    def served_by(self, version: str, rows: Rows) -> npt.NDArray[np.bool_]:
        """Say on which of *rows* the answer of *version* was served."""
        number = self._versions.index(version) if version in self._versions else -2
        return np.asarray(self._served[rows] == number, dtype=np.bool_)

    def served(self, first: int, end: int) -> Floats:
        """Give what was served on the rows [first, end)."""
        return self.answers(np.arange(first, end))

    def answers(self, rows: Rows) -> Floats:
        """Give what was served on *rows*."""
        found = np.full(len(rows), np.nan)
        for version in self._versions:
            here = self.served_by(version, rows)
            found[here] = self.outputs(version, rows)[here]
        return found

    def versions(self) -> list[str]:
        """Name the versions that ever answered."""
        return list(self._versions)

    def _column(self, version: str) -> Floats:
        if version not in self._outputs:
            self._versions.append(version)
            self._outputs[version] = np.full(len(self.labels), np.nan)
        return self._outputs[version]

    def _make_room(self, end: int) -> None:
        room = len(self.labels)
        if end <= room:
            return
        more = max(end, room * GROWTH) - room
        self._features = np.pad(self._features, ((0, 0), (0, more)))
        self.generation = np.pad(self.generation, (0, more))
        self.times_us = np.pad(self.times_us, (0, more))
        self.erased = np.pad(self.erased, (0, more))
        self.labels = np.pad(self.labels, (0, more), constant_values=np.nan)
        self.delay_us = np.pad(self.delay_us, (0, more), constant_values=np.nan)
        self.latency_us = np.pad(self.latency_us, (0, more), constant_values=np.nan)
        self._served = np.pad(self._served, (0, more), constant_values=-1)
        self._outputs = {
            version: np.pad(values, (0, more), constant_values=np.nan) for version, values in self._outputs.items()
        }
