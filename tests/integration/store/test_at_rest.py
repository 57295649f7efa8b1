"""Payloads and evidence at rest: what stands in the database, who can open it, and what a destroyed key leaves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from msgspec.structs import replace
from sqlalchemy import create_engine, text

from statemachine.record.chain import chain_faults
from statemachine.record.envelope import NewEvent, RecordedEvent, payload_is_whole
from store import Evidence, EvidenceAltered, EvidenceErased, Store, Unit, VaultMissing, migrate, open_reader, open_store
from store.at_rest import EVIDENCE, LASTING, PAYLOADS
from store.vault import KeyUnknown, Vault, open_vault
from tests.fixtures.events import some_events, ticking
from tests.fixtures.work import appending, keeping, page

SECRET = b'{"note":"meet at the quarry"}'
AGED, KEPT = Evidence(kind="judge", body=b"seen at the quarry"), Evidence(kind="schema", body=b"quarry", lasting=True)


@pytest.fixture
def vault() -> Iterator[Vault]:
    """Give an empty vault."""
    with closing(open_vault("memory://", clock_us=ticking())) as opened:
        yield opened


@pytest.fixture
def store(url: str, vault: Vault) -> Iterator[Store]:
    """Give a store that seals, with events of two streams and evidence of both classes."""
    with closing(open_store(url, clock_us=ticking(), vault=vault)) as opened:
        opened.run(appending("a", 0, *telling(3)))
        opened.run(appending("b", 0, *some_events("b", 2)))
        opened.run(keeping(AGED, KEPT))
        yield opened


def telling(count: int, name: str = "a") -> list[NewEvent]:
    return [replace(event, payload=SECRET) for event in some_events(name, count)]


def stream(store: Store, name: str) -> tuple[RecordedEvent, ...]:
    return store.read(lambda reader: reader.events(name))


def told(store: Store, name: str) -> list[bytes | None]:
    """Read what events tell as folding does."""
    return [one.payload for one in store.read(lambda reader: reader.tellings(name))]


def destroy(vault: Vault, kind: str, model: str) -> None:
    vault.destroy([key.key_id for key in vault.find(kind, model=model)])


def rows(url: str, table: str) -> list[tuple[bytes, bytes, str | None]]:
    """Read what really stands in the database, but for the places."""
    columns = "payload_key, payload, key_id" if table == "events" else "sha256, body, key_id"
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    try:
        with engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(f"SELECT {columns} FROM {table}"))]  # noqa: S608
    finally:
        engine.dispose()


def written(url: str, statement: str) -> None:
    """Work on the database past the store, and past its guards."""
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SET session_replication_role = replica"))
        else:
            guards = connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars().all()
            for guard in guards:
                connection.execute(text(f"DROP TRIGGER {guard}"))
        connection.execute(text(statement))
    engine.dispose()


def test_what_is_sealed_reads_as_what_was_written(store: Store) -> None:
    events = stream(store, "a")

    assert [event.payload for event in events] == told(store, "a") == [SECRET] * 3
    assert not any(event.erased for event in events)
    assert list(chain_faults(events)) == []
    assert store.read(page(0, 10)) == (*events, *stream(store, "b"))
    assert store.read(lambda reader: (reader.evidence(AGED.sha256), reader.evidence(KEPT.sha256))) == (
        AGED.body,
        KEPT.body,
    )


def test_neither_payload_nor_the_key_of_its_commitment_stands_in_the_database(store: Store, url: str) -> None:
    keys = [event.payload_key for event in stream(store, "a")]

    kept = rows(url, "events")

    assert len(kept) == 5
    assert all(commitment == b"" and key_id for commitment, _, key_id in kept)
    assert not any(SECRET in body or key in body for _, body, _ in kept for key in keys if key)
    assert not any(b"quarry" in body for _, body, _ in rows(url, "evidence"))


def test_no_file_of_a_database_holds_what_was_sealed(tmp_path: Path, vault: Vault) -> None:
    url = f"sqlite:///{tmp_path}/own.db"
    migrate.upgrade(url)
    with closing(open_store(url, clock_us=ticking(), vault=vault)) as store:
        store.run(appending("a", 0, *telling(3)))
        store.run(lambda unit: unit.put(AGED))

        held = b"".join(file.read_bytes() for file in tmp_path.glob("own.db*"))

    assert b"events" in held
    assert b"quarry" not in held


def test_a_stream_whose_key_is_destroyed_is_erased_and_its_chain_is_whole(store: Store, vault: Vault) -> None:
    before = stream(store, "a")  # its key is at hand from here on
    destroy(vault, PAYLOADS, "a")

    events = stream(store, "a")

    assert [event.payload for event in before] == [SECRET] * 3
    assert [(event.payload, event.payload_key, event.erased) for event in events] == [(None, None, True)] * 3
    assert told(store, "a") == [None] * 3
    assert list(chain_faults(events)) == []
    assert [event.payload is None for event in store.read(page(0, 10))] == [True] * 3 + [False] * 2


def test_an_erased_stream_goes_on_under_a_new_key(store: Store, vault: Vault) -> None:
    destroy(vault, PAYLOADS, "a")
    store.run(appending("a", 3, *telling(1, "later")))

    assert [event.erased for event in stream(store, "a")] == [True, True, True, False]
    assert stream(store, "a")[3].payload == SECRET


def test_evidence_goes_with_its_class_and_what_lasts_stays(store: Store, vault: Vault) -> None:
    destroy(vault, EVIDENCE, "")

    with pytest.raises(EvidenceErased) as caught:
        store.read(lambda reader: reader.evidence(AGED.sha256))

    assert caught.value.sha256 == AGED.sha256
    assert store.read(lambda reader: reader.evidence(KEPT.sha256)) == KEPT.body
    assert [key.destroyed_us for key in vault.find(LASTING)] == [None]


def test_a_work_reads_the_evidence_that_it_wrote(store: Store) -> None:
    fresh = Evidence(kind="judge", body=b"just now")

    def work(unit: Unit) -> bytes:
        unit.put(fresh)
        return unit.evidence(fresh.sha256)

    assert store.run(work) == fresh.body


def test_without_the_vault_what_is_sealed_is_refused_and_the_tree_is_read(store: Store, url: str) -> None:
    head = store.read(lambda reader: reader.head())
    with closing(open_reader(url)) as reader:
        for question in (page(0, 10), lambda one: one.events("a"), lambda one: one.evidence(AGED.sha256)):
            with pytest.raises(VaultMissing):
                reader.read(question)

        assert reader.read(lambda one: one.head()) == head
        assert len(reader.read(lambda one: one.tile(0, 0, 5))) == 5 * 32


def test_a_vault_of_another_log_is_refused(store: Store, url: str) -> None:
    store.close()
    for opening in (open_reader, partial(open_store, clock_us=ticking())):
        with closing(open_vault("memory://", clock_us=ticking())) as other, pytest.raises(KeyUnknown):
            opening(url, vault=other)


def test_a_server_without_the_vault_is_refused(store: Store, url: str) -> None:
    store.close()

    with pytest.raises(VaultMissing):
        open_store(url, clock_us=ticking())


@pytest.mark.parametrize(
    "attack",
    [
        "SET payload = (SELECT payload FROM events WHERE position = 1)",
        "SET key_id = (SELECT key_id FROM events WHERE position = 5)",
        "SET key_id = 'never held'",
        "SET key_id = NULL",
        "SET payload_key = payload",
    ],
)
def test_a_payload_that_was_worked_on_is_whole_for_nobody(store: Store, url: str, attack: str) -> None:
    written(url, f"UPDATE events {attack} WHERE position = 2")

    events = stream(store, "a")

    assert [payload_is_whole(event) for event in events] == [True, False, True]
    assert [one == SECRET for one in told(store, "a")] == [True, attack == "SET payload_key = payload", True]


@pytest.mark.parametrize("attack", ["SET body = sha256_bytes", "SET key_id = 'never held'"])
def test_evidence_that_was_worked_on_is_altered(store: Store, url: str, attack: str) -> None:
    column = "CAST(sha256 AS BLOB)" if url.startswith("sqlite") else "CAST(sha256 AS BYTEA)"
    written(url, f"UPDATE evidence {attack.replace('sha256_bytes', column)}")

    with pytest.raises(EvidenceAltered):
        store.read(lambda reader: reader.evidence(AGED.sha256))


def test_what_was_written_in_clear_before_there_was_a_vault_stays_readable(url: str, vault: Vault) -> None:
    opening = partial(open_store, url, clock_us=ticking())
    with closing(opening()) as store:
        store.run(appending("a", 0, *telling(2)))
        store.run(lambda unit: unit.put(AGED))
    with closing(opening(vault=vault)) as store:
        store.run(appending("a", 2, *telling(1, "later")))

        assert [event.payload for event in stream(store, "a")] == told(store, "a") == [SECRET] * 3
        assert store.read(lambda reader: reader.evidence(AGED.sha256)) == AGED.body
    assert [key_id is None for _, _, key_id in rows(url, "events")] == [True, True, False]
