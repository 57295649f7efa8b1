"""The store in a database."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from store.answers import Answer
from store.at_rest import AtRest
from store.errors import DatabaseUnavailable, DatabaseUnreachable, StoreError
from store.ledger import NO_HEAD, Ledger
from store.ports import Reader, Unit
from store.records import Head
from store.schema import check_found
from store.sequencer import Sequencer
from store.sql.faults import translated
from store.sql.link import Link
from store.sql.listening import Listener
from store.sql.reader import SqlReader
from store.sql.statements import Statements
from store.sql.unit import Ends, SqlUnit
from store.sql.wal import WriteAheadLog
from store.tree import CATCH_UP

T = TypeVar("T")


class SqlStore:
    """A store that is as durable as its database."""

    # One engine for each way of using the database, how rows stand there, and what must be let go of with them.
    def __init__(
        self,
        writer: Engine,
        readers: Engine,
        statements: Statements,
        ledger: Ledger,
        at_rest: AtRest,
        listener: Listener | None,
        release: Callable[[], None],
    ) -> None:
        self.namespace = ledger.namespace
        self._readers, self._at_rest, self._listener = readers, at_rest, listener
        self._statements = statements
        self._release = release
        self._sequencer = Sequencer(SqlBackend(writer, self._statements, ledger, at_rest, self._let_go))

    def submit(self, work: Callable[[Unit], T]) -> Answer[T]:
        """Queue *work* for the writer thread."""
        return self._sequencer.submit(work)

    def run(self, work: Callable[[Unit], T]) -> T:
        """Do *work* and wait for the commit."""
        return self._sequencer.run(work)

    def read(self, work: Callable[[Reader], T]) -> T:
        """Give *work* a snapshot of what is committed."""
        with reading(self._readers) as connection:
            return work(SqlReader(Link(connection, self.namespace), self._statements, self.namespace, self._at_rest))

    def on_commit(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call *callback* after each commit."""
        return self._sequencer.on_commit(callback)

    def on_news(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call *callback* when another process has appended; a file has one server, so nobody else does."""
        return self._listener.on_news(callback) if self._listener else lambda: None

    def close(self) -> None:
        """Finish what is queued, then let go of connections and locks."""
        self._sequencer.close()

    def _let_go(self) -> None:
        self._readers.dispose()
        self._release()


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Open a transaction that only reads, and end it.

    Raises:
        DatabaseUnavailable: The database cannot be reached, no connection is free, or it is lost: behind the last
            answer too, where the transaction ends.
    """
    try:
        connection = engine.connect()
    except PoolTimeoutError as error:
        raise DatabaseUnavailable(str(error)) from error
    except DBAPIError as error:
        raise DatabaseUnreachable(str(error.orig)) from error
    try:
        with connection:
            connection.begin()
            yield connection
    except DBAPIError as error:
        raise translated(error) from error


class SqlBackend:
    """The one connection that writes."""

    def __init__(
        self, engine: Engine, statements: Statements, ledger: Ledger, at_rest: AtRest, release: Callable[[], None]
    ) -> None:
        self._engine, self._statements, self._release = engine, statements, release
        self._ledger, self._at_rest = ledger, at_rest
        self._link: Link | None = None
        self._known = Ends()
        self._wal = WriteAheadLog(engine) if engine.dialect.name == "sqlite" else None

    def begin(self) -> "SqlTransaction":
        """Take the write lock and learn where the log stands."""
        try:
            return self._begun()
        except BaseException:
            self.drop()
            raise

    def tend(self, link: Link) -> None:
        """Do behind a commit what keeps the next ones fast."""
        if self._wal is not None:
            self._wal.tend(link)

    def drop(self) -> None:
        """Give the connection up; the next transaction gets a fresh one."""
        link, self._link = self._link, None
        if link is not None:
            link.drop()

    def close(self) -> None:
        """Close the connection and the engine."""
        if self._link is not None:
            self._link.close()
        self._engine.dispose()
        self._release()

    def _begun(self) -> "SqlTransaction":
        link = self._connected()
        link.begin()
        # One row is locked for every append. That makes positions gap-free, so a follower that reads "after 41"
        # never misses a 42 still in flight. It costs parallel writes.
        row = link.row(self._statements.lock_head) or NO_HEAD
        head, schema = Head(*row[: len(NO_HEAD)]), row[len(NO_HEAD) :]
        if schema:
            check_found(str(schema[0]))
        self._learn(link, head)
        unit = SqlUnit(link, self._statements, self._ledger, self._at_rest, self._known)
        return SqlTransaction(self, link, unit, self._known)

    def _connected(self) -> Link:
        if self._link is None:
            try:
                self._link = Link(self._engine.connect(), self._ledger.namespace)
            except DBAPIError as error:
                raise DatabaseUnreachable(str(error.orig)) from error
        return self._link

    def _learn(self, link: Link, head: Head) -> None:
        """Learn what others have appended: a few rows at once, where asking for each stream is a journey each."""
        known = self._known
        behind = head.position - known.head.position
        if head.epoch == known.head.epoch and 0 < behind <= CATCH_UP:
            appended = link.rows(self._statements.appended, after=known.head.position, until=head.position)
            known.read_on(head, appended)
        elif head != known.head:
            known.start_at(head)


class SqlTransaction:
    """One transaction, with many works."""

    def __init__(self, backend: SqlBackend, link: Link, unit: SqlUnit, known: Ends) -> None:
        self._backend, self._link, self._unit, self._known = backend, link, unit, known

    def attempt(self, work: Callable[[Unit], T]) -> T:
        """Do *work*; if it raises, undo it alone."""
        self._unit.start()
        try:
            value = work(self._unit)
        except DatabaseUnavailable:
            raise
        except BaseException as error:
            self._unit.pending.undo(error)
            raise
        self._unit.finish()
        return value

    def commit(self) -> None:
        """Send what waits, move the head, and commit."""
        self._unit.pending.send_last()
        self._unit.move_head(self._known.head)
        self._link.commit()
        self._known.take(self._unit.reached)
        self._known.forget_most()
        self._backend.tend(self._link)

    def rollback(self) -> None:
        """Undo everything; a connection that cannot even do that is given up."""
        try:
            self._link.rollback()
        except StoreError:
            self._backend.drop()
