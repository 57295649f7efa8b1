"""An open connection that speaks in statements and answers with our errors.

Statements were compiled by SQLAlchemy; they are run by the driver's own cursor, since SQLAlchemy's result costs more
than the database does where a statement finds one row, and so do its transactions around one that writes a row. Pools
and lost connections stay SQLAlchemy's.
"""

import time
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection

from store.errors import Interrupted, OutcomeUnknown, StoreError
from store.sql.faults import held_too_long, named
from store.sql.statement import Copy, Statement, Values

#: How long work may compute before it lets the database know that it lives: a small part of any bound on silence.
QUIET_SECONDS = 0.1


class Link:
    """One connection, for one namespace."""

    def __init__(self, connection: Connection, namespace: str) -> None:
        self._connection = connection
        # The pool's types know only what all drivers share.
        self._driver: Any = connection.connection.dbapi_connection
        self._fault: type[Exception] = connection.dialect.loaded_dbapi.Error
        self._by_hand = connection.dialect.name == "sqlite"
        self._namespace = namespace
        #: Why a statement has failed: PostgreSQL takes no more before a rollback, and makes one of a commit.
        self.failure: StoreError | None = None
        self._said = time.monotonic()

    def begin(self) -> None:
        """Begin to write. SQLite's driver leaves that to us; PostgreSQL's does it with the first statement."""
        self.failure, self._said = None, time.monotonic()
        if self._by_hand:
            self.say("BEGIN IMMEDIATE")

    def commit(self) -> None:
        """Make everything durable.

        Raises:
            OutcomeUnknown: The connection was lost before the answer came.
            StoreError: Nothing was committed.
        """
        try:
            self._driver.commit()
        except self._fault as error:
            found = self._failed(error)
            if isinstance(found, Interrupted) and self._connection.invalidated and not held_too_long(error):
                raise OutcomeUnknown(found.reason) from error
            raise found from error

    def rollback(self) -> None:
        """Undo everything.

        Raises:
            StoreError: The connection is not fit for that.
        """
        if self._connection.invalidated:
            raise self.failure or Interrupted("the connection is gone")
        try:
            self._driver.rollback()
        except self._fault as error:
            raise self._failed(error) from error

    def drop(self) -> None:
        """Give the connection up: nobody gets it again."""
        self._connection.invalidate()
        self._connection.close()

    def close(self) -> None:
        """Give the connection back."""
        self._connection.close()

    def rows(self, statement: Statement, **parameters: object) -> Sequence[Sequence[Any]]:
        """Return the rows that *statement* finds."""
        values = {"namespace": self._namespace, **statement.constants, **parameters}
        try:
            found: Sequence[Sequence[Any]] = self._driver.execute(statement.text, values).fetchall()
        except self._fault as error:
            raise self._failed(error) from error
        self._said = time.monotonic()
        return found

    def row(self, statement: Statement, **parameters: object) -> Sequence[Any] | None:
        """Return the one row that *statement* finds, if any."""
        found = self.rows(statement, **parameters)
        return found[0] if found else None

    def write(self, statement: Statement, rows: Sequence[Values]) -> int:
        """Run *statement* once for each of *rows*; return how many rows it changed."""
        try:
            changed = self._write(statement, rows)
        except self._fault as error:
            raise self._failed(error) from error
        self._said = time.monotonic()
        return changed

    def say(self, command: str) -> None:
        """Run a command of ours that has no parameters."""
        try:
            self._driver.execute(command)
        except self._fault as error:
            raise self._failed(error) from error
        self.failure, self._said = None, time.monotonic()

    def stay(self) -> None:
        """Say something, if nothing was said for a while and the connection can still be spoken to."""
        if self.failure is not None or time.monotonic() < self._said + QUIET_SECONDS:
            return
        try:
            self._driver.execute("SELECT 1")
        except self._fault as error:
            raise self._failed(error) from error
        self._said = time.monotonic()

    def _write(self, statement: Statement, rows: Sequence[Values]) -> int:
        cursor = self._driver.cursor()
        if isinstance(rows[0], tuple):
            _write_columns(cursor, statement, rows)
        else:
            named_rows: Sequence[Any] = rows
            _write_named(cursor, statement, [{"namespace": self._namespace, **row} for row in named_rows])
        changed: int = cursor.rowcount
        return changed

    def _failed(self, error: Exception) -> StoreError:
        """Name what went wrong, and give a connection up that is gone."""
        lost = bool(self._connection.dialect.is_disconnect(error, self._driver, None))  # type: ignore[arg-type]  # as above
        if lost:
            self._connection.invalidate(error)
        self.failure = named(error, lost=lost)
        return self.failure


# A cursor of either driver.
def _write_named(cursor: Any, statement: Statement, rows: list[dict[str, Any]]) -> None:  # noqa: ANN401
    """Write rows in the text and the parameters that suit so many of them."""
    if len(rows) == 1:
        cursor.execute(statement.text, rows[0])
    elif statement.copy:
        _copy(cursor, statement.copy, [tuple(row[name] for name in statement.columns) for row in rows])
    else:
        cursor.executemany(statement.text, rows)


def _write_columns(cursor: Any, statement: Statement, rows: Sequence[Any]) -> None:  # noqa: ANN401 - as above
    """Write rows whose values stand in the order of the columns."""
    if statement.ordered:
        cursor.executemany(statement.ordered, rows)
    elif statement.copy and len(rows) > 1:
        _copy(cursor, statement.copy, rows)
    else:
        for row in rows:
            cursor.execute(statement.text, dict(zip(statement.columns, row, strict=True)))


def _copy(cursor: Any, told: Copy, rows: Sequence[Any]) -> None:  # noqa: ANN401 - as above
    """Stream rows in binary, which costs both sides the least.

    There psycopg cuts a number that is too large for its column, and says nothing. As text the database refuses it.
    """
    binary = _fit(told, rows)
    with cursor.copy(told.binary if binary else told.text) as copy:
        if binary:
            copy.set_types(told.types)
        for row in rows:
            copy.write_row(row)


def _fit(told: Copy, rows: Sequence[Any]) -> bool:
    """Say whether every whole number of *rows* has room in its column."""
    columns = list(zip(*rows, strict=True))
    return all(_within(filter(None, columns[place]), 1 << (bits - 1)) for place, bits in told.bits)


def _within(numbers: Iterable[int], most: int) -> bool:
    found = tuple(numbers)
    return not found or (-most <= min(found) and max(found) < most)
