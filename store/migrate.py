"""Moving a database from one schema to another."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.resources import files

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from store import postgres, sqlite
from store.errors import DatabaseUnreachable, DatabaseUrlInvalid, LogNotEmpty, RevisionUnknown
from store.faults import translated
from store.file_lock import FileLock
from store.schema import found_version

#: How long to wait for a lock that a server holds.
TIMEOUT_MS = 10_000


def upgrade(url: str, revision: str = "head") -> None:
    """Bring the database at *url* up to *revision*. A SQLite file is made if there is none.

    Raises:
        DatabaseInUse: A server has the file open.
        DatabaseUnreachable: Nobody answers there.
        RevisionUnknown: No migration has this name.
    """
    with connected(url) as connection:
        command.upgrade(_config(connection), revision)


def downgrade(url: str, revision: str) -> None:
    """Take the database at *url* back to *revision*, where `base` is no schema at all.

    Raises:
        LogNotEmpty: That would drop recorded events.
        RevisionUnknown: No migration has this name.
    """
    with connected(url) as connection:
        try:
            command.downgrade(_config(connection), revision)
        except RuntimeError as error:
            raise LogNotEmpty(str(error)) from error


def current(url: str) -> str | None:
    """Return the revision of the database at *url*; None when it has no schema of ours."""
    with connected(url) as connection:
        return found_version(connection)


def newest() -> str | None:
    """Return the newest revision there is."""
    return ScriptDirectory(str(files("migrations"))).get_current_head()


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(files("migrations")))
    config.attributes["connection"] = connection
    return config


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    """Give the one connection that changes a schema or a head, in a transaction that is committed at the end."""
    engine, release = _opened(url)
    try:
        with _begun(engine) as connection:
            yield connection
            connection.commit()
    except DBAPIError as error:
        raise translated(error) from error
    except CommandError as error:  # asked for, or found in a database of a later release
        raise RevisionUnknown(str(error)) from error
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


def _opened(url: str) -> tuple[Engine, Callable[[], None]]:
    try:
        address = make_url(url)
    except ArgumentError as error:
        raise DatabaseUrlInvalid(str(error)) from error
    match address.get_backend_name():
        case "sqlite":
            lock = FileLock(sqlite.database_file(address))
            return sqlite.writer(address, TIMEOUT_MS), lock.release
        case "postgresql":
            return postgres.writer(address, TIMEOUT_MS), _nothing
        case _:
            raise DatabaseUrlInvalid(address.render_as_string())


def _nothing() -> None:
    """Nothing is held for a server that many may use."""
