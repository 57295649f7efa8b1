"""Writing the rows of a database."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from statemachine.record.envelope import NewEvent, RecordedEvent, leaf_hash
from store.at_rest import AtRest
from store.errors import Interrupted
from store.ledger import NO_HEAD, NO_TAIL, Ledger, Tail
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
    Route,
    Timer,
    Window,
    Write,
)
from store.rules import first_answer, next_item
from store.sql.link import Link
from store.sql.listening import channel_of
from store.sql.pending import Pending
from store.sql.reader import SqlReader
from store.sql.rows import columns_of, event_row, told
from store.sql.statement import Statement
from store.sql.statements import Statements
from store.sql.tables import (
    CHECKPOINTS,
    CURSORS,
    ERASURES,
    FEED,
    JOBS,
    LEASES,
    PROJECTIONS,
    ROUTES,
    TILES,
    TIMERS,
    WINDOWS,
)
from store.tree import Edge, edge_at

#: Streams whose ends are remembered between transactions, at most.
_MOST_TAILS = 100_000


@dataclass(slots=True)
class Ends:
    """Where the log, its tree and its streams end."""

    head: Head = NO_HEAD
    edge: Edge | None = None
    #: Of every stream that has an event behind position *since*, and of those that were asked for.
    tails: dict[str, Tail] = field(default_factory=dict)
    since: int = 0

    def take(self, newer: "Ends") -> None:
        """Move on to *newer*."""
        self.head = newer.head
        self.edge = newer.edge or self.edge
        self.tails.update(newer.tails)

    def forget_most(self) -> None:
        """Let go of the streams, once they are many. They can be asked for again."""
        if len(self.tails) > _MOST_TAILS:
            self.start_at(self.head)

    def start_at(self, head: Head) -> None:
        """Know no more than where the log ends."""
        self.tails.clear()
        self.head, self.since = head, head.position

    def read_on(self, head: Head, appended: Iterable[Sequence[Any]]) -> None:
        """Move on to *head*; *appended* are stream, version and hash of the events up to there, in order."""
        self.tails.update((stream, Tail(version, hashed)) for stream, version, hashed in appended)
        self.head = head


@dataclass(slots=True)
class Work:
    """What one piece of work has appended: where it left log and streams, and the leaves that the tree gets."""

    head: Head
    tails: dict[str, Tail]
    leaves: list[bytes]


class SqlUnit(SqlReader):
    """Writes the rows as well, within one transaction that may hold many works."""

    # A connection with its statements, who places events, how rows stand in the database, and where the log is.
    def __init__(self, link: Link, statements: Statements, ledger: Ledger, at_rest: AtRest, known: Ends) -> None:
        super().__init__(link, statements, ledger.namespace, at_rest)
        self.pending = Pending(link)
        self._ledger = ledger
        self._known = known
        self._work = Work(known.head, {}, [])
        self._leaves: list[bytes] = []
        #: Where the works that succeeded have left the log.
        self.reached = Ends(known.head)

    def start(self) -> None:
        """Begin a piece of work."""
        self._work = Work(self.reached.head, {}, [])
        self.pending.start()

    def finish(self) -> None:
        """End a piece of work that succeeded."""
        self.pending.finish()
        work = self._work
        self.reached.head = work.head
        self.reached.tails.update(work.tails)
        self._leaves += work.leaves

    def move_head(self, old: Head) -> None:
        """Let the tree grow, and write where the log ends now, if it was at *old* until now.

        Raises:
            Interrupted: Someone else has moved it.
            TreeAltered: The events before these do not have the root that *old* says.
        """
        if not self._leaves:
            return
        new = self._grown(old)
        fence = {"old_position": old.position, "old_epoch": old.epoch}
        place = {"new_position": new.position, "new_root": new.root, "channel": channel_of(self._namespace)}
        moved = self._link.write(self._say.move_head, [{**fence, **place}])
        if moved != 1:
            raise Interrupted("another writer has moved the head")

    def _grown(self, old: Head) -> Head:
        # It grows where it is, without a copy: only a commit gives it back, and without one it is read anew.
        known, self._known.edge = self._known.edge, None
        edge = edge_at(old, self, known)
        full = edge.grow(self._leaves)
        if full:
            self._link.write(self._say.add_tile, [told(tile, columns_of(TILES)) for tile in full])
        new = Head(edge.size, edge.root().hex(), old.epoch)
        self.reached.head, self.reached.edge = new, edge
        return new

    def head(self) -> Head:
        """Return the newest place, that of this work included."""
        return self._work.head

    def settled_head(self) -> Head:
        """Return the newest place that was committed before this transaction."""
        return self._known.head

    def version(self, stream: str) -> int:
        """Return the stream's newest version, that of this work included."""
        return self._tail(stream).version

    def timers(self, stream: str) -> tuple[Timer, ...]:
        """Take the timers of a stream."""
        return self._all(Timer, self._say.take_timers, stream=stream)

    def take_lease(self, job_id: str) -> Lease | None:
        """Take the lease on a job."""
        return self._one(Lease, self._say.take_lease, job_id=job_id)

    def append(self, stream: str, expected_version: int, events: Sequence[NewEvent]) -> tuple[RecordedEvent, ...]:
        """Record *events* behind version *expected_version*."""
        work = self._work
        placed, tail, head = self._ledger.place(events, stream, expected_version, self._tail(stream), work.head)
        sealed = self._at_rest.sealed_payload
        self.pending.add_all(self._say.add_event, [event_row(event, *sealed(event)) for event in placed])
        work.tails[stream], work.head = tail, head
        work.leaves += map(leaf_hash, placed)
        return placed

    def put(self, write: Write) -> None:
        """Keep one row, or forget one."""
        _PUTS[type(write)](self, write)

    def answer(self, request_id: str, payload_sha256: str) -> bytes | None:
        """Return the answer that this request got before."""
        return first_answer(self.request(request_id), payload_sha256)

    def remember(self, request_id: str, payload_sha256: str, response: bytes) -> None:
        """Keep the answer to a request."""
        row = {
            "request_id": request_id,
            "payload_sha256": payload_sha256,
            "response": response,
            "recorded_us": self._ledger.clock_us(),
        }
        self.pending.add(self._say.add_request, row, request_id)

    def put_evidence(self, write: Evidence) -> None:
        """Keep evidence under its hash, unless it is there."""
        body, key_id = self._at_rest.sealed_evidence(write)
        about = {"sha256": write.sha256, "kind": write.kind, "created_us": self._ledger.clock_us()}
        self.pending.add(self._say.add_evidence, {**about, "body": body, "key_id": key_id}, write.sha256)

    def put_item(self, write: FeedItem) -> None:
        """Keep the next item of a feed."""
        next_item(self.feed_head(write.stream), write)
        row = told(write, columns_of(FEED))
        self.pending.add(self._say.add_item, row, write.stream, write.kind, write.batch_id)

    def put_row(self, statement: Statement, write: Write, columns: Sequence[str], key: Sequence[str]) -> None:
        """Run *statement* with the values of *write* in *columns*; reads find it by *key*."""
        row = told(write, columns)
        self.pending.add(statement, row, *(row[name] for name in key))

    def _jobs_by_status(self, status: str) -> tuple[Job, ...]:
        return self._all(Job, self._say.take_jobs_by_status, status=status)

    def statement(self, name: str) -> Statement:
        """Return a statement by name."""
        found: Statement = getattr(self._say, name)
        return found

    def _tail(self, stream: str) -> Tail:
        for ends in (self._work, self.reached, self._known):
            known = ends.tails.get(stream)
            if known is not None:
                return known
        tail = self._work.tails[stream] = self._asked_tail(stream) if self._known.since else NO_TAIL
        return tail

    def _asked_tail(self, stream: str) -> Tail:
        row = self._link.row(self._say.tail, stream=stream)
        return NO_TAIL if row is None else Tail(*row)

    def _ready(self, table: str, *key: object) -> None:
        """Send the writes that a read of *table* could miss."""
        self.pending.send_for(table, *key)


