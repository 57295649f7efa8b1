"""A log that was kept in two tables, and is now in one: what it was is what it is, whatever happens on the way."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, create_engine, inspect, text

from server.audit.proving import Proof
from server.service import Service
from server.settings import Settings
from server.wiring import build
from statemachine.record.envelope import RecordedEvent
from store import DatabaseFault, Store, migrate, open_store
from store.at_rest import PAYLOADS
from store.schema import EXPECTED
from store.vault import Vault, open_vault
from tests.fixtures.events import some_events, ticking
from tests.fixtures.histories import HISTORIES, History
from tests.fixtures.work import appending, page

BEFORE = "0004"
STREAMS = 3
EACH = 20
APPENDS = 50

#: Of a file of SQLite, and of what its write-ahead log says before all pages and before each. https://www.sqlite.org/fileformat2.html
PAGE_BYTES, HEAD_BYTES, FRAME_BYTES = 4_096, 32, 24


@pytest.fixture
def vault() -> Iterator[Vault]:
    """Give an empty vault."""
    with closing(open_vault("memory://", clock_us=ticking())) as opened:
        yield opened


@pytest.fixture(params=[one for one in HISTORIES if one.told["schema"] < BEFORE], ids=str)
def history(request: pytest.FixtureRequest) -> History:
    """Give a log that a release has written before."""
    found: History = request.param
    return found


def connected(url: str) -> Engine:
    return create_engine(url.replace("postgresql:", "postgresql+psycopg:"))


def written(url: str, *statements: str) -> None:
    """Work on the database past the store."""
    engine = connected(url)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


def tables(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """Read every row of every table."""
    engine = connected(url)
    with engine.connect() as connection:
        found = {name: sorted(rows(connection, name), key=repr) for name in inspect(engine).get_table_names()}
    engine.dispose()
    return found


def rows(connection: Connection, table: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in connection.execute(text(f"SELECT * FROM {table}"))]  # noqa: S608 - names of ours


def log_of(url: str, vault: Vault | None) -> tuple[RecordedEvent, ...]:
    """Read the log; it has no fault."""
    with closing(open_store(url, clock_us=ticking(), vault=vault)) as store:
        assert store.read(lambda reader: [str(fault) for fault in Proof(reader).faults()]) == []
        return tuple(store.read(page(0, 1_000)))


def filled(url: str, vault: Vault) -> tuple[RecordedEvent, ...]:
    """Write some events in clear, then more of the same streams under the keys of a vault."""
    for number, kept in enumerate((None, vault)):
        with closing(open_store(url, clock_us=ticking(), vault=kept)) as store:
            for stream in range(STREAMS):
                name = f"s{stream}"
                store.run(appending(name, EACH * number, *some_events(f"{name}-{number}", EACH)))
    return log_of(url, vault)


def copied(history: History, folder: Path, url: str) -> None:
    """Write the rows of *history*, with the schema of before, into the database at *url*, which has that schema."""
    file = history.unpacked(folder)
    migrate.upgrade(f"sqlite:///{file}", BEFORE)
    engine = connected(url)
    with closing(sqlite3.connect(file)) as source, engine.begin() as target:
        found = inspect(target)
        for table in ("evidence", "jobs", *(name for name in found.get_table_names() if name not in LATER)):
            columns = found.get_columns(table)
            names = [column["name"] for column in columns]
            truths = [column["name"] for column in columns if str(column["type"]) == "BOOLEAN"]
            marks = ", ".join(f":{name} = 1" if name in truths else f":{name}" for name in names)
            insert = text(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})")  # noqa: S608 - as above
            for row in source.execute(f"SELECT {', '.join(names)} FROM {table}"):  # noqa: S608 - as above
                target.execute(insert, dict(zip(names, row, strict=True)))
    engine.dispose()


#: Tables that others point to, which go first, and what Alembic writes itself.
LATER = ("alembic_version", "evidence", "jobs")


def served(url: str, folder: Path) -> Service:
    vault = f"sqlite:///{folder}/vault.db"
    return build(
        Settings(
            database=url,
            vault=vault,
            signing_key=str(folder / "log.key"),
            artifacts=str(folder / "artifacts"),
            clock="stream",
        )
    )


def test_a_log_of_a_release_is_verified_and_replayed_with_its_heads(
    empty_url: str, history: History, tmp_path: Path
) -> None:
    migrate.upgrade(empty_url, BEFORE)
    copied(history, tmp_path, empty_url)
    before = tables(empty_url)
    migrate.upgrade(empty_url)

    made = served(empty_url, tmp_path)
    head = made.store.read(lambda reader: reader.head())
    found = made.verify()
    made.store.close()

    assert before["head"] == tables(empty_url)["head"] == [("default", head.position, head.root, head.epoch)]
    assert len(before["payloads"]) == head.position == history.told["position"]
    assert (found.failed, found.chain_ok, found.tree_ok, found.replay_equal) == (0, True, True, True)
    assert (found.events, found.log_sha256) == (history.told["events"], history.told["log_sha256"])
    assert found.rederived == found.decisions == history.told["decisions"]


def test_a_log_is_the_same_below_and_above_the_step(url: str, vault: Vault) -> None:
    log, above = filled(url, vault), tables(url)
    migrate.downgrade(url, BEFORE)
    below = tables(url)
    migrate.upgrade(url)

    assert len(below["payloads"]) == len(below["events"]) == len(log) == 2 * STREAMS * EACH
    assert tables(url) == above
    assert log_of(url, vault) == log


def test_a_log_goes_on_above_the_step(url: str, vault: Vault) -> None:
    filled(url, vault)
    migrate.downgrade(url, BEFORE)
    migrate.upgrade(url)
    with closing(open_store(url, clock_us=ticking(), vault=vault)) as store:
        [later] = store.run(lambda unit: unit.append("s1", 2 * EACH, some_events("later", 1)))

    assert (later.position, log_of(url, vault)[-1]) == (2 * STREAMS * EACH + 1, later)


def test_a_key_that_is_destroyed_erases_what_was_written_below_the_step(url: str, vault: Vault) -> None:
    filled(url, vault)
    migrate.downgrade(url, BEFORE)
    migrate.upgrade(url)
    vault.destroy([key.key_id for key in vault.find(PAYLOADS, model="s1")])

    with closing(open_store(url, clock_us=ticking(), vault=vault)) as store:
        assert [event.erased for event in stream(store, "s1")] == [False] * EACH + [True] * EACH
        assert not any(event.erased for event in stream(store, "s2"))


def stream(store: Store, name: str) -> tuple[RecordedEvent, ...]:
    return store.read(lambda reader: reader.events(name))


def test_a_payload_that_is_gone_stays_gone_and_is_told(url: str, vault: Vault) -> None:
    filled(url, vault)
    migrate.downgrade(url, BEFORE)
    on = " ON payloads" if url.startswith("postgresql") else ""
    written(url, f"DROP TRIGGER payloads_refuse_delete{on}", "DELETE FROM payloads WHERE position IN (7, 70)")
    migrate.upgrade(url)

    with closing(open_store(url, clock_us=ticking(), vault=vault)) as store:
        gone = [event.position for event in store.read(page(0, 1_000)) if event.payload is None and not event.erased]
        faults = store.read(lambda reader: [fault.position for fault in Proof(reader).faults()])
    assert gone == faults == [7, 70]


@pytest.mark.parametrize(
    "step", [partial(migrate.upgrade, revision="head"), partial(migrate.downgrade, revision=BEFORE)]
)
def test_a_step_that_fails_half_way_leaves_everything_as_it_was(url: str, vault: Vault, step: Any) -> None:
    filled(url, vault)
    start, obstacle = (EXPECTED, "events") if step.func is migrate.downgrade else (BEFORE, "payloads")
    migrate.downgrade(url, start)
    # What looks at a table that goes, or at a column, stands in the way once rows are copied.
    column = "payload" if obstacle == "events" else "body"
    written(url, f"CREATE VIEW watching AS SELECT {column} FROM {obstacle}")  # noqa: S608 - as above
    before = tables(url)

    with pytest.raises(DatabaseFault):
        step(url)

    assert tables(url) == before
    assert migrate.current(url) == start
    written(url, "DROP VIEW watching")
    step(url)
    assert migrate.current(url) != start


@pytest.mark.parametrize("statement", ["UPDATE payloads SET body = payload_key", "DELETE FROM payloads"])
def test_below_the_step_the_database_refuses_as_it_did(url: str, vault: Vault, statement: str) -> None:
    filled(url, vault)
    migrate.downgrade(url, BEFORE)

    with pytest.raises(Exception, match="immutable: payloads"):
        written(url, statement)


def test_rows_stand_in_the_order_of_positions_above_the_step(url: str, vault: Vault) -> None:
    filled(url, vault)
    migrate.downgrade(url, BEFORE)
    migrate.upgrade(url)
    engine = connected(url)
    place = "ctid" if url.startswith("postgresql") else "rowid"
    with engine.connect() as connection:
        found = connection.execute(text(f"SELECT position FROM events ORDER BY {place}")).scalars().all()  # noqa: S608
    engine.dispose()

    assert list(found) == sorted(found)


def frames(wal: bytes) -> int:
    """Count what a write-ahead log holds: each frame repeats the salts of its head, and what lies behind does not."""
    salts = wal[16:24]
    told = (wal[at + 8 : at + 16] == salts for at in range(HEAD_BYTES, len(wal), FRAME_BYTES + PAGE_BYTES))
    return sum(takewhile(bool, told))


def test_a_lone_append_changes_few_pages(tmp_path: Path, vault: Vault) -> None:
    url, wal = f"sqlite:///{tmp_path}/log.db", tmp_path / "log.db-wal"
    migrate.upgrade(url)
    with closing(open_store(url, clock_us=ticking(), vault=vault)) as store:
        store.run(appending("s0", 0, *some_events("long", 2_000)))
        before = frames(wal.read_bytes())
        for number in range(APPENDS):
            store.run(appending("s1", number, *some_events(f"lone-{number}", 1)))
        after = frames(wal.read_bytes())

    # The row, its two keys and the head; now and then a page is full.
    assert 4 <= (after - before) / APPENDS <= 5
