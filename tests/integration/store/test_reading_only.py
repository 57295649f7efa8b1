"""A store is looked at past its server: nothing is locked, nothing is written, and what cannot be read is refused."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from store import DatabaseUnreachable, DatabaseUrlInvalid, WrongSchemaVersion, migrate, open_reader
from tests.fixtures.events import some_events
from tests.fixtures.work import appending, page
from tests.integration.store.conftest import Opening


def test_a_reader_sees_what_a_server_beside_it_commits(url: str, opened: Opening) -> None:
    store = opened(url)
    with closing(open_reader(url)) as reader:
        store.run(appending("a", 0, *some_events("one", 3)))
        first = reader.read(page(0, 10))
        store.run(appending("a", 3, *some_events("two", 2)))
        second = reader.read(page(0, 10))

        assert [event.position for event in first] == [1, 2, 3]
        assert second == store.read(page(0, 10))
        assert len(second) == 5


def test_a_server_opens_what_a_reader_has_open(url: str, opened: Opening) -> None:
    with closing(open_reader(url)) as reader:
        opened(url).run(appending("a", 0, *some_events("one", 1)))

        assert len(reader.read(page(0, 10))) == 1


def test_closing_a_reader_twice_is_closing_it_once(url: str) -> None:
    reader = open_reader(url)
    reader.close()
    reader.close()


def test_a_file_is_left_as_it_was_also_where_a_crash_left_a_write_ahead_log(tmp_path: Path, opened: Opening) -> None:
    url = f"sqlite:///{tmp_path}/log.db"
    migrate.upgrade(url)
    opened(url).run(appending("a", 0, *some_events("one", 100)))
    crashed = tmp_path / "crashed"
    crashed.mkdir()
    for file in ("log.db", "log.db-wal"):
        (crashed / file).write_bytes((tmp_path / file).read_bytes())
    before = {file.name: file.read_bytes() for file in crashed.iterdir()}

    with closing(open_reader(f"sqlite:///{crashed}/log.db")) as reader:
        found = reader.read(page(0, 1_000))

    assert len(found) == 100
    assert before["log.db-wal"] != b""
    assert {name: (crashed / name).read_bytes() for name in before} == before


def test_a_file_with_a_strange_name_is_read(tmp_path: Path, opened: Opening) -> None:
    url = f"sqlite:///{tmp_path}/50% of #1 & b.db"
    migrate.upgrade(url)
    opened(url).run(appending("a", 0, *some_events("one", 1)))

    with closing(open_reader(url)) as reader:
        assert len(reader.read(page(0, 10))) == 1


def test_a_database_without_our_schema_is_refused(empty_url: str) -> None:
    if empty_url.startswith("sqlite"):
        Path(empty_url.removeprefix("sqlite:///")).touch()

    with pytest.raises(WrongSchemaVersion, match="no schema"):
        open_reader(empty_url)


def test_a_file_that_is_not_there_is_refused_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnreachable, match=r"none\.db is not there"):
        open_reader(f"sqlite:///{tmp_path}/none.db")

    assert list(tmp_path.iterdir()) == []


def test_a_database_of_another_schema_is_refused_and_left_alone(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/log.db"
    migrate.upgrade(url, "0001")

    with pytest.raises(WrongSchemaVersion, match="found 0001"):
        open_reader(url)

    assert migrate.current(url) == "0001"


@pytest.mark.parametrize("url", ["memory://", "mysql://host/name", "nonsense"])
def test_what_cannot_be_opened_beside_its_server_is_refused(url: str) -> None:
    with pytest.raises(DatabaseUrlInvalid):
        open_reader(url)


def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "log.db").write_text("not a database, whatever its name says" * 100)

    with pytest.raises(DatabaseUnreachable):
        open_reader(f"sqlite:///{tmp_path}/log.db")


def test_nobody_at_the_address_is_refused() -> None:
    with pytest.raises(DatabaseUnreachable):
        open_reader("postgresql://127.0.0.1:1/nowhere")


def test_a_reader_cannot_write(tmp_path: Path) -> None:
    """The file is opened so that SQLite itself refuses: no code of ours has to be trusted with that."""
    url = f"sqlite:///{tmp_path}/log.db"
    migrate.upgrade(url)
    with closing(open_reader(url)) as reader, closing(sqlite3.connect(tmp_path / "log.db")) as raw:
        reader.read(lambda view: view.head())
        raw.execute("BEGIN IMMEDIATE")  # a reader in its way would make this wait
        raw.rollback()

        assert reader.read(lambda view: view.head().position) == 0
