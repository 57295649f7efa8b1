"""The write-ahead log of a SQLite file is lengthened ahead of what comes, and kept short though somebody reads."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from threading import Event, Semaphore, Thread

import pytest

from store import FeedItem, Reader, Store, migrate
from store.sql.sqlite import WAL_BYTES
from store.sql.wal import LONG_BYTES, LOOKS_EVERY
from tests.fixtures.events import some_events
from tests.fixtures.work import appending, keeping
from tests.integration.store.conftest import Opening

ITEM_BYTES = 1 << 20
ITEMS = 5 * LONG_BYTES // ITEM_BYTES


@pytest.fixture
def store(tmp_path: Path, opened: Opening) -> Store:
    """Give a store on a new file."""
    migrate.upgrade(f"sqlite:///{tmp_path / 'log.db'}")
    return opened(f"sqlite:///{tmp_path / 'log.db'}")


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


def test_the_write_ahead_log_stays_short_though_somebody_reads_at_every_moment(tmp_path: Path, store: Store) -> None:
    wal, over, longest = tmp_path / "log.db-wal", Event(), 0
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


def committed(store: Store, first: int, count: int) -> None:
    for number in range(first, first + count):
        store.run(appending("a", number, *some_events(f"a{number}", 1)))


def test_the_file_has_its_length_before_it_is_needed(tmp_path: Path, store: Store) -> None:
    wal, number, seen = tmp_path / "log.db-wal", 0, list[int]()
    while not seen or seen[-1] < WAL_BYTES:
        committed(store, number, LOOKS_EVERY)
        number += LOOKS_EVERY
        seen.append(wal.stat().st_size)
    committed(store, number, LOOKS_EVERY)

    steps = sorted(set(seen))
    assert 4 <= len(steps) <= 8  # each is far ahead of what is told, but for the last
    assert wal.stat().st_size == steps[-1] == WAL_BYTES


def test_what_is_committed_is_found_in_a_file_that_was_lengthened(
    tmp_path: Path, store: Store, opened: Opening
) -> None:
    committed(store, 0, 3 * LOOKS_EVERY)
    for name in ("log.db", "log.db-wal"):  # as a loss of power leaves them
        shutil.copy(tmp_path / name, tmp_path / f"copy-{name}")
    (tmp_path / "copy-log.db-wal").rename(tmp_path / "copy.db-wal")
    (tmp_path / "copy-log.db").rename(tmp_path / "copy.db")

    copy = opened(f"sqlite:///{tmp_path / 'copy.db'}")

    assert copy.read(lambda reader: reader.all_events(0, 100)) == store.read(lambda reader: reader.all_events(0, 100))
    committed(copy, 3 * LOOKS_EVERY, 1)


def test_nobody_writes_while_the_file_is_lengthened(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = list[str]()

    def synced(_: int) -> None:
        with closing(sqlite3.connect(tmp_path / "log.db", timeout=0)) as other:
            try:
                other.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                told.append(str(error))

    monkeypatch.setattr("store.sql.wal.os.fsync", synced)
    committed(store, 0, 3 * LOOKS_EVERY)

    assert told == ["database is locked"]


def test_a_disk_without_room_for_the_length_stops_nobody(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    tries = list[int]()

    def full(descriptor: int) -> None:
        tries.append(descriptor)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("store.sql.wal.os.fsync", full)
    committed(store, 0, 3 * LOOKS_EVERY)

    assert len(tries) == 1
    assert store.read(lambda reader: reader.head().position) == 3 * LOOKS_EVERY
