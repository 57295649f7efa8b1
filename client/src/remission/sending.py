"""Sending what was buffered: batches by their id until they are answered."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from remission.batches import make_batch
from remission.columns import Kinds
from remission.connection import new_id
from remission.errors import (
    AlreadyExistsError,
    CallError,
    DeadlineExceededError,
    InvalidArgumentError,
    NotFoundError,
    ResourceExhaustedError,
    UnavailableError,
)
from remission.reporting import Buffer, Entry, Outcome, Scored, merge
from remission.v1.ingest_pb2 import Batch, IngestLabelsResponse, Receipt

_LINGER_SECONDS = 0.2
_PAUSE_SECONDS = 1.0


class Intake(Protocol):
    """Where batches go; raises `CallError`."""

    def ingest_batch(self, model: str, batch: Batch, /) -> Receipt:
        """Send predictions."""
        ...

    def ingest_labels(
        self, model: str, prediction_ids: Sequence[str], values: ArrayLike, /, *, times_us: ArrayLike, batch_id: str
    ) -> IngestLabelsResponse:
        """Send labels."""
        ...

    def feature_kinds(self, model: str, /) -> Kinds:
        """Return the kinds of the model's features."""
        ...


class Sender:
    """Empties a buffer into a server, in order.

    A batch is sent until it is answered, by the same id, so that a lost answer counts nothing twice. A batch that the
    server refuses is given up and counted; the reason stays in `last_error`.
    """

    def __init__(self, intake: Intake, buffer: Buffer, model: str) -> None:
        self.sent = 0  #: rows and outcomes that the server has
        self.refused = 0  #: rows and outcomes that the server refused
        self.last_error: Exception | None = None
        self._intake, self._buffer, self._model = intake, buffer, model
        self._kinds: Kinds | None = None
        self._stop = threading.Event()

    def run(self) -> None:
        """Send until the buffer is closed and drained, or until `stop`."""
        while entries := self._buffer.take(_LINGER_SECONDS):
            self._send(entries, new_id())
            if self._stop.is_set():
                self._buffer.discard()

    def stop(self) -> None:
        """Give up what cannot be sent at once."""
        self._stop.set()

    def _send(self, entries: list[Entry], batch_id: str) -> None:
        while True:
            try:
                self._deliver(entries, batch_id)
            except (CallError, ValueError) as error:
                if not self._stop.is_set() and not _may_pass(error):
                    self._give_up(entries, error)
                    return
                self.last_error = error
            else:
                self.sent += _size(entries)
                self._buffer.settle(_size(entries))
                return
            if self._stop.wait(_PAUSE_SECONDS):
                self._buffer.settle(_size(entries), dropped=True)
                return

    def _deliver(self, entries: list[Entry], batch_id: str) -> None:
        scored = [entry for entry in entries if isinstance(entry, Scored)]
        outcomes = [entry for entry in entries if isinstance(entry, Outcome)]
        if scored:
            self._intake.ingest_batch(self._model, self._make_batch(merge(scored), batch_id))
        if outcomes:
            self._intake.ingest_labels(
                self._model,
                [outcome.prediction_id for outcome in outcomes],
                [outcome.value for outcome in outcomes],
                times_us=np.array([outcome.time_us for outcome in outcomes]),
                batch_id=batch_id,
            )

    def _give_up(self, entries: list[Entry], error: Exception) -> None:
        # One label of a dropped prediction must not take the others with it: halve until it stands alone.
        if _names_labels(error) and isinstance(entries[0], Outcome) and len(entries) > 1:
            middle = len(entries) // 2
            self._send(entries[:middle], new_id())
            self._send(entries[middle:], new_id())
            return
        self.last_error = error
        self.refused += _size(entries)
        self._buffer.settle(_size(entries))

    def _make_batch(self, scored: Scored, batch_id: str) -> Batch:
        if self._kinds is None:
            self._kinds = self._intake.feature_kinds(self._model)
        return make_batch(
            batch_id,
            scored.columns,
            outputs=scored.outputs,
            prediction_ids=scored.prediction_ids,
            times_us=scored.times_us,
            served_by=scored.served_by,
            route_generation=scored.route_generation,
            unit_ids=scored.unit_ids if any(scored.unit_ids) else (),
            latency_us=scored.latency_us,
            kinds={name: kind for name, kind in self._kinds.items() if name in scored.columns},
        )


def _size(entries: list[Entry]) -> int:
    return sum(entry.size for entry in entries)


def _may_pass(error: Exception) -> bool:
    return isinstance(error, UnavailableError | DeadlineExceededError | ResourceExhaustedError)


def _names_labels(error: Exception) -> bool:
    if not isinstance(error, NotFoundError | AlreadyExistsError | InvalidArgumentError):
        return False
    return not any(violation.field == "model" for violation in error.violations)
