"""A replica that freezes while it holds the head keeps the others waiting for a bounded time, and cannot act late."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import psycopg
import pytest

from statemachine.record.chain import chain_faults
from statemachine.record.envelope import RecordedEvent
from store import DatabaseLocked, Store, Timer, Unit, WrongExpectedVersion, migrate
from tests.fixtures.events import an_event
from tests.fixtures.postgres import Postgres
from tests.fixtures.work import appending, keeping
from tests.integration.store.conftest import Opening

PATIENCE_SECONDS = 30.0


@pytest.fixture
def url(postgres: Postgres) -> str:
    """Give a migrated database."""
    address = postgres.new_database()
    migrate.upgrade(address)
    return address


class Freezer:
    """Work that stands still inside its transaction the first time, as a stopped process does."""

    def __init__(self) -> None:
        self.holding, self.thaw = threading.Event(), threading.Event()
        self.versions: list[int] = []

    def __call__(self, unit: Unit) -> tuple[RecordedEvent, ...]:
        """Append behind what is there."""
        self.versions.append(unit.version("a"))
        recorded = unit.append("a", self.versions[-1], [an_event(f"late-{len(self.versions)}")])
        unit.events("a")  # so that the row is sent, and not only remembered
        if len(self.versions) == 1:
            self.holding.set()
            assert self.thaw.wait(PATIENCE_SECONDS)
        return recorded


@pytest.fixture
def frozen() -> Iterator[Freezer]:
    """Give work that freezes, and thaw it in the end."""
    work = Freezer()
    yield work
    work.thaw.set()


def bounded(url: str, hold_ms: int, lock_ms: int) -> str:
    """Give the address with bounds of its own; what the address says wins."""
    options = f"-c%20idle_in_transaction_session_timeout={hold_ms}%20-c%20lock_timeout={lock_ms}"
    return f"{url}{'&' if '?' in url else '?'}options={options}"


def log(store: Store) -> list[str]:
    return [event.event_id for event in store.read(lambda reader: reader.events("a"))]


@pytest.mark.parametrize("lock_ms", [150, 20_000], ids=["a waiter asks again", "a waiter waits"])
def test_a_frozen_replica_loses_the_head_and_decides_again_when_it_thaws(
    url: str, opened: Opening, frozen: Freezer, lock_ms: int
) -> None:
    slow, quick = opened(bounded(url, 300, lock_ms)), opened(bounded(url, 300, lock_ms))
    late = slow.submit(frozen)
    assert frozen.holding.wait(PATIENCE_SECONDS)

    quick.run(appending("a", 0, an_event("1")))
    quick.run(appending("a", 1, an_event("2")))
    frozen.thaw.set()

    assert late.result(PATIENCE_SECONDS)[0].version == 3
    assert frozen.versions == [0, 2]
    assert log(quick) == ["1", "2", "late-2"]
    assert list(chain_faults(quick.read(lambda reader: reader.events("a")))) == []


def test_a_frozen_replica_that_was_about_to_commit_commits_nothing(url: str, opened: Opening, frozen: Freezer) -> None:
    """Its work is over when the connection is lost; what is missing is the commit."""
    slow, quick = opened(bounded(url, 300, 5_000)), opened(bounded(url, 300, 5_000))
    late = slow.submit(lambda unit: frozen(unit)[0].position if unit.version("a") == 0 else unit.version("a"))
    assert frozen.holding.wait(PATIENCE_SECONDS)

    quick.run(appending("a", 0, an_event("1")))
    frozen.thaw.set()

    assert late.result(PATIENCE_SECONDS) == 1
    assert log(slow) == ["1"]


def test_a_commit_that_comes_too_late_was_not_done_and_its_work_decides_again(url: str, opened: Opening) -> None:
    """Nothing but the commit is left to say, and the database has ended the transaction before it read that."""
    slow, quick = opened(bounded(url, 300, 5_000)), opened(bounded(url, 300, 5_000))
    seen, thaw, seeing = list[int](), threading.Event(), threading.Event()

    def work(unit: Unit) -> None:
        seen.append(unit.version("a"))
        seeing.set()
        assert thaw.wait(PATIENCE_SECONDS)

    late = slow.submit(work)
    assert seeing.wait(PATIENCE_SECONDS)

    quick.run(appending("a", 0, an_event("1")))
    thaw.set()

    assert late.result(PATIENCE_SECONDS) is None
    assert seen == [0, 1]


def test_work_that_computes_for_long_and_says_so_is_not_taken_for_dead(url: str, opened: Opening) -> None:
    store, runs = opened(bounded(url, 1_000, 5_000)), list[int]()

    def work(unit: Unit) -> int:
        runs.append(unit.version("a"))
        end = time.monotonic() + 2.5  # far beyond the bound
        while time.monotonic() < end:
            unit.stay()
        return unit.append("a", 0, [an_event("1")])[0].position

    assert store.run(work) == 1
    assert runs == [0]


def test_a_head_that_nobody_lets_go_of_is_named_after_a_few_tries(url: str, opened: Opening, frozen: Freezer) -> None:
    slow, quick = opened(bounded(url, 60_000, 50)), opened(bounded(url, 60_000, 50))
    slow.submit(frozen)
    assert frozen.holding.wait(PATIENCE_SECONDS)

    with pytest.raises(DatabaseLocked):
        quick.run(appending("a", 0, an_event("1")))

    frozen.thaw.set()
    with pytest.raises(WrongExpectedVersion):
        quick.run(appending("a", 0, an_event("1")))
    assert log(quick) == ["late-1"]


def test_work_passes_by_what_another_transaction_has_taken(url: str, opened: Opening) -> None:
    store = opened(url)
    store.run(keeping(*(Timer(stream=name, name="t", due_us=1, visit=1) for name in "ab")))

    with psycopg.connect(url) as other:
        other.execute("SELECT * FROM timers WHERE stream = 'a' FOR UPDATE")
        taken = store.run(lambda unit: [timer.stream for name in "ab" for timer in unit.timers(name)])
        seen = store.read(lambda reader: [timer.stream for name in "ab" for timer in reader.timers(name)])

    assert (taken, seen) == (["b"], ["a", "b"])
