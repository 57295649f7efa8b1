"""The database itself refuses, whatever program asks it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Protocol, cast

import psycopg
import pytest
from sqlalchemy import make_url

from statemachine.record.chain import chain_faults
from store import Evidence, EvidenceAltered, EvidenceMissing, migrate
from tests.fixtures.events import some_events
from tests.fixtures.postgres import Postgres
from tests.fixtures.work import appending, keeping
from tests.integration.store.conftest import Opening

UPDATES = [
    "UPDATE events SET type = 'forged'",
    "UPDATE events SET position = position + 10",
    "DELETE FROM events",
    "DELETE FROM events WHERE version = 2",
    "UPDATE events SET payload = payload_key",
    "UPDATE events SET payload = NULL",
    "UPDATE events SET key_id = 'other'",
    "UPDATE evidence SET kind = 'forged'",
    "DELETE FROM evidence",
]

COLUMNS = (
    "namespace, position, stream, version, event_id, type, schema, occurred_us, recorded_us, actor, authentication, "
    "policy_version, machine_version, volatile, volatile_fields, commitment, previous_hash, hash, "
    "format, payload_key, payload"
)


def copied(**changed: str) -> str:
    """Return a SELECT of the first event with some columns replaced by SQL."""
    picked = ", ".join(changed.get(name, name) for name in COLUMNS.split(", "))
    # Text of this file, nothing else.
    return f"SELECT {picked} FROM events WHERE position = 1"  # noqa: S608


SAME_VERSION = copied(position="99", event_id="'other'")
SAME_POSITION = copied(version="99", event_id="'other'")


class Client(Protocol):
    """What both drivers' connections can do."""

    def execute(self, statement: str, /) -> object:
        """Run one statement."""


@contextmanager
def raw(url: str) -> Iterator[Client]:
    """Open a plain connection, with none of the settings that the store asks for."""
    address = make_url(url)
    if address.get_backend_name() == "sqlite":
        with closing(sqlite3.connect(str(address.database), isolation_level=None)) as connection:
            yield connection
    else:
        with psycopg.connect(url, autocommit=True) as client:
            # psycopg asks for literal text; that of this file is no less known.
            yield cast("Client", client)


@pytest.fixture
def written(url: str, opened: Opening) -> str:
    """Write three events and evidence, close the store and give the address."""
    store = opened(url)
    store.run(appending("a", 0, *some_events("a", 3)))
    store.run(keeping(Evidence(kind="profile", body=b"seen")))
    store.close()
    return url


def refused(url: str, statement: str) -> str:
    """Run *statement* and return the database's refusal."""
    with raw(url) as connection, pytest.raises((sqlite3.IntegrityError, psycopg.errors.IntegrityError)) as refusal:
        connection.execute(statement)
    return str(refusal.value)


@pytest.mark.parametrize("statement", UPDATES)
def test_what_is_on_record_is_not_changed(written: str, opened: Opening, statement: str) -> None:
    assert "immutable" in refused(written, statement)

    events = opened(written).read(lambda reader: reader.events("a"))
    assert len(events) == 3
    assert list(chain_faults(events)) == []


@pytest.mark.parametrize("row", [SAME_VERSION, SAME_POSITION])
def test_a_second_event_never_takes_the_place_of_a_first(written: str, row: str) -> None:
    assert refused(written, f"INSERT INTO events ({COLUMNS}) {row}")


@pytest.mark.parametrize("row", [SAME_VERSION, SAME_POSITION])
@pytest.mark.parametrize("recursive", ["ON", "OFF"])
def test_sqlite_refuses_to_replace_an_event(tmp_path: Path, opened: Opening, row: str, recursive: str) -> None:
    url = f"sqlite:///{tmp_path}/log.db"
    migrate.upgrade(url)
    store = opened(url)
    store.run(appending("a", 0, *some_events("a", 3)))

    with raw(url) as connection:
        connection.execute(f"PRAGMA recursive_triggers={recursive}")
        with pytest.raises(sqlite3.IntegrityError):
            connection.execute(f"REPLACE INTO events ({COLUMNS}) {row}")

    assert list(chain_faults(store.read(lambda reader: reader.events("a")))) == []


@pytest.mark.parametrize("table", ["events", "evidence"])
def test_postgresql_refuses_to_truncate(postgres: Postgres, opened: Opening, table: str) -> None:
    url = postgres.new_database()
    migrate.upgrade(url)
    store = opened(url)
    store.run(appending("a", 0, *some_events("a", 3)))

    assert "immutable" in refused(url, f"TRUNCATE {table} CASCADE")
    assert store.read(lambda reader: reader.version("a")) == 3


def test_postgresql_refuses_to_overwrite_on_conflict(postgres: Postgres, opened: Opening) -> None:
    url = postgres.new_database()
    migrate.upgrade(url)
    opened(url).run(appending("a", 0, *some_events("a", 3)))

    insert = f"INSERT INTO events ({COLUMNS}) {SAME_VERSION}"

    assert "immutable" in refused(url, f"{insert} ON CONFLICT (namespace, stream, version) DO UPDATE SET type = 'x'")


@pytest.mark.parametrize("change", ["UPDATE evidence SET body = 'x'", "DELETE FROM evidence"])
def test_evidence_that_was_tampered_with_past_the_triggers_is_found_out(
    tmp_path: Path, opened: Opening, change: str
) -> None:
    url, evidence = f"sqlite:///{tmp_path}/log.db", Evidence(kind="profile", body=b"seen")
    migrate.upgrade(url)
    store = opened(url)
    store.run(keeping(evidence))
    with raw(url) as connection:
        for operation in ("update", "delete"):
            connection.execute(f"DROP TRIGGER evidence_refuse_{operation}")
        connection.execute(change)

    with pytest.raises((EvidenceAltered, EvidenceMissing)) as found:
        store.read(lambda reader: reader.evidence(evidence.sha256))
    assert isinstance(found.value, EvidenceAltered if change.startswith("UPDATE") else EvidenceMissing)
