"""Reading the rows in memory."""

import bisect
from collections import Counter
from collections.abc import Sequence
from operator import itemgetter

from statemachine.record.canonical import digest
from statemachine.record.envelope import RecordedEvent, Telling, leaf_hash
from store.errors import EvidenceAltered, EvidenceMissing, TileMissing
from store.in_memory.rows import Rows
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
from store.tree import HASH_BYTES, WIDTH


class MemoryReader:
    """Answers from the rows; whoever makes it holds the lock."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def head(self) -> Head:
        """Return the newest place."""
        return self._rows.head

    def clock_us(self) -> None:
        """There is no other clock than this machine's."""

    def stay(self) -> None:
        """Nobody waits for a word from this process."""

    def events(self, stream: str, after: int = 0, until: int | None = None) -> tuple[RecordedEvent, ...]:
        """Return the stream's events with after < version <= until."""
        positions = self._rows.streams.get(stream, [])[max(after, 0) : until]
        return tuple(self._rows.log[position - 1] for position in positions)

    def tellings(self, stream: str, after: int = 0, until: int | None = None) -> tuple[Telling, ...]:
        """Return what the stream's events with after < version <= until tell."""
        return tuple(
            Telling(stream, one.version, one.type, one.schema, one.occurred_us, one.payload)
            for one in self.events(stream, after, until)
        )

    def all_events(self, after_position: int, limit: int) -> tuple[RecordedEvent, ...]:
        """Return events with position > *after_position*."""
        start = max(after_position, 0)
        return tuple(self._rows.log[start : start + limit])

    def events_of(self, types: Sequence[str], after_position: int, limit: int) -> tuple[RecordedEvent, ...]:
        """Return events of these types with position > *after_position*."""
        behind = self._rows.log[max(after_position, 0) :]
        return tuple(event for event in behind if event.type in types)[:limit]

    def repeated_ids(self, limit: int) -> tuple[tuple[str, int], ...]:
        """Return ids that more than one event has, each with the first position."""
        counts = Counter(event.event_id for event in self._rows.log)
        firsts = {event.event_id: event.position for event in reversed(self._rows.log) if counts[event.event_id] > 1}
        return tuple(sorted(firsts.items(), key=itemgetter(1))[:limit])

    def tile(self, level: int, idx: int, width: int = WIDTH) -> bytes:
        """Return the first *width* hashes of a tile of the tree."""
        full = self._rows.tiles.get((level, idx))
        found = full.hashes if full else self._open_tile(level, idx, width)
        if len(found) < width * HASH_BYTES:
            raise TileMissing(level, idx, width)
        return found[: width * HASH_BYTES]

    def _open_tile(self, level: int, idx: int, width: int) -> bytes:
        start, tiles = idx * WIDTH, self._rows.tiles
        if width == WIDTH:
            return b""  # a full tile has a row of its own
        if level == 0:
            return b"".join(map(leaf_hash, self._rows.log[start : start + width]))
        below = [(level - 1, start + offset) for offset in range(width)]
        return b"".join(tiles[key].root for key in below if key in tiles)

    def checkpoints(
        self, before_size: int | None = None, limit: int = 1, *, epoch: int | None = None
    ) -> tuple[Checkpoint, ...]:
        """Return checkpoints of the epoch in force, or of *epoch*, the newest first."""
        rows, of = self._rows.checkpoints.rows, epoch or self._rows.head.epoch
        sizes = [size for found, size in rows if found == of and (before_size is None or size < before_size)]
        return tuple(rows[of, size] for size in sorted(sizes, reverse=True)[:limit])

    def checkpoint_times(self, before_size: int | None, limit: int, *, epoch: int) -> tuple[tuple[int, int], ...]:
        """Return size and created_us of checkpoints of *epoch*, the newest first."""
        return tuple((one.size, one.created_us) for one in self.checkpoints(before_size, limit, epoch=epoch))

    def version(self, stream: str) -> int:
        """Return the stream's newest version."""
        return len(self._rows.streams.get(stream, []))

    def version_at(self, stream: str, position: int) -> int:
        """Return the version that the stream had at *position*."""
        return bisect.bisect_right(self._rows.streams.get(stream, []), position)

    def evidence(self, sha256: str) -> bytes:
        """Return the bytes under this hash, checked against it."""
        found = self._rows.evidence.get(sha256)
        if found is None:
            raise EvidenceMissing(sha256)
        if digest(found.body) != sha256:
            raise EvidenceAltered(sha256, digest(found.body))
        return found.body

    def sealed_under(self, sha256: str) -> str | None:
        """Nothing is sealed in memory."""

    def projection(self, stream: str) -> Projection | None:
        """Return the stream's state."""
        return self._rows.projections.get(stream)

    def projections(self, after: str = "", limit: int = 1000) -> tuple[Projection, ...]:
        """Return projections in order of stream."""
        rows = self._rows.projections.rows
        return tuple(rows[name] for name in sorted(name for name in rows if name > after)[:limit])

    def timer(self, stream: str, name: str) -> Timer | None:
        """Return one timer."""
        return self._rows.timers.get((stream, name))

    def timers(self, stream: str) -> tuple[Timer, ...]:
        """Return the stream's timers, by name."""
        rows = self._rows.timers.rows
        return tuple(rows[key] for key in sorted(rows) if key[0] == stream)

    def timers_due(self, now_us: int, limit: int = 1000) -> tuple[Timer, ...]:
        """Return timers that are due."""
        due = (timer for timer in self._rows.timers.rows.values() if timer.due_us <= now_us)
        return tuple(sorted(due, key=_when_due)[:limit])

    def next_timer(self) -> Timer | None:
        """Return the timer that is due first."""
        return min(self._rows.timers.rows.values(), key=_when_due, default=None)

    def job(self, job_id: str) -> Job | None:
        """Return one job."""
        return self._rows.jobs.get(job_id)

    def jobs(self, *, status: str | None = None, kind: str | None = None, stream: str | None = None) -> tuple[Job, ...]:
        """Return the jobs that match every filter given."""
        wanted = (
            job
            for job in self._rows.jobs.rows.values()
            if status in (None, job.status) and kind in (None, job.kind) and stream in (None, job.stream)
        )
        return tuple(sorted(wanted, key=lambda job: (job.created_us, job.job_id)))

    def lease(self, job_id: str) -> Lease | None:
        """Return the lease on a job."""
        return self._rows.leases.get(job_id)

    def leases(self, *, status: str) -> tuple[Lease, ...]:
        """Return the leases on jobs of this status."""
        found = (self.lease(job.job_id) for job in self.jobs(status=status))
        return tuple(lease for lease in found if lease is not None)

    def feed(self, stream: str, after_seq: int, limit: int) -> tuple[FeedItem, ...]:
        """Return items with seq > *after_seq*."""
        items = self._rows.feeds.get(stream, [])
        start = bisect.bisect_right(items, after_seq, key=lambda item: item.seq)
        return tuple(items[start : start + limit])

    def feed_rows(self, stream: str, first_row: int, until_row: int) -> tuple[FeedItem, ...]:
        """Return the items that hold rows of [first_row, until_row)."""
        items = self._rows.row_items.get(stream, [])
        start = bisect.bisect_right(items, first_row, key=lambda item: item.first_row + item.row_count)
        end = bisect.bisect_left(items, until_row, key=lambda item: item.first_row)
        return tuple(items[start:end])

    def feed_batch(self, stream: str, kind: str, batch_id: str) -> FeedItem | None:
        """Return the item that this batch became."""
        return self._rows.batches.get((stream, kind, batch_id))

    def feed_head(self, stream: str) -> FeedHead:
        """Say where the feed stands."""
        items, rows = self._rows.feeds.get(stream), self._rows.row_items.get(stream)
        if not items:
            return FeedHead(0, 0, 0)
        next_row = rows[-1].first_row + rows[-1].row_count if rows else 0
        return FeedHead(items[-1].seq, next_row, items[-1].watermark_us)

    def cursor(self, stream: str, name: str) -> Cursor | None:
        """Return a cursor."""
        return self._rows.cursors.get((stream, name))

    def unfollowed(self, name: str) -> dict[str, int]:
        """Return the streams whose feed goes on behind this cursor, and where it stands."""
        cursors = {stream: self.cursor(stream, name) for stream in sorted(self._rows.projections.rows)}
        stands = {stream: one.seq if one else 0 for stream, one in cursors.items()}
        return {stream: seq for stream, seq in stands.items() if seq < self.feed_head(stream).seq}

    def windows(self, stream: str, epoch: int, kind: str, after_idx: int = -1) -> tuple[Window, ...]:
        """Return the closed windows with idx > *after_idx*."""
        windows = self._rows.windows.get((stream, epoch, kind)) or ()
        return windows[bisect.bisect_right(windows, after_idx, key=lambda window: window.idx) :]

    def route(self, stream: str) -> Route | None:
        """Return the intent with the highest generation."""
        newest = self._rows.newest_routes.get(stream)
        return None if newest is None else self._rows.routes.get((stream, newest))

    def routes(self, stream: str) -> tuple[Route, ...]:
        """Return all intents, by generation."""
        rows = self._rows.routes.rows
        return tuple(rows[key] for key in sorted(key for key in rows if key[0] == stream))

    def erasure(self, erasure_id: str) -> Erasure | None:
        """Return one erasure."""
        return self._rows.erasures.get(erasure_id)

    def erasures(self, *, status: str | None = None, after: str = "", limit: int = 1000) -> tuple[Erasure, ...]:
        """Return erasures by id."""
        rows = self._rows.erasures.rows
        names = sorted(name for name, one in rows.items() if name > after and status in (None, one.status))
        return tuple(rows[name] for name in names[:limit])

    def request(self, request_id: str) -> Request | None:
        """Return what became of a request."""
        return self._rows.requests.get(request_id)

    def requests(self, after: str = "", limit: int = 1000) -> tuple[Request, ...]:
        """Return requests by id."""
        rows = self._rows.requests.rows
        return tuple(rows[name] for name in sorted(name for name in rows if name > after)[:limit])

    def requests_before(self, before_us: int, limit: int) -> tuple[str, ...]:
        """Return ids of requests that were recorded before, the oldest first."""
        ages = ((one.recorded_us, name) for name, one in self._rows.requests.rows.items())
        return tuple(name for _, name in sorted(age for age in ages if age[0] < before_us)[:limit])


def _when_due(timer: Timer) -> tuple[int, str, str]:
    return timer.due_us, timer.stream, timer.name
