"""Every way in which a database can be wrong has its own error."""

import os
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from store import (
    DatabaseInUse,
    DatabaseLocked,
    DatabaseReadOnly,
    DatabaseUnreachable,
    DatabaseUnsafe,
    DatabaseUrlInvalid,
    LogAltered,
    NotBeside,
    WrongSchemaVersion,
    migrate,
    open_reader,
    open_store,
)
from store.schema import EXPECTED
from store.tree import CATCH_UP
from tests.fixtures.events import some_events, ticking
from tests.fixtures.postgres import Postgres, written_carelessly
from tests.fixtures.work import appending
from tests.integration.store.conftest import Opening


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Give a migrated SQLite file."""
    path = tmp_path / "log.db"
    migrate.upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture
def holder(file: Path) -> Iterator[sqlite3.Connection]:
    """Hold the file's write lock."""
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield connection


@pytest.mark.parametrize("count", [2, CATCH_UP + 1])
def test_a_log_that_is_opened_again_goes_on_with_its_streams_and_with_new_ones(
    url: str, opened: Opening, count: int
) -> None:
    first = opened(url)
    first.run(appending("a", 0, *some_events("a", count)))
    first.close()
    again = opened(url)

    went_on = again.run(appending("a", count, *some_events("later", 1)))
    begun = again.run(appending("b", 0, *some_events("b", 1)))

    places = [(event.stream, event.version, event.position) for event in (*went_on, *begun)]
    assert places == [("a", count + 1, count + 1), ("b", 1, count + 2)]


@pytest.mark.parametrize("url", ["mysql://host/name", "nonsense", "sqlite://", "sqlite:///:memory:", ""])
def test_an_address_of_no_known_kind_is_refused(opened: Opening, url: str) -> None:
    with pytest.raises(DatabaseUrlInvalid):
        opened(url)


@pytest.mark.parametrize(
    "use", [partial(open_store, clock_us=ticking()), open_reader, migrate.upgrade, migrate.prepare]
)
def test_a_folder_is_refused_by_its_path_and_with_what_is_accepted(
    tmp_path: Path, use: Callable[[str], object]
) -> None:
    with pytest.raises(DatabaseUnreachable, match=re.escape(f"{tmp_path} is a folder; a file is accepted")):
        use(f"sqlite:///{tmp_path}")


@pytest.mark.parametrize("url", ["memory://", "mysql://host/name"])
def test_where_no_schema_can_stand_a_migration_is_refused_with_what_is_accepted(url: str) -> None:
    with pytest.raises(NotBeside, match="must be sqlite:///path or postgresql://host/name; "):
        migrate.upgrade(url)


def test_what_is_to_be_opened_is_brought_up_to_date_and_refused_as_its_opener_would(
    empty_url: str, opened: Opening
) -> None:
    for url in (empty_url, "memory://"):
        migrate.prepare(url)
        migrate.prepare(url)
        assert opened(url).read(lambda reader: reader.head().position) == 0

    with pytest.raises(DatabaseUrlInvalid, match="must be memory://, sqlite:///path or postgresql://host/name"):
        migrate.prepare("mysql://host/name")


def test_a_database_without_a_schema_is_refused_with_both_versions(empty_url: str, opened: Opening) -> None:
    with pytest.raises(WrongSchemaVersion) as refused:
        opened(empty_url)

    assert (refused.value.found, refused.value.expected) == (None, EXPECTED)
    assert "remission migrate" in str(refused.value)


def test_a_missing_file_is_not_made(tmp_path: Path, opened: Opening) -> None:
    with pytest.raises(WrongSchemaVersion):
        opened(f"sqlite:///{tmp_path}/log.db")

    assert list(tmp_path.iterdir()) == []


def test_a_database_of_another_version_is_refused(file: Path, opened: Opening) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")

    with pytest.raises(WrongSchemaVersion) as refused:
        opened(f"sqlite:///{file}")

    assert refused.value.found == "9999"


def test_a_missing_folder_is_unreachable(tmp_path: Path, opened: Opening) -> None:
    with pytest.raises(DatabaseUnreachable):
        opened(f"sqlite:///{tmp_path}/nowhere/log.db")


def test_a_file_that_is_no_database_is_unreachable(tmp_path: Path, opened: Opening) -> None:
    (tmp_path / "log.db").write_bytes(b"not a database, but long enough to be asked" * 100)

    with pytest.raises(DatabaseUnreachable):
        opened(f"sqlite:///{tmp_path}/log.db")


def test_a_server_that_is_not_there_is_unreachable(tmp_path: Path, opened: Opening) -> None:
    with pytest.raises(DatabaseUnreachable):
        opened(f"postgresql://postgres@/postgres?host={tmp_path}")


def test_a_second_server_on_the_same_file_is_refused(file: Path, opened: Opening) -> None:
    first = opened(f"sqlite:///{file}")

    with pytest.raises(DatabaseInUse, match=str(os.getpid())):
        opened(f"sqlite:///{file}")

    first.close()
    assert opened(f"sqlite:///{file}").read(lambda reader: reader.head().position) == 0


@pytest.mark.usefixtures("holder")
def test_a_file_that_another_program_writes_is_locked(file: Path, opened: Opening) -> None:
    with pytest.raises(DatabaseLocked):
        opened(f"sqlite:///{file}")


def test_a_lock_taken_later_is_told_and_passes(file: Path, opened: Opening) -> None:
    store = opened(f"sqlite:///{file}")
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseLocked):
            store.run(appending("a", 0, *some_events("a", 1)))
        assert store.read(lambda reader: reader.version("a")) == 0
        other.execute("ROLLBACK")

    assert store.run(appending("a", 0, *some_events("a", 1)))[0].position == 1


def test_a_file_that_cannot_be_written_is_read_only(file: Path, opened: Opening) -> None:
    with pytest.raises(DatabaseReadOnly):
        opened(f"sqlite:///file:{file}?mode=ro&uri=true")


def test_a_server_that_cannot_be_written_is_read_only(postgres: Postgres, opened: Opening) -> None:
    url = postgres.new_database()
    migrate.upgrade(url)

    with pytest.raises(DatabaseReadOnly):
        opened(f"{url}&options=-c%20default_transaction_read_only%3Don")


def test_a_server_that_does_not_write_to_disk_is_unsafe(postgres: Postgres, opened: Opening) -> None:
    url = postgres.new_database()
    migrate.upgrade(url)

    with written_carelessly(url), pytest.raises(DatabaseUnsafe, match="full_page_writes"):
        opened(url)


def test_a_log_whose_head_lags_is_altered(file: Path, opened: Opening) -> None:
    store = opened(f"sqlite:///{file}")
    store.run(appending("a", 0, *some_events("a", 3)))
    store.close()
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE head SET position = 2")

    with pytest.raises(LogAltered) as refused:
        opened(f"sqlite:///{file}")

    assert (refused.value.head, refused.value.found) == (2, 3)