# What each record's table is called, and by which columns its rows are read one by one.
def _row(name: str, columns: Sequence[str], *key: str) -> Callable[[SqlUnit, Any], None]:
    return lambda unit, write: unit.put_row(unit.statement(name), write, columns, key)


_PUTS: dict[type, Callable[[SqlUnit, Any], None]] = {
    Evidence: SqlUnit.put_evidence,
    Projection: _row("put_projection", columns_of(PROJECTIONS), "stream"),
    Timer: _row("put_timer", columns_of(TIMERS), "stream", "name"),
    ClearTimer: _row("clear_timer", ("stream", "name"), "stream", "name"),
    Job: _row("put_job", columns_of(JOBS), "job_id"),
    Lease: _row("put_lease", columns_of(LEASES), "job_id"),
    ClearLease: _row("clear_lease", ("job_id",), "job_id"),
    FeedItem: SqlUnit.put_item,
    Cursor: _row("put_cursor", columns_of(CURSORS), "stream", "name"),
    Window: _row("put_window", columns_of(WINDOWS), "stream", "epoch", "kind", "idx"),
    Route: _row("put_route", columns_of(ROUTES), "stream", "generation"),
    Erasure: _row("put_erasure", columns_of(ERASURES), "erasure_id"),
    Checkpoint: _row("add_checkpoint", columns_of(CHECKPOINTS), "epoch", "size"),
    ClearCheckpoint: _row("clear_checkpoint", ("epoch", "size"), "epoch", "size"),
    ClearRequest: _row("clear_request", ("request_id",), "request_id"),
}
