"""The rows that the store keeps beside the log, and the writes that a piece of work may put.

Each of them stands in one namespace: that of the store it is put into. `body`, `spec` and `progress` are the
caller's bytes, by custom canonical JSON; the store never looks inside.
"""

import hashlib
from dataclasses import dataclass, field
from typing import NamedTuple


# Every append makes one, and a tuple is made in half the time of a frozen dataclass.
class Head(NamedTuple):
    """The newest place in a namespace's log, and the root of the Merkle tree over all events up to it.

    The tree grows with the commit: inside a piece of work *position* counts that work's events, *root* does not.
    """

    position: int
    root: str  #: hexadecimal
    epoch: int  #: raised when a log is restored from a backup, so that writers from before are fenced off


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """What was signed of the log: its first *size* events have this *root*. Never replaced."""

    epoch: int
    size: int
    root: str  #: hexadecimal
    note: bytes  #: the signed note (C2SP tlog-checkpoint)
    created_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearCheckpoint:
    """Forget a checkpoint. One that is not there is forgotten already; the last of its day is refused."""

    epoch: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What a decision rests on, under its hash. Putting it twice is putting it once."""

    kind: str
    body: bytes
    sha256: str = field(init=False)
    lasting: bool = False  #: what a living model cannot do without: no age erases it

    def __post_init__(self) -> None:
        """Compute the hash."""
        object.__setattr__(self, "sha256", hashlib.sha256(self.body).hexdigest())


@dataclass(frozen=True, slots=True, kw_only=True)
class Projection:
    """The state of a stream after *version*. A put replaces the one before."""

    stream: str
    version: int
    state: str
    phase: str
    automation: str
    body: bytes
    updated_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Timer:
    """Something due at *due_us*; *visit* tells to which stay in a state it belongs. A put replaces by name."""

    stream: str
    name: str
    due_us: int
    visit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearTimer:
    """Forget a timer. One that is not there is forgotten already."""

    stream: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Work for a trainer. A put replaces by *job_id*."""

    job_id: str
    stream: str
    kind: str
    status: str
    spec: bytes
    created_us: int
    visit: int


#: The end of a lease that nobody holds; its attempt stays on record.
NEVER_US = 1 << 62


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """Who works on a job, and until when; *attempt* is the fencing number. The job must be on record."""

    job_id: str
    attempt: int
    worker: str
    token: str  #: who may act on it, as whoever gives leases names callers
    lease_until_us: int
    heartbeat_us: int
    progress: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearLease:
    """Forget the lease of a job. One that is not there is forgotten already."""

    job_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedItem:
    """A batch that was accepted, by *seq*, dense per stream from 1. Never replaced.

    *kind* is `rows`, `labels` or `metrics`. Items of kind `rows` hold the rows [first_row, first_row + row_count).
    *watermark_us* is the stream's watermark once this item is in; the caller keeps it from falling.
    """

    stream: str
    seq: int
    kind: str
    batch_id: str
    first_row: int
    row_count: int
    watermark_us: int
    body: bytes


@dataclass(frozen=True, slots=True)
class FeedHead:
    """Where a stream's feed stands: last *seq*, the row number that comes next, and the watermark. All from 0."""

    seq: int
    next_row: int
    watermark_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """How far a reader of a feed has come, with what it carries along. A put replaces by name."""

    stream: str
    name: str
    seq: int
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A closed window and its evidence, which must be on record. A put replaces by (epoch, kind, index)."""

    stream: str
    epoch: int
    kind: str
    idx: int
    evidence_sha256: str
    feed_seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A routing intent. A put replaces by generation; the highest generation is the one in force."""

    stream: str
    generation: int
    body: bytes
    issued_us: int
    acknowledged_us: int | None = None
    acknowledged_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """What somebody asked to be erased, and how far that is. It is written down first, so that it is always finished.

    A put replaces by id.
    """

    erasure_id: str
    status: str
    body: bytes
    created_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A mutation that was carried out, and the answer that it got."""

    request_id: str
    payload_sha256: str
    response: bytes
    recorded_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearRequest:
    """Forget what became of a request: it is a new one then. One that is not there is forgotten already."""

    request_id: str


Write = (
    Evidence
    | Projection
    | Timer
    | ClearTimer
    | Job
    | Lease
    | ClearLease
    | FeedItem
    | Cursor
    | Window
    | Route
    | Erasure
    | Checkpoint
    | ClearCheckpoint
    | ClearRequest
)
