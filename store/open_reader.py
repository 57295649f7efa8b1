"""Opening a store to look at it: nothing is locked, nothing is written, and a server may run beside."""

from collections.abc import Callable
from typing import TypeVar
from urllib.parse import quote

from sqlalchemy import URL, Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from store import postgres, sqlite
from store.errors import DatabaseUrlInvalid, WrongSchemaVersion
from store.faults import translated
from store.link import Link
from store.ports import Readable, Reader
from store.schema import EXPECTED, check_version
from store.sql_reader import SqlReader
from store.sql_store import reading
from store.statements import Statements

T = TypeVar("T")

#: How long to wait for a lock that a server holds.
TIMEOUT_MS = 10_000


def open_reader(url: str, *, namespace: str = "default") -> Readable:
    """Open what stands at *url* to read it: `sqlite:///path` or `postgresql://host/name`.

    Raises:
        DatabaseUrlInvalid: No such kind of store, or one that is gone with its process.
        DatabaseUnreachable: Nobody answers there.
        WrongSchemaVersion: It was not migrated to this program's schema.
    """
    engine = _engine(_address(url))
    try:
        with reading(engine) as connection:
            check_version(connection)
    except DBAPIError as error:
        engine.dispose()
        raise translated(error) from error
    except BaseException:
        engine.dispose()
        raise
    return ReadOnlyStore(engine, namespace)


class ReadOnlyStore:
    """A database that is looked at."""

    def __init__(self, engine: Engine, namespace: str) -> None:
        self.namespace = namespace
        self._engine, self._statements = engine, Statements(engine.dialect)

    def read(self, work: Callable[[Reader], T]) -> T:
        """Give *work* a snapshot of what is committed."""
        with reading(self._engine) as connection:
            return work(SqlReader(Link(connection, self.namespace), self._statements, self.namespace))

    def close(self) -> None:
        """Let go of the connections."""
        self._engine.dispose()


def _address(url: str) -> URL:
    try:
        return make_url(url)
    except ArgumentError as error:
        raise DatabaseUrlInvalid(str(error)) from error


def _engine(address: URL) -> Engine:
    match address.get_backend_name():
        case "sqlite":
            return sqlite.readers(_only_read(address), TIMEOUT_MS)
        case "postgresql":
            return postgres.readers(address, TIMEOUT_MS)
        case _:
            raise DatabaseUrlInvalid(f"{address.render_as_string()} cannot be opened beside its server")


def _only_read(address: URL) -> URL:
    """Whoever closes a SQLite file last checkpoints it; a connection that cannot write never does."""
    file = sqlite.database_file(address)
    if not file.exists():
        raise WrongSchemaVersion(None, EXPECTED)
    return address.set(database=f"file:{quote(str(file))}", query={"mode": "ro", "uri": "true"})
