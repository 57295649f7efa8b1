"""Writes that wait inside a transaction, so that many rows go to the database at once.

A read sends first what it could be asking for, so work reads what it has written. Work that fails before anything
of it was sent leaves nothing to undo; else a savepoint, made just before its first row, undoes it alone.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import chain, groupby
from operator import itemgetter

from store.errors import DatabaseUnavailable, Spoiled
from store.sql.link import Link
from store.sql.statement import Statement, Values
from store.sql.tables import METADATA

#: What is pointed to is written before what points to it.
_RANK = {table.name: rank for rank, table in enumerate(METADATA.sorted_tables)}

#: Rows that one call has brought, with where their table stands in that order.
_Rows = tuple[int, Statement, Sequence[Values]]

_RANK_OF, _STATEMENT_OF = itemgetter(0), itemgetter(1)


class Pending:
    """The writes of one transaction that the database has not seen."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._rows: list[_Rows] = []
        self._touched: defaultdict[str, set[tuple[object, ...]]] = defaultdict(set)
        self._mark = 0
        self._saved = False

    def add(self, statement: Statement, row: Values, *key: object) -> None:
        """Let a write wait. *key* tells by which reads it is missed."""
        self._rows.append((_RANK[statement.table], statement, (row,)))
        self._touched[statement.table].add(key)

    def add_all(self, statement: Statement, rows: Sequence[Values]) -> None:
        """Let many writes wait, each of which is missed by whoever reads of the table at all."""
        if not rows:
            return
        self._rows.append((_RANK[statement.table], statement, rows))
        self._touched[statement.table].add(())

    def send_for(self, table: str, *key: object) -> None:
        """Send what waits, if a read of *table* by *key* could miss it. Without a key: by anything."""
        touched = self._touched.get(table)
        if touched and (not key or key in touched):
            self.send()

    def send(self) -> None:
        """Send everything that waits."""
        rows, mark = self._rows, self._mark
        self._rows, self._mark = [], 0
        self._touched.clear()
        self._write(rows[:mark])
        if len(rows) > mark and not self._saved:
            self._link.say("SAVEPOINT work")
            self._saved = True
        self._write(rows[mark:])

    def send_last(self) -> None:
        """Send everything that waits, between works: there is nothing to save."""
        rows, self._rows = self._rows, []
        self._write(rows)

    def start(self) -> None:
        """Begin a piece of work."""
        self._mark = len(self._rows)
        self._saved = False

    def finish(self) -> None:
        """End a piece of work that succeeded.

        Raises:
            DatabaseUnavailable: The database went away, and the work has hidden it.
            Spoiled: A statement failed, and the work has hidden it: a commit now would keep nothing, and not say so.
        """
        failure = self._link.failure
        if isinstance(failure, DatabaseUnavailable):
            raise failure
        if failure is not None:
            raise Spoiled from failure
        if self._saved:
            self._link.say("RELEASE SAVEPOINT work")
            self._saved = False

    def undo(self, error: BaseException) -> None:
        """Undo the work begun last, which failed with *error*.

        Raises:
            Spoiled: The database failed where no savepoint stood, so the transaction is lost.
        """
        del self._rows[self._mark :]
        if self._saved:
            self._link.say("ROLLBACK TO SAVEPOINT work")
            self.finish()
        elif self._link.failure is not None:
            raise Spoiled from error

    def _write(self, rows: list[_Rows]) -> None:
        for statement, batch in _runs(rows):
            self._link.write(statement, batch)


def _runs(rows: list[_Rows]) -> Iterator[tuple[Statement, Sequence[Values]]]:
    """Put rows of one table together, in their own order, and yield each run of one statement."""
    for statement, run in groupby(sorted(rows, key=_RANK_OF), key=_STATEMENT_OF):
        yield statement, list(chain.from_iterable(batch for _, _, batch in run))
