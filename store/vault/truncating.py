"""The write-ahead log of a vault in a file, which holds pages as they were until it is truncated."""

import sqlite3
from contextlib import closing

from sqlalchemy import Engine

from store.vault.errors import VaultAway


def truncate(engine: Engine) -> None:
    """Leave no page from before in the write-ahead log of a file of SQLite; of PostgreSQL its server takes care.

    Raises:
        VaultAway: Another process reads it.
    """
    if engine.dialect.name != "sqlite":
        return
    try:
        # Past SQLAlchemy, which would begin a transaction, inside which nothing can be truncated.
        with closing(engine.raw_connection()) as connection:
            busy = connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    except sqlite3.Error as error:
        raise VaultAway(f"its write-ahead log cannot be truncated: {error}") from error
    if busy:
        raise VaultAway("another process reads it, so its write-ahead log cannot be truncated")
