"""The write-ahead log of a SQLite file stays short, though somebody reads at every moment."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from threading import Event, Semaphore, Thread

from store import FeedItem, Reader, Store, migrate
from store.sql.sqlite import WAL_BYTES
from store.sql.wal import LONG_BYTES
from tests.fixtures.work import keeping
from tests.integration.store.conftest import Opening

ITEM_BYTES = 1 << 20
ITEMS = 5 * LONG_BYTES // ITEM_BYTES


def an_item(seq: int) -> FeedItem:
    return FeedItem(
        stream="a", seq=seq, kind="metrics", batch_id=f"b-{seq}", first_row=0, row_count=1, watermark_us=1,
        body=os.urandom(ITEM_BYTES),
    )  # fmt: skip


def in_turn(mine: Semaphore, other: Semaphore, over: Event) -> Callable[[Reader], None]:
    """Give a read that ends when the other has begun."""

    def work(reader: Reader) -> None:
        reader.head()
        other.release()
        while not over.is_set() and not mine.acquire(timeout=1):
            pass

    return work


def read_until(store: Store, over: Event, work: Callable[[Reader], None]) -> None:
    while not over.is_set():
        store.read(work)


def test_the_write_ahead_log_stays_short_though_somebody_reads_at_every_moment(tmp_path: Path, opened: Opening) -> None:
    url, wal = f"sqlite:///{tmp_path / 'log.db'}", tmp_path / "log.db-wal"
    migrate.upgrade(url)
    store, over, longest = opened(url), Event(), 0
    one, two = Semaphore(0), Semaphore(0)
    works = in_turn(one, two, over), in_turn(two, one, over)
    threads = [Thread(target=read_until, args=(store, over, work)) for work in works]
    for thread in threads:
        thread.start()
    try:
        for seq in range(1, ITEMS + 1):
            store.run(keeping(an_item(seq)))
            longest = max(longest, wal.stat().st_size)
    finally:
        over.set()
        for thread in threads:
            thread.join()

    assert WAL_BYTES < longest < LONG_BYTES + 2 * WAL_BYTES
    assert store.read(lambda reader: reader.feed_head("a").seq) == ITEMS
