"""A log that was altered past the store, and what the pass over it says."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from remission_verify.checkpoint import Checkpoint as Told
from remission_verify.note import Signer, sign

from server.audit.proving import Known, Proof
from store import Checkpoint, migrate, open_store
from store.open_reader import open_reader
from store.ports import Reader
from store.proofs import root_at
from tests.fixtures.events import some_events
from tests.fixtures.work import appending

SIGNER = Signer.fresh("log.example/test")
SIGNED = 200


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Write 300 events of three streams, and a checkpoint of the first 200."""
    url = f"sqlite:///{tmp_path / 'log.db'}"
    migrate.upgrade(url)
    store = open_store(url, clock_us=lambda: 7)
    for number in range(3):
        store.run(appending(f"s{number}", 0, *some_events(f"s{number}", 100)))
    store.run(lambda unit: unit.put(signed(unit, SIGNED)))
    store.close()
    return tmp_path / "log.db"


def signed(reader: Reader, size: int) -> Checkpoint:
    root = root_at(reader, size)
    note = sign(Told(SIGNER.name, size, root).body, [SIGNER])
    return Checkpoint(epoch=1, size=size, root=root.hex(), note=note.encode(), created_us=7)


def altered(file: Path, *statements: str) -> None:
    """Run statements as an attacker would who has the file: with no trigger in the way."""
    with closing(sqlite3.connect(file, isolation_level=None)) as raw:
        for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            raw.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            raw.execute(statement)


def faults(file: Path, *known: Known) -> list[str]:
    """Look at the file as an auditor does, who opens it to read."""
    store = open_reader(f"sqlite:///{file}")
    try:
        return store.read(lambda reader: [str(fault) for fault in Proof(reader, [SIGNER.verifier], known).faults()])
    finally:
        store.close()


def test_a_whole_log_has_no_fault(file: Path) -> None:
    assert faults(file) == []


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE events SET actor = 'x' WHERE position = 17", "position 17 (s0 version 17): the envelope was altered"),
        ("UPDATE events SET actor = 9 WHERE position = 17", "position 17 (s0 version 17): the envelope was altered"),
        ("UPDATE events SET payload = X'7B7D' WHERE position = 120", "position 120 (s1 version 20): the payload was"),
        ("UPDATE events SET volatile_fields = '[' WHERE position = 40", "position 40: the event cannot be read"),
        ("DELETE FROM events WHERE position = 41", "position 41: is missing; position 42 (s0 version 42) comes next"),
        ("UPDATE events SET version = 999 WHERE position = 9", "position 9 (s0 version 999): version 9 belongs here"),
        ("UPDATE checkpoints SET root = '00'", "the first 200 events have another root than the checkpoint of size"),
        ("UPDATE checkpoints SET note = X'00'", "the checkpoint of size 200: the note does not end"),
        ("UPDATE checkpoints SET size = 400", "the log ends at position 300, the checkpoint of size 400 is of 400"),
        ("UPDATE tiles SET hashes = zeroblob(8192)", "tile 0/0 (positions 1 to 256): differs from the events below"),
        ("DELETE FROM tiles", "tile 0/0 (positions 1 to 256)"),
        ("UPDATE events SET payload = NULL WHERE position = 7", "position 7 (s0 version 7): the payload is gone"),
        (
            "UPDATE events SET event_id = 's0-6' WHERE position IN (9, 19)",
            "the id s0-6 stands at position 7, and again behind it",
        ),
        ("UPDATE tiles SET root = zeroblob(32)", "tile 1/0 (positions 1 to 65536): the roots of the tiles below it"),
        (
            "INSERT INTO tiles VALUES ('default', 0, 1, zeroblob(8192), zeroblob(32))",
            "tile 0/1 (positions 257 to 512): stands there, and is not full yet",
        ),
    ],
)
def test_what_was_altered_is_named_at_its_place(file: Path, statement: str, said: str) -> None:
    altered(file, statement)

    found = faults(file)
    assert any(fault.startswith(said) for fault in found), found


def test_what_stands_behind_a_deleted_event_keeps_its_place(file: Path) -> None:
    altered(file, "DELETE FROM events WHERE position = 41")

    assert not [fault for fault in faults(file) if "position 43" in fault]


def rewritten(file: Path, events: int) -> None:
    """Write the log anew as one who has no key: whole in itself, with the tree, the head, and no checkpoint."""
    other = file.with_name("forged.db")
    url = f"sqlite:///{other}"
    migrate.upgrade(url)
    store = open_store(url, clock_us=lambda: 7)
    store.run(appending("s0", 0, *some_events("forged", events)))
    store.close()
    other.replace(file)


def test_a_log_that_was_written_anew_is_found_by_whoever_holds_an_older_checkpoint(file: Path) -> None:
    known = Known(SIGNED, root_of(file, SIGNED), "the checkpoint that an auditor holds")
    rewritten(file, 300)

    assert faults(file) == []  # nothing in the file itself can tell
    assert faults(file, known) == [
        "the first 200 events have another root than the checkpoint that an auditor holds says"
    ]


def test_a_log_that_was_cut_off_is_found_by_whoever_holds_a_later_checkpoint(file: Path) -> None:
    known = Known(300, root_of(file, 300), "the checkpoint that an auditor holds")
    rewritten(file, 100)

    assert faults(file, known) == [
        "the log ends at position 100, the checkpoint that an auditor holds is of 300 events"
    ]


def root_of(file: Path, size: int) -> str:
    store = open_reader(f"sqlite:///{file}")
    try:
        return store.read(lambda reader: root_at(reader, size)).hex()
    finally:
        store.close()
