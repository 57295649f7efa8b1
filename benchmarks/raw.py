"""The bare drivers at work on a log: the least that could write and read its rows."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import orjson
import psycopg
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from store import migrate
from store.vault import Vault

#: Rows of one commit, and of one read.
BULK = 1_000

PAYLOAD = b'{"detector":"drift/2","log_evidence":9.25,"onset_row":1200,"at_row":1800,"note":"' + b"x" * 300 + b'"}'

INSERT = "INSERT INTO e (stream, version, at, type, body) VALUES (?, ?, ?, ?, ?)"

#: As the log's own connection has it.
DURABLE = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA recursive_triggers=ON;"


def opened(file: Path) -> sqlite3.Connection:
    """Open a file with the least of a table that could hold events."""
    raw = sqlite3.connect(file, isolation_level=None)
    raw.executescript(
        f"{DURABLE} CREATE TABLE e (id INTEGER PRIMARY KEY, stream TEXT, version INTEGER, at INTEGER, type TEXT,"
        "body BLOB, UNIQUE (stream, version))"
    )
    return raw


def singles(raw: sqlite3.Connection, first: int, count: int) -> None:
    """Write events one a commit."""
    for number in range(first, first + count):
        raw.execute(INSERT, ("single", number, 1, "alarm_raised", PAYLOAD))


def bulk(raw: sqlite3.Connection, count: int) -> None:
    """Write events many a commit."""
    for start in range(0, count, BULK):
        raw.execute("BEGIN")
        raw.executemany(INSERT, [("bulk", n, 1, "alarm_raised", PAYLOAD) for n in range(start, start + BULK)])
        raw.execute("COMMIT")


class Copy:
    """The very rows that callers have appended, to be written to the same table, keys and guards of another file.

    Nothing is left to do but to write: places, commitments, hashes and JSON are there.
    """

    def __init__(self, log: Path, file: Path) -> None:
        migrate.upgrade(f"sqlite:///{file}")
        with closing(sqlite3.connect(log)) as source:
            self._rows = source.execute(
                "SELECT * FROM events WHERE stream GLOB 'caller-*' ORDER BY position"
            ).fetchall()
        self.count = len(self._rows)
        self._raw = sqlite3.connect(file, isolation_level=None)
        self._raw.executescript(DURABLE)

    def write(self) -> None:
        """Write the rows many a commit."""
        marks = ",".join("?" * len(self._rows[0]))
        for start in range(0, self.count, BULK):
            self._raw.execute("BEGIN IMMEDIATE")
            self._raw.executemany(f"INSERT INTO events VALUES ({marks})", self._rows[start : start + BULK])  # noqa: S608 - marks alone
            self._raw.execute("COMMIT")

    def close(self) -> None:
        """Let go of the file."""
        self._raw.close()


def keys(file: Path, vault: Vault) -> dict[str, AESGCM]:
    """Have the keys at hand that the log's rows are sealed under."""
    with closing(sqlite3.connect(file)) as source:
        ids = [key_id for (key_id,) in source.execute("SELECT DISTINCT key_id FROM events")]
    return {key_id: AESGCM(key.material) for key_id, key in vault.opened(ids).items()}


def read(file: Path, count: int, keys: dict[str, AESGCM]) -> None:
    """Read the log's rows, with nothing between the driver, the cipher and the decoder."""
    raw, after = sqlite3.connect(file), 0
    while after < count:
        where = (after, after + BULK)
        rows = raw.execute(
            "SELECT * FROM events WHERE namespace = 'default' AND position > ? AND position <= ?", where
        ).fetchall()
        for row in rows:
            position, key_id, body = row[1], row[-2], row[-1]
            if key_id is None:
                orjson.loads(body)
            else:
                opened = keys[key_id].decrypt(body[:12], body[12:], b"payload/%d" % position)
                orjson.loads(opened[32:])
        after += BULK
    raw.close()


def postgresql_singles(raw: psycopg.Connection, first: int, count: int) -> None:
    """Write events one a commit."""
    for number in range(first, first + count):
        raw.execute("INSERT INTO raw (stream, version, body) VALUES (%s, %s, %s)", ("single", number, PAYLOAD))
        raw.commit()
