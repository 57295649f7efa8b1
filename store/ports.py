"""What the rest of the house may ask of a store."""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from statemachine.record.envelope import NewEvent, RecordedEvent, Telling
from store.answers import Answer
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
    Write,
)

T = TypeVar("T")


# One method for each question; they belong together, since one snapshot answers them all.
class Reader(Protocol):
    """A consistent view of one namespace. It is good only inside the work that it was given to."""

    def head(self) -> Head:
        """Return the newest place; position 0 before the first event."""

    def clock_us(self) -> int | None:
        """Return what the database's clock shows now; None where it has none but that of this machine."""

    def stay(self) -> None:
        """Let the database know that this work goes on; it takes one that is silent for too long for dead.

        For loops that compute. It costs nothing where something was asked a moment ago.
        """

    def tile(self, level: int, idx: int, width: int = 256) -> bytes:
        """Return the first *width* hashes of a tile of the tree (C2SP tlog-tiles), 32 bytes each.

        Raises:
            TileMissing: The tree does not reach so far, or the tile was removed.
        """

    def checkpoints(
        self, before_size: int | None = None, limit: int = 1, *, epoch: int | None = None
    ) -> tuple[Checkpoint, ...]:
        """Return at most *limit* checkpoints of the epoch in force with size < *before_size*, the newest first.

        Those of another *epoch* are returned where one is given.
        """

    def checkpoint_times(self, before_size: int | None, limit: int, *, epoch: int) -> tuple[tuple[int, int], ...]:
        """Return size and created_us alone of the checkpoints that `checkpoints` would return: for looks at all."""

    def events(self, stream: str, after: int = 0, until: int | None = None) -> tuple[RecordedEvent, ...]:
        """Return the stream's events with after < version <= until, by version."""

    def tellings(self, stream: str, after: int = 0, until: int | None = None) -> tuple[Telling, ...]:
        """Return of the events that `events` would return what folding needs alone."""

    def all_events(self, after_position: int, limit: int) -> tuple[RecordedEvent, ...]:
        """Return at most *limit* events with position > *after_position*, by position, without a hole."""

    def events_of(self, types: Sequence[str], after_position: int, limit: int) -> tuple[RecordedEvent, ...]:
        """Return at most *limit* events of these types with position > *after_position*, by position."""

    def repeated_ids(self, limit: int) -> tuple[tuple[str, int], ...]:
        """Return at most *limit* ids that more than one event has, each with the position of the first, in order.

        Ids follow from stream and version, so there are none; a search of the whole log, for verification.
        """

    def version(self, stream: str) -> int:
        """Return the stream's newest version; 0 when it has none."""

    def version_at(self, stream: str, position: int) -> int:
        """Return the version that the stream had at *position* of the log; 0 when it had none yet."""

    def evidence(self, sha256: str) -> bytes:
        """Return the bytes under this hash, checked against it.

        Raises:
            EvidenceMissing: Nothing stands under it.
            EvidenceErased: What stood under it was erased.
            EvidenceAltered: What stands under it has another hash.
        """

    def sealed_under(self, sha256: str) -> str | None:
        """Return the id of the key that sealed this evidence; None where it stands in clear, or nowhere."""

    def projection(self, stream: str) -> Projection | None:
        """Return the stream's state, if it has one."""

    def projections(self, after: str = "", limit: int = 1000) -> tuple[Projection, ...]:
        """Return at most *limit* projections with stream > *after*, in order of code points."""

    def timer(self, stream: str, name: str) -> Timer | None:
        """Return one timer by name."""

    def timers(self, stream: str) -> tuple[Timer, ...]:
        """Return the stream's timers, by name."""

    def timers_due(self, now_us: int, limit: int = 1000) -> tuple[Timer, ...]:
        """Return timers with due_us <= *now_us*, by (due_us, stream, name)."""

    def next_timer(self) -> Timer | None:
        """Return the timer that is due first, by (due_us, stream, name)."""

    def job(self, job_id: str) -> Job | None:
        """Return one job."""

    def jobs(self, *, status: str | None = None, kind: str | None = None, stream: str | None = None) -> tuple[Job, ...]:
        """Return the jobs that match every filter given, by (created_us, job_id)."""

    def lease(self, job_id: str) -> Lease | None:
        """Return the lease on a job."""

    def leases(self, *, status: str) -> tuple[Lease, ...]:
        """Return the leases on jobs of this status, by (created_us, job_id) of the job."""

    def feed(self, stream: str, after_seq: int, limit: int) -> tuple[FeedItem, ...]:
        """Return at most *limit* items with seq > *after_seq*, by seq."""

    def feed_rows(self, stream: str, first_row: int, until_row: int) -> tuple[FeedItem, ...]:
        """Return the items of kind `rows` that hold any row of [first_row, until_row), by row."""

    def feed_batch(self, stream: str, kind: str, batch_id: str) -> FeedItem | None:
        """Return the item that this batch became, if it was accepted before."""

    def feed_head(self, stream: str) -> FeedHead:
        """Say where the feed stands."""

    def cursor(self, stream: str, name: str) -> Cursor | None:
        """Return a cursor by name."""

    def unfollowed(self, name: str) -> dict[str, int]:
        """Return the streams with a state whose feed goes on behind this cursor, and where it stands: 0 without one."""

    def windows(self, stream: str, epoch: int, kind: str, after_idx: int = -1) -> tuple[Window, ...]:
        """Return the closed windows with idx > *after_idx*, by idx."""

    def route(self, stream: str) -> Route | None:
        """Return the intent with the highest generation."""

    def routes(self, stream: str) -> tuple[Route, ...]:
        """Return all intents of the stream, by generation."""

    def erasure(self, erasure_id: str) -> Erasure | None:
        """Return one erasure."""

    def erasures(self, *, status: str | None = None, after: str = "", limit: int = 1000) -> tuple[Erasure, ...]:
        """Return at most *limit* erasures with an id > *after*, of one status or of all, by id."""

    def request(self, request_id: str) -> Request | None:
        """Return what became of a request."""

    def requests(self, after: str = "", limit: int = 1000) -> tuple[Request, ...]:
        """Return at most *limit* requests with an id > *after*, by id in order of code points."""

    def requests_before(self, before_us: int, limit: int) -> tuple[str, ...]:
        """Return the ids of at most *limit* requests with recorded_us < *before_us*, by (recorded_us, id)."""


