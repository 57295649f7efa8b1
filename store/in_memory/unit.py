"""Writing the rows in memory."""

from collections.abc import Callable, Sequence
from typing import Any

from statemachine.record.envelope import NewEvent, RecordedEvent
from store.errors import AlreadyRecorded, RecordIsImmutable, ReferenceMissing
from store.in_memory.reader import MemoryReader
from store.in_memory.rows import Rows
from store.ledger import Ledger
from store.records import (
    Checkpoint,
    ClearCheckpoint,
    ClearLease,
    ClearRequest,
    ClearTimer,
    Cursor,
    Erasure,
    Evidence,
    FeedItem,
    Head,
    Job,
    Lease,
    Projection,
    Request,
    Route,
    Timer,
    Window,
    Write,
)
from store.rules import DAY_US, first_answer, next_item


class MemoryUnit(MemoryReader):
    """Writes the rows as well."""

    def __init__(self, ledger: Ledger, rows: Rows) -> None:
        super().__init__(rows)
        self._ledger = ledger

    def append(self, stream: str, expected_version: int, events: Sequence[NewEvent]) -> tuple[RecordedEvent, ...]:
        """Record *events* behind version *expected_version*."""
        rows = self._rows
        placed, _, _ = self._ledger.place(events, stream, expected_version, rows.tail(stream), rows.head)
        for event in placed:
            rows.add_event(event)
        return placed

    def settled_head(self) -> Head:
        """Return the newest place that was committed before this transaction."""
        edge = self._rows.edge
        return Head(edge.size, edge.root().hex(), self._rows.head.epoch)

    def take_lease(self, job_id: str) -> Lease | None:
        """Return the lease on a job: works here come one after the other, so none has taken it."""
        return self.lease(job_id)

    def answer(self, request_id: str, payload_sha256: str) -> bytes | None:
        """Return the answer that this request got before."""
        return first_answer(self.request(request_id), payload_sha256)

    def remember(self, request_id: str, payload_sha256: str, response: bytes) -> None:
        """Keep the answer to a request."""
        if request_id in self._rows.requests:
            raise AlreadyRecorded("requests_pkey")
        request = Request(
            request_id=request_id,
            payload_sha256=payload_sha256,
            response=response,
            recorded_us=self._ledger.clock_us(),
        )
        self._rows.requests.put(request_id, request)

    def put(self, write: Write) -> None:
        """Keep one row, or forget one."""
        _PUTS[type(write)](self._rows, write)


def _put_evidence(rows: Rows, write: Evidence) -> None:
    if write.sha256 not in rows.evidence:
        rows.evidence.put(write.sha256, write)


def _put_feed(rows: Rows, write: FeedItem) -> None:
    next_item(MemoryReader(rows).feed_head(write.stream), write)
    if (write.stream, write.kind, write.batch_id) in rows.batches:
        raise AlreadyRecorded("feed_batch_key")
    rows.add_item(write)


def _put_lease(rows: Rows, write: Lease) -> None:
    if write.job_id not in rows.jobs:
        raise ReferenceMissing("leases_job_fkey")
    rows.leases.put(write.job_id, write)


def _put_window(rows: Rows, write: Window) -> None:
    if write.evidence_sha256 not in rows.evidence:
        raise ReferenceMissing("windows_evidence_fkey")
    key = (write.stream, write.epoch, write.kind)
    others = [window for window in rows.windows.get(key) or () if window.idx != write.idx]
    rows.windows.put(key, tuple(sorted([*others, write], key=lambda window: window.idx)))


def _put_route(rows: Rows, write: Route) -> None:
    rows.routes.put((write.stream, write.generation), write)
    rows.newest_routes.put(write.stream, max(write.generation, rows.newest_routes.get(write.stream) or 0))


def _put_checkpoint(rows: Rows, write: Checkpoint) -> None:
    if (write.epoch, write.size) in rows.checkpoints:
        raise AlreadyRecorded("checkpoints_pkey")
    rows.checkpoints.put((write.epoch, write.size), write)


def _clear_checkpoint(rows: Rows, write: ClearCheckpoint) -> None:
    found = rows.checkpoints.get((write.epoch, write.size))
    if found is None:
        return
    if not any(_later_that_day(one, found) for one in rows.checkpoints.rows.values()):
        raise RecordIsImmutable("checkpoints")
    rows.checkpoints.drop((write.epoch, write.size))


def _later_that_day(one: Checkpoint, found: Checkpoint) -> bool:
    same = one.epoch == found.epoch and one.created_us // DAY_US == found.created_us // DAY_US
    return same and one.size > found.size


# The key of the table is the type of the argument, which no type can say.
_PUTS: dict[type, Callable[[Rows, Any], None]] = {
    Evidence: _put_evidence,
    Projection: lambda rows, write: rows.projections.put(write.stream, write),
    Timer: lambda rows, write: rows.timers.put((write.stream, write.name), write),
    ClearTimer: lambda rows, write: rows.timers.drop((write.stream, write.name)),
    Job: lambda rows, write: rows.jobs.put(write.job_id, write),
    Lease: _put_lease,
    ClearLease: lambda rows, write: rows.leases.drop(write.job_id),
    FeedItem: _put_feed,
    Cursor: lambda rows, write: rows.cursors.put((write.stream, write.name), write),
    Window: _put_window,
    Route: _put_route,
    Erasure: lambda rows, write: rows.erasures.put(write.erasure_id, write),
    Checkpoint: _put_checkpoint,
    ClearCheckpoint: _clear_checkpoint,
    ClearRequest: lambda rows, write: rows.requests.drop(write.request_id),
}
