"""An open connection that speaks in statements and answers with our errors."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from store.faults import translated
from store.statements import Statement


class Link:
    """One connection, for one namespace, inside one transaction."""

    def __init__(self, connection: Connection, namespace: str) -> None:
        self._connection = connection
        self._namespace = namespace
        #: A statement has failed, so PostgreSQL takes no more before a rollback.
        self.failed = False

    def rows(self, statement: Statement, **parameters: object) -> Sequence[Sequence[Any]]:
        """Return the rows that *statement* finds."""
        values = {"namespace": self._namespace, **statement.constants, **parameters}
        try:
            return self._connection.exec_driver_sql(statement.text, values).fetchall()
        except DBAPIError as error:
            self.failed = True
            raise translated(error) from error

    def row(self, statement: Statement, **parameters: object) -> Sequence[Any] | None:
        """Return the one row that *statement* finds, if any."""
        found = self.rows(statement, **parameters)
        return found[0] if found else None

    def write(self, statement: Statement, rows: Sequence[Mapping[str, Any]]) -> int:
        """Run *statement* once for each of *rows*; return how many rows it changed."""
        named = [{"namespace": self._namespace, **row} for row in rows]
        try:
            done = self._connection.exec_driver_sql(*_fitting(statement, named))
        except DBAPIError as error:
            self.failed = True
            raise translated(error) from error
        else:
            return done.rowcount

    def say(self, command: str) -> None:
        """Run a command of ours that has no parameters."""
        try:
            self._connection.exec_driver_sql(command)
        except DBAPIError as error:
            self.failed = True
            raise translated(error) from error
        self.failed = False


def _fitting(statement: Statement, rows: list[dict[str, Any]]) -> tuple[str, Any]:
    """Return the text and the parameters that suit so many rows."""
    if len(rows) == 1:
        return statement.text, rows[0]
    if statement.bulk:
        return statement.bulk, {name: [row[name] for row in rows] for name in statement.columns}
    return statement.text, rows
