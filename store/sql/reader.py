"""Reading the rows of a database."""

import bisect
from collections.abc import Sequence
from functools import partial
from typing import Any, TypeVar

import orjson

from statemachine.record.canonical import digest
from statemachine.record.envelope import RecordedEvent, Telling, leaf_hash
from store.at_rest import AtRest, SealedEvidence
from store.errors import EvidenceAltered, EvidenceMissing, TileMissing
from store.ledger import NO_HEAD
from store.records import (
    Checkpoint,
    Cursor,
    Erasure,
    FeedHead,
    FeedItem,
    Head,
    Job,
    Lease,
    Projection,
    Request,
    Route,
    Timer,
    Window,
)
from store.sql.link import Link
from store.sql.rows import bytes_of, columns_of, event_of, events_of, made, tellings_of
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
    REQUESTS,
    ROUTES,
    TIMERS,
    WINDOWS,
)
from store.tree import HASH_BYTES, WIDTH

T = TypeVar("T")

#: The largest version or row that a column holds.
_NO_END = 2**63 - 1

_COLUMNS: dict[type, tuple[str, ...]] = {
    kind: columns_of(table)
    for kind, table in (
        (Checkpoint, CHECKPOINTS),
        (Cursor, CURSORS),
        (Erasure, ERASURES),
        (FeedItem, FEED),
        (Job, JOBS),
        (Lease, LEASES),
        (Projection, PROJECTIONS),
        (Request, REQUESTS),
        (Route, ROUTES),
        (Timer, TIMERS),
        (Window, WINDOWS),
    )
}


