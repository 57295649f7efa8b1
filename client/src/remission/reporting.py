"""Reporting in the background: a bounded buffer between predictions and a server that may be away."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from remission.columns import Floats
from remission.scorers import Columns

MAX_BATCH_ROWS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """Rows that were scored and served."""

    columns: Columns
    prediction_ids: list[str]
    times_us: NDArray[np.int64]
    outputs: dict[str, Floats]
    served_by: list[str]
    unit_ids: list[str]
    latency_us: NDArray[np.int32]
    route_generation: int

    @property
    def size(self) -> int:
        """The number of rows."""
        return len(self.prediction_ids)

    def joins(self, other: Entry) -> bool:
        """Tell whether one batch may hold both."""
        return (
            isinstance(other, Scored)
            and other.route_generation == self.route_generation
            and other.columns.keys() == self.columns.keys()
        )

    def part(self, start: int, stop: int) -> Scored:
        """Return the rows from *start* up to *stop*."""
        rows = slice(start, stop)
        return replace(
            self,
            columns={name: values[rows] for name, values in self.columns.items()},
            prediction_ids=self.prediction_ids[rows],
            times_us=self.times_us[rows],
            outputs={version: values[rows] for version, values in self.outputs.items()},
            served_by=self.served_by[rows],
            unit_ids=self.unit_ids[rows],
            latency_us=self.latency_us[rows],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What turned out to be true of one prediction."""

    prediction_id: str
    value: float
    time_us: int

    size = 1

    def joins(self, other: Entry) -> bool:
        """Tell whether one batch may hold both."""
        return isinstance(other, Outcome)


Entry = Scored | Outcome


def merge(entries: Sequence[Scored]) -> Scored:
    """Return several entries as one; a version that did not score some of them gets NaN there."""
    versions = dict.fromkeys(version for entry in entries for version in entry.outputs)
    return replace(
        entries[0],
        columns={name: np.concatenate([entry.columns[name] for entry in entries]) for name in entries[0].columns},
        prediction_ids=[one for entry in entries for one in entry.prediction_ids],
        times_us=np.concatenate([entry.times_us for entry in entries]),
        outputs={
            version: np.concatenate([entry.outputs.get(version, np.full(entry.size, np.nan)) for entry in entries])
            for version in versions
        },
        served_by=[one for entry in entries for one in entry.served_by],
        unit_ids=[one for entry in entries for one in entry.unit_ids],
        latency_us=np.concatenate([entry.latency_us for entry in entries]),
    )


class Buffer:
    """Entries that wait to be sent, in order; at most *capacity* rows, those in flight included.

    What does not fit is dropped and counted: a prediction must never wait for a report.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.dropped = 0  #: rows and outcomes that were dropped
        self._held = 0
        self._entries: deque[Entry] = deque()
        self._changed = threading.Condition()
        self._closed = False

    def put(self, entry: Entry) -> bool:
        """Take *entry*, or drop all of it; never blocks."""
        with self._changed:
            if self._closed or self._held + entry.size > self.capacity:
                self.dropped += entry.size
                return False
            self._held += entry.size
            self._entries.append(entry)
            self._changed.notify_all()
            return True

    def take(self, linger_seconds: float) -> list[Entry]:
        """Return the next entries that fit one batch; wait for the first, then a moment for more.

        They count against the capacity until `settle`. Empty once the buffer is closed and drained.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._entries or self._closed)
            self._changed.wait_for(lambda: self._held >= MAX_BATCH_ROWS or self._closed, linger_seconds)
            taken: list[Entry] = []
            size = 0
            while self._entries and (not taken or taken[0].joins(self._entries[0])):
                size += self._entries[0].size
                if taken and size > MAX_BATCH_ROWS:
                    break
                taken.append(self._entries.popleft())
            return taken

    def settle(self, size: int, *, dropped: bool = False) -> None:
        """Free the room of entries that were answered, or dropped unsent."""
        with self._changed:
            self._held -= size
            self.dropped += size if dropped else 0
            self._changed.notify_all()

    def wait_empty(self, timeout: float) -> bool:
        """Wait until all is sent; tell whether it is."""
        with self._changed:
            return self._changed.wait_for(lambda: self._held == 0, timeout)

    def close(self) -> None:
        """Take no more; what waits can still be taken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def discard(self) -> None:
        """Drop all that waits."""
        with self._changed:
            self.dropped += sum(entry.size for entry in self._entries)
            self._held -= sum(entry.size for entry in self._entries)
            self._entries.clear()
            self._changed.notify_all()
