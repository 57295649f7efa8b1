"""Sending what was buffered: batches by their id until they are answered."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Protocol

import grpc
import numpy as np
from numpy.typing import ArrayLike

from remission.batches import MAX_BATCH_BYTES, make_batch
from remission.columns import Kinds
from remission.connection import new_id
from remission.errors import (
    AbortedError,
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
_MOST_TRIES = 5  #: of a batch that the server stumbles over
# A batch of rows is divided so many times to find the wrong ones: with all wrong, each would else be sent alone.
_MOST_DIVISIONS = 64
_PASSING = (UnavailableError, DeadlineExceededError, ResourceExhaustedError, AbortedError)
_SURPRISES = (grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.CANCELLED)
#: Fields that are wrong for all rows of a model, or for none.
_OF_ALL_ROWS = frozenset({"model", "name", "batch.columns"})


class BatchTooLarge(ValueError):
    """The batch has more bytes than a server takes."""

    def __init__(self, size: int) -> None:
        super().__init__(f"{type(self).__doc__} It has {size}; {MAX_BATCH_BYTES} are accepted.")
        self.size = size


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

    A batch is sent until it is answered, by the same id, so that a lost answer counts nothing twice. One that is
    refused is divided, so that a wrong row does not take others with it; what is refused alone is given up and
    counted, and the reason stays in `last_error`.
    """

    def __init__(self, intake: Intake, buffer: Buffer, model: str, pause_seconds: float = _PAUSE_SECONDS) -> None:
        self.sent = 0  #: rows and outcomes that the server has
        self.refused = 0  #: rows and outcomes that the server refused
        self.last_error: Exception | None = None
        self._intake, self._buffer, self._model, self._pause_seconds = intake, buffer, model, pause_seconds
        self._kinds: Kinds | None = None
        self._divisions = 0  # that are left for the rows at hand
        self._stop = threading.Event()

    def run(self) -> None:
        """Send until the buffer is closed and drained, or until `stop`."""
        while entries := self._buffer.take(_LINGER_SECONDS):
            self._divisions = _MOST_DIVISIONS
            # Rows go first: an outcome is taken only for a row that is there.
            self._send([entry for entry in entries if isinstance(entry, Scored)])
            self._send([entry for entry in entries if isinstance(entry, Outcome)])
            if self._stop.is_set():
                self._buffer.discard()

    def stop(self) -> None:
        """Give up what cannot be sent at once."""
        self._stop.set()

    def _send(self, entries: Sequence[Entry]) -> None:
        batch_id, tries = new_id(), 0
        while entries:
            try:
                self._deliver(entries, batch_id)
            except Exception as error:  # noqa: BLE001 - values of strangers fail in any way, and the next must still be sent
                self.last_error = error
                tries += 1
                if not self._stop.is_set() and not _may_pass(error, tries):
                    self._give_up(entries, error)
                    return
            else:
                self.sent += _size(entries)
                self._buffer.settle(_size(entries))
                return
            if self._stop.wait(self._pause_seconds):
                self._buffer.settle(_size(entries), dropped=True)
                return

    def _deliver(self, entries: Sequence[Entry], batch_id: str) -> None:
        scored = [entry for entry in entries if isinstance(entry, Scored)]
        if scored:
            self._intake.ingest_batch(self._model, self._make_batch(merge(scored), batch_id))
            return
        # In the order of time, as they must be, whatever the order in which they were reported.
        outcomes = sorted((entry for entry in entries if isinstance(entry, Outcome)), key=lambda entry: entry.time_us)
        self._intake.ingest_labels(
            self._model,
            [outcome.prediction_id for outcome in outcomes],
            [outcome.value for outcome in outcomes],
            times_us=np.array([outcome.time_us for outcome in outcomes], dtype=np.int64),
            batch_id=batch_id,
        )

    def _give_up(self, entries: Sequence[Entry], error: Exception) -> None:
        parts = self._divide(entries, error)
        for part in parts:
            self._send(part)
        if not parts:
            self.refused += _size(entries)
            self._buffer.settle(_size(entries))
        if not _depends_on_rows(error):
            self._kinds = None  # the model may have been registered anew

    def _divide(self, entries: Sequence[Entry], error: Exception) -> Sequence[Sequence[Entry]]:
        """Return two halves of what was refused, or nothing where halves would fare no better."""
        if not _depends_on_rows(error):
            return ()
        if isinstance(entries[0], Scored) and not _is_too_large(error):
            self._divisions -= 1
            if len(entries) == 1 or self._divisions < 0:
                return ()
        return _halve(entries)

    def _make_batch(self, scored: Scored, batch_id: str) -> Batch:
        if self._kinds is None:
            self._kinds = self._intake.feature_kinds(self._model)
        batch = make_batch(
            batch_id,
            scored.columns,
            outputs=scored.outputs,
            prediction_ids=scored.prediction_ids,
            times_us=scored.times_us,
            served_by=scored.served_by,
            route_generation=scored.route_generation,
            unit_ids=scored.unit_ids if any(scored.unit_ids) else (),
            subject_ids=scored.subject_ids if any(scored.subject_ids) else (),
            latency_us=scored.latency_us,
            kinds={name: kind for name, kind in self._kinds.items() if name in scored.columns},
        )
        if batch.ByteSize() > MAX_BATCH_BYTES:
            raise BatchTooLarge(batch.ByteSize())
        return batch


def _halve(entries: Sequence[Entry]) -> Sequence[Sequence[Entry]]:
    middle = len(entries) // 2
    if middle:
        return entries[:middle], entries[middle:]
    alone = entries[0]
    if isinstance(alone, Outcome) or alone.size == 1:
        return ()
    return [alone.part(0, alone.size // 2)], [alone.part(alone.size // 2, alone.size)]


def _size(entries: Sequence[Entry]) -> int:
    return sum(entry.size for entry in entries)


def _may_pass(error: Exception, tries: int) -> bool:
    """Tell whether the same batch may be taken the next time."""
    if _is_too_large(error) or not isinstance(error, CallError):
        return False
    return isinstance(error, _PASSING) or (error.code in _SURPRISES and tries < _MOST_TRIES)


def _is_too_large(error: Exception) -> bool:
    if isinstance(error, BatchTooLarge):
        return True
    # gRPC itself says so in words alone, on either side.
    return isinstance(error, ResourceExhaustedError) and (
        error.reason == "TOO_LARGE" or "larger than max" in error.message
    )


def _depends_on_rows(error: Exception) -> bool:
    """Tell whether fewer rows, or others, may be taken where these were refused."""
    if not isinstance(error, CallError):
        return True
    if not _is_too_large(error) and not isinstance(error, NotFoundError | AlreadyExistsError | InvalidArgumentError):
        return False
    return error.reason != "MODEL_MISSING" and all(one.field not in _OF_ALL_ROWS for one in error.violations)
