"""What a process must read again of a model, all of its feed or much of it, is read beside the writer.

Whatever needs a model that is not in memory, or far behind there, waits for it, as its first batch, its timers, its
jobs, and questions about its windows; nobody else does. What came in between the writer reads on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from threading import Event, Lock

from server.desk import FOLLOWER, Desk, Doing, fresh_watch, schema_of
from server.history.reading import names
from server.history.unreadable import OF_ONE_MODEL
from server.intake import feed
from server.intake.admission import Intake
from server.watching.watch import Watch
from statemachine.health import ModelHealth
from store.answers import Later
from store.errors import StoreClosed
from store.ports import Reader, Store
from store.records import FeedItem

ROUNDS = 3  #: of reading one model: meanwhile another part of it may have fallen behind, and been laid aside


class Recall:
    """Reads models again, one after the other, each once however many ask."""

    def __init__(self, store: Store, desk: Desk, do: Doing) -> None:
        self._store, self._desk, self._do = store, desk, do
        # Two or four threads have read many models no sooner, and cost more: it is Python that computes.
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="recall")
        self._under_way: dict[str, Future[None]] = {}
        self._lock, self._leaving = Lock(), Event()

    def of(self, model: str) -> Future[None] | None:
        """Give what is over once *model* is known by heart; None where it is. From any thread.

        A model that is not here, or cannot be read, is left to the call that asks for it.
        """
        if self._desk.knows(model) or self._leaving.is_set():
            return None
        with self._lock:
            found = self._under_way.get(model)
            if found is None:
                found = self._under_way[model] = self._reader.submit(self._recall, model)
        return found

    def first(self, model: str, recalled: set[str]) -> Exception:
        """Give what work is to raise that needs *model*, and notes here that it has waited for it.

        A process that ends begins no such work: whoever asks can go to another one.
        """
        return StoreClosed() if self._leaving.is_set() else Later(partial(self._before, model, recalled))

    def _before(self, model: str, recalled: set[str], again: Callable[[], object]) -> None:
        def ended(_: object = None) -> None:
            if not self._leaving.is_set():
                recalled.add(model)
            again()

        reading = self.of(model)
        if reading is None:
            ended()
        else:
            reading.add_done_callback(ended)

    def fold_all(self) -> int:
        """Fold the log of each model, so that the first question about all of them does not wait for it; give how many.

        Stored states would be read faster, but questions are answered by what was recorded. A model that cannot be read
        is left to who asks.
        """
        folded = 0
        for model in self._store.read(names):
            if self._leaving.is_set():
                break
            with suppress(*OF_ONE_MODEL):
                self._store.read(partial(self._desk.readers.health, model=model))
                folded += 1
        return folded

    def leave(self) -> None:
        """Break off what is under way, and begin nothing more."""
        self._leaving.set()

    def close(self) -> None:
        """Break off what is under way, and wait until it has ended."""
        self.leave()
        self._reader.shutdown(cancel_futures=True)

    def _recall(self, model: str) -> None:
        try:
            for _ in range(ROUNDS):
                if self._desk.knows(model) or not self._round(model):
                    return
        except OF_ONE_MODEL:
            return  # whoever asked is told by the call itself
        finally:
            with self._lock:
                self._under_way.pop(model, None)

    def _round(self, model: str) -> bool:
        """Read what is committed of *model*; say whether there was anything."""
        found = self._store.read(lambda reader: recalled(self._desk, reader, model, self._leaving))
        if found is not None:
            self._do(lambda _: self._desk.adopt(model, *found)).result()
        return found is not None


def recalled(desk: Desk, reader: Reader, model: str, leaving: Event) -> tuple[Intake | None, Watch | None] | None:
    """Build intake and watch of *model* as they are committed, each unless it is known. What was laid aside is read on.

    None where there is no such model, or it is broken off.
    """
    health = desk.readers.health(reader, model)
    if not health.registered:
        return None
    cursor, head = reader.cursor(model, FOLLOWER), reader.feed_head(model).seq
    looked_at = cursor.seq if cursor else 0
    intake, watch = _begun(desk, reader, health, head, looked_at)
    ends = {intake.next_seq - 1: head} if intake else {}
    ends |= {watch.seq: looked_at} if watch else {}
    for item, entry in _until(
        leaving, desk.entries(reader, model, min(ends, default=0), max(ends.values(), default=0))
    ):
        if intake and item.seq >= intake.next_seq:
            intake.take(entry)
        if watch and watch.seq < item.seq <= looked_at:
            watch.take(item.seq, entry)
    return None if leaving.is_set() else (intake, watch)


def _begun(
    desk: Desk, reader: Reader, health: ModelHealth, head: int, looked_at: int
) -> tuple[Intake | None, Watch | None]:
    """Give what was laid aside where it still holds, and what has seen nothing where nothing is known."""
    schema = schema_of(reader, health)
    intake, watch = desk.aside.taken(health.model)
    has_intake, has_watch = desk.has(health.model)
    if intake is None or intake.erasures != health.erasures or intake.next_seq > head + 1:
        intake = None if has_intake else Intake.of(schema, health.erasures)
    if watch is None or not watch.holds(health) or watch.seq > looked_at:
        watch = None if has_watch else fresh_watch(reader, schema, health)
    return intake, watch


def _until(leaving: Event, entries: Iterator[tuple[FeedItem, feed.Entry]]) -> Iterator[tuple[FeedItem, feed.Entry]]:
    for one in entries:
        if leaving.is_set():
            return
        yield one
