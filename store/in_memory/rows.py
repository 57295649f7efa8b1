"""Rows in memory, with a journal that can undo what was written since a mark."""

from collections import defaultdict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from statemachine.record.envelope import RecordedEvent, leaf_hash
from store.ledger import NO_HEAD, NO_TAIL, Tail
from store.records import (
    Checkpoint,
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
)
from store.tree import Edge, FullTile

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Table(Generic[K, V]):
    """Rows by key. Every write leaves in the journal what undoes it."""

    def __init__(self, journal: list[Callable[[], None]]) -> None:
        self._journal = journal
        self.rows: dict[K, V] = {}

    def get(self, key: K) -> V | None:
        """Return the row under *key*."""
        return self.rows.get(key)

    def __contains__(self, key: K) -> bool:
        return key in self.rows

    def put(self, key: K, value: V) -> None:
        """Keep *value*, in place of what stands there."""
        before = self.rows.get(key)
        self._journal.append(lambda: self._restore(key, before))
        self.rows[key] = value

    def drop(self, key: K) -> None:
        """Forget what stands under *key*, if anything does."""
        before = self.rows.pop(key, None)
        self._journal.append(lambda: self._restore(key, before))

    def _restore(self, key: K, before: V | None) -> None:
        if before is None:
            self.rows.pop(key, None)
        else:
            self.rows[key] = before


class Rows:
    """Everything that one namespace keeps."""

    def __init__(self) -> None:
        self._journal: list[Callable[[], None]] = []
        self.log: list[RecordedEvent] = []
        self.streams: defaultdict[str, list[int]] = defaultdict(list)  #: positions, by version
        self.feeds: defaultdict[str, list[FeedItem]] = defaultdict(list)
        self.row_items: defaultdict[str, list[FeedItem]] = defaultdict(list)  #: those of kind `rows`
        self.heads: Table[str, Head] = Table(self._journal)
        self.evidence: Table[str, Evidence] = Table(self._journal)
        self.requests: Table[str, Request] = Table(self._journal)
        self.projections: Table[str, Projection] = Table(self._journal)
        self.timers: Table[tuple[str, str], Timer] = Table(self._journal)
        self.jobs: Table[str, Job] = Table(self._journal)
        self.leases: Table[str, Lease] = Table(self._journal)
        self.batches: Table[tuple[str, str, str], FeedItem] = Table(self._journal)
        self.cursors: Table[tuple[str, str], Cursor] = Table(self._journal)
        self.windows: Table[tuple[str, int, str], tuple[Window, ...]] = Table(self._journal)
        self.routes: Table[tuple[str, int], Route] = Table(self._journal)
        self.erasures: Table[str, Erasure] = Table(self._journal)
        self.newest_routes: Table[str, int] = Table(self._journal)
        self.checkpoints: Table[tuple[int, int], Checkpoint] = Table(self._journal)
        self.edge = Edge()
        self.tiles: dict[tuple[int, int], FullTile] = {}

    @property
    def head(self) -> Head:
        """The newest place in the log."""
        return self.heads.get("") or NO_HEAD

    def tail(self, stream: str) -> Tail:
        """Return the end of *stream*."""
        positions = self.streams.get(stream)
        if not positions:
            return NO_TAIL
        last = self.log[positions[-1] - 1]
        return Tail(last.version, last.hash)

    def add_event(self, event: RecordedEvent) -> None:
        """Write *event* at the end of the log."""
        self.heads.put("", Head(event.position, self.head.root, self.head.epoch))
        self._extend(self.log, event)
        self._extend(self.streams[event.stream], event.position)

    def add_item(self, item: FeedItem) -> None:
        """Write *item* at the end of its feed."""
        self.batches.put((item.stream, item.kind, item.batch_id), item)
        self._extend(self.feeds[item.stream], item)
        if item.kind == "rows":
            self._extend(self.row_items[item.stream], item)

    def _extend(self, values: list[V], value: V) -> None:
        values.append(value)
        self._journal.append(lambda: values.__delitem__(-1))

    def mark(self) -> int:
        """Return a place to undo to."""
        return len(self._journal)

    def undo_to(self, mark: int) -> None:
        """Undo what was written since *mark*, the newest first."""
        while len(self._journal) > mark:
            self._journal.pop()()

    def forget_marks(self) -> None:
        """Make everything written so far final, and let the tree grow."""
        full = self.edge.grow(map(leaf_hash, self.log[self.edge.size :]))
        self.tiles.update({(tile.level, tile.idx): tile for tile in full})
        self.heads.rows[""] = Head(self.edge.size, self.edge.root().hex(), self.head.epoch)
        self._journal.clear()
