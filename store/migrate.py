"""Moving a database from one schema to another. Where there is nothing to move, Alembic is not even imported."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from store.address import address_of
from store.errors import DatabaseUnreachable, DatabaseUrlInvalid, NotBeside
from store.file_lock import FileLock
from store.schema import EXPECTED, found_version
from store.sql import postgres, sqlite
from store.sql.faults import translated

#: How long to wait for a lock that a server holds.
TIMEOUT_MS = 10_000

NEWEST = "head"  #: as Alembic calls the newest revision


def prepare(url: str) -> None:
    """Bring what is at *url* up to date, so that `open_store` takes it; in memory there is nothing to bring.

    Raises:
        DatabaseUrlInvalid: No such kind of store.
        DatabaseInUse: A server has the file open.
        DatabaseUnreachable: Nobody answers there.
    """
    address = address_of(url)
    match address.get_backend_name():
        case "memory":
            return
        case "sqlite" | "postgresql":
            upgrade(url)
        case _:
            raise DatabaseUrlInvalid(address.render_as_string())


def upgrade(url: str, revision: str = NEWEST) -> None:
    """Bring the database at *url* up to *revision*. A SQLite file is made if there is none.

    Raises:
        DatabaseInUse: A server has the file open.
        DatabaseUnreachable: Nobody answers there.
        RevisionUnknown: No migration has this name.
    """
    with connected(url) as connection:
        found = found_version(connection)
        if revision == NEWEST and found == EXPECTED:
            return
        from store import steps

        if found:
            _keep_writers_out(connection)
        steps.go_up(connection, revision)


def downgrade(url: str, revision: str) -> None:
    """Take the database at *url* back to *revision*, where `base` is no schema at all.

    Raises:
        LogNotEmpty: That would drop recorded events.
        RevisionUnknown: No migration has this name.
    """
    from store import steps

    with connected(url) as connection:
        if found_version(connection):
            _keep_writers_out(connection)
        steps.go_down(connection, revision)


def current(url: str) -> str | None:
    """Return the revision of the database at *url*; None when it has no schema of ours."""
    with connected(url) as connection:
        return found_version(connection)


def newest() -> str | None:
    """Return the newest revision there is."""
    from store import steps

    return steps.newest()


def _keep_writers_out(connection: Connection) -> None:
    """Wait for who writes, and have others wait: they learn by the head that the schema is another one by now."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("LOCK TABLE head IN ACCESS EXCLUSIVE MODE")


@contextmanager
def connected(url: str, *, make: bool = True) -> Iterator[Connection]:
    """Give the one connection that changes a schema or a head, in a transaction that is committed at the end.

    A SQLite file is made if there is none, unless not *make*; then that is `DatabaseUnreachable`.
    """
    engine, release = _opened(url, make=make)
    try:
        with _begun(engine) as connection:
            yield connection
            connection.commit()
    except DBAPIError as error:
        raise translated(error) from error
    finally:
        engine.dispose()
        release()


@contextmanager
def _begun(engine: Engine) -> Iterator[Connection]:
    try:
        connection = engine.connect()
    except DBAPIError as error:
        raise DatabaseUnreachable(str(error.orig)) from error
    with connection:
        connection.begin()
        yield connection


def _opened(url: str, *, make: bool) -> tuple[Engine, Callable[[], None]]:
    address = address_of(url)
    match address.get_backend_name():
        case "sqlite":
            file = sqlite.database_file(address)
            if not make and not file.exists():
                raise DatabaseUnreachable(f"{file} is not there")
            lock = FileLock(file)
            return sqlite.writer(address, TIMEOUT_MS), lock.release
        case "postgresql":
            return postgres.writer(address, TIMEOUT_MS), _nothing
        case _:
            raise NotBeside(address.render_as_string())


def _nothing() -> None:
    """Nothing is held for a server that many may use."""
