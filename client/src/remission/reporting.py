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
    subject_ids: list[str]
    latency_us: NDArray[np.int32]
    route_generation: int

    @property
    def size(self) -> int:
        """The number of rows."""
        return len(self.prediction_ids)

    def joins(self, other: Scored) -> bool:
        """Tell whether one batch may hold both."""
        return other.route_generation == self.route_generation and other.columns.keys() == self.columns.keys()

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
            subject_ids=self.subject_ids[rows],
            latency_us=self.latency_us[rows],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What turned out to be true of one prediction."""

    prediction_id: str
    value: float
    time_us: int

    size = 1


Entry = Scored | Outcome


def merge(entries: Sequence[Scored]) -> Scored:
    """Return several entries as one, in an order of time that never goes back, as a batch must be.

    A version that did not score some of them gets NaN there.
    """
    versions = dict.fromkeys(version for entry in entries for version in entry.outputs)
    return replace(
        entries[0],
        columns={name: _join([entry.columns[name] for entry in entries]) for name in entries[0].columns},
        prediction_ids=[one for entry in entries for one in entry.prediction_ids],
        # Threads overtake each other, and clocks are set back.
        times_us=np.maximum.accumulate(np.concatenate([entry.times_us for entry in entries])),
        outputs={
            version: np.concatenate([entry.outputs.get(version, np.full(entry.size, np.nan)) for entry in entries])
            for version in versions
        },
        served_by=[one for entry in entries for one in entry.served_by],
        unit_ids=[one for entry in entries for one in entry.unit_ids],
        subject_ids=[one for entry in entries for one in entry.subject_ids],
        latency_us=np.concatenate([entry.latency_us for entry in entries]),
    )


def _join(parts: Sequence[NDArray[np.generic]]) -> NDArray[np.generic]:
    # Numbers beside words would all become words: 1 beside "a" is still 1, and True is not.
    if len({part.dtype.kind for part in parts}) > 1:
        return np.concatenate([part.astype(np.object_) for part in parts])
    return np.concatenate(parts)


class Buffer:
    """Entries that wait to be sent, in order; at most *capacity* rows, those in flight included.

    What does not fit is dropped and counted: a prediction must never wait for a report.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.dropped = 0  #: rows and outcomes that were dropped
        self.last_fault: Exception | None = None  #: why rows could not be taken, the last time
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

    def turn_away(self, size: int, why: Exception) -> None:
        """Count rows that cannot be reported at all as dropped."""
        with self._changed:
            self.dropped += size
            self.last_fault = why

    def take(self, linger_seconds: float) -> list[Entry]:
        """Return the next entries that fit one batch; wait for the first, then a moment for more.

        They count against the capacity until `settle`. Empty once the buffer is closed and drained.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._entries or self._closed)
            self._changed.wait_for(lambda: self._held >= MAX_BATCH_ROWS or self._closed, linger_seconds)
            return self._take_batch()

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

    def _take_batch(self) -> list[Entry]:
        # Outcomes go along with rows: they may come one by one in turn, and a batch for each would never keep up.
        taken: list[Entry] = []
        size, scored = 0, None
        while self._entries:
            entry = self._entries[0]
            if taken and size + entry.size > MAX_BATCH_ROWS:
                break
            if isinstance(entry, Scored):
                if scored is not None and not scored.joins(entry):
                    break
                scored = entry
            size += entry.size
            taken.append(self._entries.popleft())
        return taken