class Unit(Reader, Protocol):
    """One piece of work inside the writer's open transaction. It reads what it has written."""

    def append(self, stream: str, expected_version: int, events: Sequence[NewEvent]) -> tuple[RecordedEvent, ...]:
        """Record *events* behind version *expected_version* of the stream (0: a new stream).

        Raises:
            WrongExpectedVersion: The stream has another version.
        """

    def settled_head(self) -> Head:
        """Return the newest place that was committed before this transaction: what can be signed."""

    def take_lease(self, job_id: str) -> Lease | None:
        """Return the lease on a job, and let no other work take it before this one ends; None where one has."""

    def put(self, write: Write) -> None:
        """Keep one row, or forget one."""

    def answer(self, request_id: str, payload_sha256: str) -> bytes | None:
        """Return the answer that this request got before; None when it is new.

        Raises:
            RequestIdReused: It came before with another payload.
        """

    def remember(self, request_id: str, payload_sha256: str, response: bytes) -> None:
        """Keep the answer to a request, in the same commit as its effects."""


class Readable(Protocol):
    """What is committed of one namespace, for those who only look. Safe to use from many threads."""

    namespace: str

    def read(self, work: Callable[[Reader], T]) -> T:
        """Give *work* a consistent, read-only view of what is committed, in the caller's thread."""

    def close(self) -> None:
        """Let go of everything. Closing twice is closing once."""


class Store(Protocol):
    """The log and what stands beside it, of one namespace. Safe to use from many threads."""

    namespace: str

    def submit(self, work: Callable[[Unit], T]) -> Answer[T]:
        """Queue *work* for the writer thread. What an answer gives is durable.

        Work has no effect but through its unit, since it may run more than once before one commit holds. What it
        raises undoes it alone and reaches its answer, whose callbacks run on the writer thread. Work that raises
        `Later` is done again once what it waits for has ended, behind what came meanwhile; a store that is closed by
        then tells its answer so.

        Raises:
            StoreClosed: The store takes no more work.
        """

    def run(self, work: Callable[[Unit], T]) -> T:
        """Do *work* and wait for the commit; in the caller's own thread when the writer is idle.

        Raises:
            WorkInsideWork: It was called by work of this store.
        """

    def read(self, work: Callable[[Reader], T]) -> T:
        """Give *work* a consistent, read-only view of what is committed, in the caller's thread."""

    def on_commit(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call *callback* after each commit of this store, on the thread that wrote; return what ends that.

        It comes before the next transaction begins, must be quick and must not raise.
        """

    def on_news(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call *callback* when another process has appended, on a thread of the store's own; return what ends that.

        It is a hint to look: it may come late, twice, for nothing, or not at all. It must be quick and must not raise.
        """

    def close(self) -> None:
        """Finish what is queued, then let go of everything. Closing twice is closing once."""
