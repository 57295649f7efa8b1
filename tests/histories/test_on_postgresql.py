"""What every release has written is brought up on PostgreSQL too; interrupted half-way, nothing has changed."""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Boolean, MetaData, Table, create_engine, insert, make_url

from server.settings import Settings
from server.wiring import build
from store import StoreError, migrate
from store.schema import EXPECTED
from tests.fixtures.histories import HISTORIES, History
from tests.fixtures.postgres import Postgres

WAITING = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
SHAPE = "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2"
GUARDS = "SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1, 2"
TOLD = "SELECT e.position, e.hash, p.body FROM events e LEFT JOIN payloads p USING (namespace, position) ORDER BY 1"


def copied(history: History, folder: Path, url: str) -> str:
    """Put a history into an empty database of PostgreSQL, in the schema of its release; give that schema."""
    with closing(sqlite3.connect(history.unpacked(folder))) as raw:
        (schema,) = raw.execute("SELECT version_num FROM alembic_version").fetchone()
        migrate.upgrade(url, schema)
        engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"))
        metadata = MetaData()
        metadata.reflect(engine)
        with engine.begin() as connection:
            for table in metadata.sorted_tables:
                rows = [] if table.name == "alembic_version" else rows_of(raw, table)
                if rows:
                    connection.execute(insert(table), rows)
        engine.dispose()
    return str(schema)


def rows_of(raw: sqlite3.Connection, table: Table) -> list[dict[str, Any]]:
    """Read a table of SQLite, which knows no truth values."""
    names = [column.name for column in table.columns]
    truths = {column.name for column in table.columns if isinstance(column.type, Boolean)}
    found = raw.execute(f"SELECT {', '.join(names)} FROM {table.name}")  # noqa: S608 - names of our own schema
    pairs = [dict(zip(names, row, strict=True)) for row in found]
    return [{name: bool(value) if name in truths else value for name, value in row.items()} for row in pairs]


@pytest.mark.parametrize("history", HISTORIES, ids=str)
def test_a_history_is_brought_up_on_postgresql_and_every_decision_is_made_again(
    history: History, tmp_path: Path, postgres: Postgres
) -> None:
    url = postgres.new_database()
    vault = f"sqlite:///{tmp_path / history.name}-vault.db"
    before = copied(history, tmp_path, url)
    migrate.upgrade(url)
    settings = Settings(
        database=url, vault=vault, artifacts=str(tmp_path / "artifacts"), clock="stream",
        signing_key=str(tmp_path / "log.key"),
    )  # fmt: skip
    with closing(build(settings)) as service:
        found, told = service.verify(), history.told

    assert before == told["schema"]
    assert (found.failed, found.chain_ok, found.replay_equal, found.tree_ok) == (0, True, True, True)
    assert found.rederived == found.decisions == told["decisions"]
    assert (found.events, found.log_sha256) == (told["events"], told["log_sha256"])


def test_a_migration_that_is_killed_half_way_has_changed_nothing_and_can_be_done_again(
    tmp_path: Path, postgres: Postgres
) -> None:
    url = postgres.new_database()
    copied(HISTORIES[0], tmp_path, url)
    migrate.upgrade(url, "0004")
    failed: list[StoreError] = []

    def migrated() -> None:
        try:
            migrate.upgrade(url)
        except StoreError as error:
            failed.append(error)

    with psycopg.connect(url) as reader, psycopg.connect(url, autocommit=True) as looking:
        before = [looking.execute(question).fetchall() for question in (SHAPE, GUARDS, TOLD)]
        reader.execute("SELECT count(*) FROM payloads")  # which the migration drops, once it has copied them
        migration = threading.Thread(target=migrated)
        migration.start()
        kill(looking, who_waits(looking))
        migration.join()
        after = [looking.execute(question).fetchall() for question in (SHAPE, GUARDS, TOLD)]
    migrate.upgrade(url)

    assert len(failed) == 1
    assert before == after
    assert before[2]
    assert migrate.current(url) == EXPECTED


def who_waits(looking: psycopg.Connection[Any]) -> int:
    begun, waiting = time.monotonic(), threading.Event()
    while not (found := looking.execute(WAITING).fetchone()):
        assert time.monotonic() < begun + 20, "nobody waits"
        waiting.wait(0.02)
    return int(found[0])


def kill(looking: psycopg.Connection[Any], pid: int) -> None:
    looking.execute("SELECT pg_terminate_backend(%s)", (pid,))
