"""What one process appends is told to the others, as a hint."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from store import Store, migrate, open_store
from store.sql.listening import channel_of
from tests.fixtures.events import an_event, some_events, ticking
from tests.fixtures.postgres import Postgres
from tests.fixtures.work import appending
from tests.integration.store.conftest import Opening

PATIENCE_SECONDS = 30.0
LISTENERS = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'"


class Bell:
    """Counts its rings, and waits for the next."""

    def __init__(self) -> None:
        self.rings = threading.Semaphore(0)

    def ring(self) -> None:
        """Ring."""
        self.rings.release()

    def heard(self) -> bool:
        """Wait for one ring."""
        return self.rings.acquire(timeout=PATIENCE_SECONDS)


@pytest.fixture
def url(postgres: Postgres) -> str:
    """Give a migrated database."""
    address = postgres.new_database()
    migrate.upgrade(address)
    return address


@pytest.fixture
def bell() -> Bell:
    """Give a bell."""
    return Bell()


@pytest.fixture
def hearing(url: str, opened: Opening, bell: Bell) -> Iterator[Store]:
    """Give a store that listens: it has rung once, since it cannot know what came before."""
    store = opened(url)
    stop = store.on_news(bell.ring)
    assert bell.heard()
    yield store
    stop()


def test_what_another_process_appends_rings_here(url: str, opened: Opening, bell: Bell, hearing: Store) -> None:
    opened(url).run(appending("a", 0, an_event("1")))

    assert bell.heard()
    assert hearing.read(lambda reader: reader.head().position) == 1


def test_a_batch_is_one_notice_with_the_newest_position(url: str, opened: Opening) -> None:
    store = opened(url)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"LISTEN {channel_of('default')}".encode())
        store.run(appending("a", 0, *some_events("a", 5)))
        store.run(lambda unit: unit.version("a"))
        store.run(appending("a", 5, an_event("6")))

        told = list(connection.notifies(timeout=PATIENCE_SECONDS, stop_after=2))

    assert [notice.payload for notice in told] == ["5", "6"]


def test_other_namespaces_are_not_told(url: str, bell: Bell, hearing: Store) -> None:
    other = open_store(url, clock_us=ticking(), namespace="other")
    other.run(appending("a", 0, an_event("1")))
    other.close()
    hearing.run(appending("a", 0, an_event("1")))

    assert bell.heard()
    assert not bell.rings.acquire(blocking=False)


def test_a_listener_whose_connection_is_lost_comes_back_and_gives_a_hint(
    url: str, opened: Opening, bell: Bell, hearing: Store
) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        (lost,) = [pid for (pid,) in connection.execute(LISTENERS)]
        connection.execute("SELECT pg_terminate_backend(%s)", (lost,))

    assert bell.heard()
    opened(url).run(appending("a", 0, an_event("1")))
    assert bell.heard()
    assert hearing.read(lambda reader: reader.version("a")) == 1


def test_a_log_in_a_file_has_no_news_from_elsewhere(tmp_path: Path, opened: Opening, bell: Bell) -> None:
    url = f"sqlite:///{tmp_path}/log.db"
    migrate.upgrade(url)
    store = opened(url)
    store.on_news(bell.ring)()
    store.run(appending("a", 0, an_event("1")))

    assert not bell.rings.acquire(blocking=False)
