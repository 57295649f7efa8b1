"""The one place where the database's errors become ours, by constraint name and by code."""

import re
from collections.abc import Callable

from sqlalchemy import PrimaryKeyConstraint, UniqueConstraint
from sqlalchemy.exc import DBAPIError

from store.errors import (
    AlreadyRecorded,
    DatabaseFault,
    DatabaseLocked,
    DatabaseReadOnly,
    DatabaseUnavailable,
    DatabaseUnreachable,
    Interrupted,
    RecordIsImmutable,
    ReferenceMissing,
    StoreError,
)
from store.schema import changed
from store.sql.tables import METADATA

#: SQLite tells the columns of a broken key, not its name.
_KEYS = {
    frozenset(f"{table.name}.{column.name}" for column in constraint.columns): str(constraint.name)
    for table in METADATA.tables.values()
    for constraint in table.constraints
    if isinstance(constraint, PrimaryKeyConstraint | UniqueConstraint)
}

_HELD_TOO_LONG = "25P03"  #: idle_in_transaction_session_timeout

#: PostgreSQL's classes and codes, the longest prefix first. https://www.postgresql.org/docs/current/errcodes-appendix.html
_BY_STATE: tuple[tuple[str, Callable[[str], StoreError]], ...] = (
    ("23505", AlreadyRecorded),
    ("23503", ReferenceMissing),
    ("23000", RecordIsImmutable),  # raised by our own triggers
    ("25006", DatabaseReadOnly),
    ("55P03", DatabaseLocked),  # lock_timeout
    ("57014", DatabaseUnavailable),  # statement_timeout
    (_HELD_TOO_LONG, Interrupted),  # the connection is gone, and nothing was committed
    ("42P01", changed),  # no such table
    ("42703", changed),  # no such column
    ("40", Interrupted),  # serialization failure, deadlock
    ("57P", Interrupted),  # the server shuts down
    ("08", Interrupted),  # connection lost
    ("53", DatabaseUnavailable),  # out of disk, memory, connections
    ("58", DatabaseUnavailable),  # input and output
)

#: SQLite's codes by name. https://www.sqlite.org/rescode.html
_BY_NAME: tuple[tuple[str, Callable[[str], StoreError]], ...] = (
    ("SQLITE_CONSTRAINT_FOREIGNKEY", ReferenceMissing),
    ("SQLITE_BUSY", DatabaseLocked),
    ("SQLITE_LOCKED", DatabaseLocked),
    ("SQLITE_READONLY", DatabaseReadOnly),
    ("SQLITE_FULL", DatabaseUnavailable),
    ("SQLITE_IOERR", DatabaseUnavailable),
    ("SQLITE_CANTOPEN", DatabaseUnreachable),
    ("SQLITE_NOTADB", DatabaseUnreachable),
)


def translated(error: DBAPIError) -> StoreError:
    """Return our name for what SQLAlchemy was told."""
    return named(error.orig, lost=error.connection_invalidated)


def held_too_long(error: Exception) -> bool:
    """Say whether PostgreSQL ended a transaction in which nothing was said for too long: before it read what came next.

    So whatever was said next, a commit too, was not done.
    """
    return getattr(error, "sqlstate", None) == _HELD_TOO_LONG


def named(origin: BaseException | None, *, lost: bool) -> StoreError:
    """Return our name for what the driver said; *lost* says that its connection is gone."""
    if lost:
        return Interrupted(str(origin))
    state = getattr(origin, "sqlstate", None)
    if state is not None:
        return _from_postgresql(origin, state)
    name = getattr(origin, "sqlite_errorname", None)
    return _from_sqlite(str(origin), name) if name else DatabaseFault(str(origin))


def _from_postgresql(origin: BaseException | None, state: str) -> StoreError:
    details = getattr(origin, "diag", None)
    told = getattr(details, "constraint_name", None) or getattr(details, "message_primary", None) or str(origin)
    return _named(_BY_STATE, state, told.removeprefix("immutable: "))


def _from_sqlite(message: str, name: str) -> StoreError:
    if name == "SQLITE_CONSTRAINT_TRIGGER":
        kind, _, what = message.partition(": ")
        return RecordIsImmutable(what) if kind == "immutable" else AlreadyRecorded(what)
    if name in ("SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY"):
        return AlreadyRecorded(_KEYS.get(frozenset(re.findall(r"\w+\.\w+", message)), message))
    return _named(_BY_NAME, name, message)


def _named(table: tuple[tuple[str, Callable[[str], StoreError]], ...], code: str, told: str) -> StoreError:
    for prefix, kind in table:
        if code.startswith(prefix):
            return kind(told)
    return DatabaseFault(f"{code}: {told}")