class SqlReader:
    """Answers from one open transaction."""

    def __init__(self, link: Link, statements: Statements, namespace: str, at_rest: AtRest) -> None:
        self._link = link
        self._say = statements
        self._namespace = namespace
        self._sealing, self._noticed = at_rest, False

    def head(self) -> Head:
        """Return the newest place."""
        row = self._link.row(self._say.head)
        return NO_HEAD if row is None else Head(*row)

    def clock_us(self) -> int | None:
        """Return what the database's clock shows; a file has none."""
        row = self._link.row(self._say.clock)
        return None if row is None else row[0]

    def stay(self) -> None:
        """Let the database know that this work goes on."""
        self._link.stay()

    def events(self, stream: str, after: int = 0, until: int | None = None) -> tuple[RecordedEvent, ...]:
        """Return the stream's events with after < version <= until."""
        rows = self._between(self._say.events, stream, after, until)
        return events_of(self._namespace, rows, self._at_rest)

    def tellings(self, stream: str, after: int = 0, until: int | None = None) -> tuple[Telling, ...]:
        """Return what the stream's events with after < version <= until tell."""
        rows = self._between(self._say.tellings, stream, after, until)
        return tellings_of(stream, rows, self._at_rest)

    def all_events(self, after_position: int, limit: int) -> tuple[RecordedEvent, ...]:
        """Return events with position > *after_position*."""
        self._ready("events")
        rows = self._link.rows(self._say.all_events, after=after_position, limit=limit)
        return events_of(self._namespace, rows, self._at_rest)

    def events_of(self, types: Sequence[str], after_position: int, limit: int) -> tuple[RecordedEvent, ...]:
        """Return events of these types with position > *after_position*."""
        self._ready("events")
        listed = orjson.dumps(types).decode()
        rows = self._link.rows(self._say.events_of, types=listed, after=after_position, limit=limit)
        return events_of(self._namespace, rows, self._at_rest)

    def repeated_ids(self, limit: int) -> tuple[tuple[str, int], ...]:
        """Return ids that more than one event has, each with the first position."""
        self._ready("events")
        found = self._link.rows(self._say.repeated_ids, limit=limit)
        return tuple((event_id, position) for event_id, position in found)

    def tile(self, level: int, idx: int, width: int = WIDTH) -> bytes:
        """Return the first *width* hashes of a tile of the tree."""
        row = self._link.row(self._say.tile, level=level, idx=idx)
        found = bytes_of(row[0]) if row else self._open_tile(level, idx, width)
        if found is None or len(found) < width * HASH_BYTES:
            raise TileMissing(level, idx, width)
        return found[: width * HASH_BYTES]

    def checkpoints(
        self, before_size: int | None = None, limit: int = 1, *, epoch: int | None = None
    ) -> tuple[Checkpoint, ...]:
        """Return checkpoints of the epoch in force, or of *epoch*, the newest first."""
        before = _NO_END if before_size is None else before_size
        return self._all(
            Checkpoint, self._say.checkpoints, epoch=epoch or self.head().epoch, before=before, limit=limit
        )

    def checkpoint_times(self, before_size: int | None, limit: int, *, epoch: int) -> tuple[tuple[int, int], ...]:
        """Return size and created_us of checkpoints of *epoch*, the newest first."""
        self._ready("checkpoints")
        before = _NO_END if before_size is None else before_size
        found = self._link.rows(self._say.checkpoint_times, epoch=epoch, before=before, limit=limit)
        return tuple((size, created_us) for size, created_us in found)

    def version(self, stream: str) -> int:
        """Return the stream's newest version."""
        row = self._link.row(self._say.tail, stream=stream)
        return 0 if row is None else int(row[0])

    def version_at(self, stream: str, position: int) -> int:
        """Return the version that the stream had at *position*."""
        self._ready("events")
        there = self._link.row(self._say.owner, position=position)
        if there is not None and there[0] == stream:
            return int(there[1])  # who reads on comes back with the place of an event of this stream
        return bisect.bisect_right(range(1, self.version(stream) + 1), position, key=partial(self._place, stream))

    def evidence(self, sha256: str) -> bytes:
        """Return the bytes under this hash, checked against it."""
        self._ready("evidence", sha256)
        row = self._link.row(self._say.evidence, sha256=sha256)
        body = bytes_of(row[0]) if row else None
        if body is None:
            raise EvidenceMissing(sha256)
        if row and row[1] is not None:
            body = self._at_rest.opened_evidence(SealedEvidence(sha256, body, row[1]))
        if digest(body) != sha256:
            raise EvidenceAltered(sha256, digest(body))
        return body

    def sealed_under(self, sha256: str) -> str | None:
        """Return the id of the key that sealed this evidence."""
        self._ready("evidence", sha256)
        row = self._link.row(self._say.evidence, sha256=sha256)
        return None if row is None else row[1]

    def projection(self, stream: str) -> Projection | None:
        """Return the stream's state."""
        return self._one(Projection, self._say.projection, stream=stream)

    def projections(self, after: str = "", limit: int = 1000) -> tuple[Projection, ...]:
        """Return projections in order of stream."""
        return self._all(Projection, self._say.projections, after=after, limit=limit)

    def timer(self, stream: str, name: str) -> Timer | None:
        """Return one timer."""
        return self._one(Timer, self._say.timer, stream=stream, name=name)

    def timers(self, stream: str) -> tuple[Timer, ...]:
        """Return the stream's timers, by name."""
        return self._all(Timer, self._say.timers, stream=stream)

    def timers_due(self, now_us: int, limit: int = 1000) -> tuple[Timer, ...]:
        """Return timers that are due."""
        return self._all(Timer, self._say.timers_due, now_us=now_us, limit=limit)

    def next_timer(self) -> Timer | None:
        """Return the timer that is due first."""
        return next(iter(self._all(Timer, self._say.next_timer)), None)

    def job(self, job_id: str) -> Job | None:
        """Return one job."""
        return self._one(Job, self._say.job, job_id=job_id)

    def jobs(self, *, status: str | None = None, kind: str | None = None, stream: str | None = None) -> tuple[Job, ...]:
        """Return the jobs that match every filter given."""
        jobs = self._all(Job, self._say.jobs) if status is None else self._jobs_by_status(status)
        return tuple(job for job in jobs if kind in (None, job.kind) and stream in (None, job.stream))

    def lease(self, job_id: str) -> Lease | None:
        """Return the lease on a job."""
        return self._one(Lease, self._say.lease, job_id=job_id)

    def leases(self, *, status: str) -> tuple[Lease, ...]:
        """Return the leases on jobs of this status."""
        self._ready("jobs")
        return self._all(Lease, self._say.leases, status=status)

    def feed(self, stream: str, after_seq: int, limit: int) -> tuple[FeedItem, ...]:
        """Return items with seq > *after_seq*."""
        return self._all(FeedItem, self._say.feed, stream=stream, after=after_seq, limit=limit)

    def feed_rows(self, stream: str, first_row: int, until_row: int) -> tuple[FeedItem, ...]:
        """Return the items that hold rows of [first_row, until_row)."""
        stretch = {"stream": stream, "kind": "rows", "after": first_row, "until": until_row}
        before = self._all(FeedItem, self._say.feed_row_before, **stretch)
        reaching = tuple(item for item in before if item.first_row + item.row_count > first_row)
        return reaching + self._all(FeedItem, self._say.feed_rows, **stretch)

    def feed_batch(self, stream: str, kind: str, batch_id: str) -> FeedItem | None:
        """Return the item that this batch became."""
        return self._one(FeedItem, self._say.feed_batch, stream=stream, kind=kind, batch_id=batch_id)

    def feed_head(self, stream: str) -> FeedHead:
        """Say where the feed stands."""
        self._ready("feed")
        row = self._link.row(self._say.feed_head, stream=stream, kind="rows")
        return FeedHead(0, 0, 0) if row is None else FeedHead(*row)

    def cursor(self, stream: str, name: str) -> Cursor | None:
        """Return a cursor."""
        return self._one(Cursor, self._say.cursor, stream=stream, name=name)

    def unfollowed(self, name: str) -> dict[str, int]:
        """Return the streams whose feed goes on behind this cursor, and where it stands."""
        for table in ("projections", "cursors", "feed"):
            self._ready(table)
        return {stream: int(seq) for stream, seq in self._link.rows(self._say.unfollowed, name=name)}

    def windows(self, stream: str, epoch: int, kind: str, after_idx: int = -1) -> tuple[Window, ...]:
        """Return the closed windows with idx > *after_idx*."""
        return self._all(Window, self._say.windows, stream=stream, epoch=epoch, kind=kind, after=after_idx)

    def route(self, stream: str) -> Route | None:
        """Return the intent with the highest generation."""
        return next(iter(self._all(Route, self._say.route, stream=stream)), None)

    def routes(self, stream: str) -> tuple[Route, ...]:
        """Return all intents, by generation."""
        return self._all(Route, self._say.routes, stream=stream)

    def erasure(self, erasure_id: str) -> Erasure | None:
        """Return one erasure."""
        return self._one(Erasure, self._say.erasure, erasure_id=erasure_id)

    def erasures(self, *, status: str | None = None, after: str = "", limit: int = 1000) -> tuple[Erasure, ...]:
        """Return erasures by id."""
        return self._all(Erasure, self._say.erasures, status=status or "", after=after, limit=limit)

    def request(self, request_id: str) -> Request | None:
        """Return what became of a request."""
        return self._one(Request, self._say.request, request_id=request_id)

    def requests(self, after: str = "", limit: int = 1000) -> tuple[Request, ...]:
        """Return requests by id."""
        return self._all(Request, self._say.requests, after=after, limit=limit)

    def requests_before(self, before_us: int, limit: int) -> tuple[str, ...]:
        """Return ids of requests that were recorded before, the oldest first."""
        self._ready("requests")
        return tuple(row[0] for row in self._link.rows(self._say.requests_before, before=before_us, limit=limit))

    @property
    def _at_rest(self) -> AtRest:
        """What opens rows, without keys that were destroyed before this transaction first asks."""
        if not self._noticed:
            self._sealing.notice()
            self._noticed = True
        return self._sealing

    def _between(self, statement: Statement, stream: str, after: int, until: int | None) -> Sequence[Sequence[Any]]:
        """Return what *statement* reads of the stream's events with after < version <= until."""
        self._ready("events")
        return self._link.rows(statement, stream=stream, after=after, until=_NO_END if until is None else until)

    def _place(self, stream: str, version: int) -> int:
        row = self._link.row(self._say.place, stream=stream, version=version)
        return _NO_END if row is None else int(row[0])

    def _jobs_by_status(self, status: str) -> tuple[Job, ...]:
        return self._all(Job, self._say.jobs_by_status, status=status)

    def _open_tile(self, level: int, idx: int, width: int) -> bytes:
        """Read a tile that is not full from what is below it: the events, or the roots of full tiles."""
        start = idx * WIDTH
        if width == WIDTH:
            return b""  # a full tile has a row of its own
        if level == 0:
            self._ready("events")
            rows = self._link.rows(self._say.envelopes, after=start, limit=width)
            return b"".join(leaf_hash(event_of(self._namespace, row, None)) for row in rows)
        rows = self._link.rows(self._say.tile_roots, level=level - 1, after=start, until=start + width)
        return b"".join(bytes_of(row[0]) or b"" for row in rows)

    def _one(self, kind: type[T], statement: Statement, /, **key: object) -> T | None:
        self._ready(statement.table, *key.values())
        row = self._link.row(statement, **key)
        return None if row is None else made(kind, _COLUMNS[kind], row)

    def _all(self, kind: type[T], statement: Statement, /, **parameters: object) -> tuple[T, ...]:
        self._ready(statement.table)
        return tuple(made(kind, _COLUMNS[kind], row) for row in self._link.rows(statement, **parameters))

    def _ready(self, table: str, *key: object) -> None:
        """Do what must precede a read of *table*; a reader of committed rows has nothing to do."""
