"""Opening a store to look at it: nothing is locked, nothing is written, and a server may run beside."""

from collections.abc import Callable
from functools import partial
from typing import TypeVar
from urllib.parse import quote

from sqlalchemy import URL, Engine

from store.address import address_of
from store.at_rest import AtRest, InClear, Sealed
from store.errors import DatabaseUnreachable, NotBeside
from store.open import check_vault
from store.ports import Readable, Reader
from store.schema import check_version
from store.sql import postgres, sqlite
from store.sql.link import Link
from store.sql.reader import SqlReader
from store.sql.statements import Statements
from store.sql.store import reading
from store.vault import Vault

T = TypeVar("T")

#: How long to wait for a lock that a server holds.
TIMEOUT_MS = 10_000


def open_reader(url: str, *, namespace: str = "default", vault: Vault | None = None) -> Readable:
    """Open what stands at *url* to read it: `sqlite:///path` or `postgresql://host/name`.

    Without the *vault* of its log, what is sealed there cannot be read; envelopes and the tree can. It is closed with
    the store that is returned, or at once when that cannot be opened.

    Raises:
        DatabaseUrlInvalid: No such kind of store, or one that is gone with its process.
        DatabaseUnreachable: Nobody answers there.
        WrongSchemaVersion: It was not migrated to this program's schema.
        KeyUnknown: The vault is that of another log, or an old copy.
    """
    engine, at_rest = _engine(address_of(url)), Sealed(vault, lambda: 0) if vault else InClear()
    try:
        with reading(engine) as connection:
            check_version(connection)
            if vault:
                check_vault(Link(connection, namespace), Statements(engine.dialect), at_rest)
    except BaseException:
        _let_go(engine, vault)
        raise
    return ReadOnlyStore(engine, namespace, at_rest, partial(_let_go, engine, vault))


def _let_go(engine: Engine, vault: Vault | None) -> None:
    engine.dispose()
    if vault is not None:
        vault.close()


class ReadOnlyStore:
    """A database that is looked at."""

    def __init__(self, engine: Engine, namespace: str, at_rest: AtRest, release: Callable[[], None]) -> None:
        self.namespace, self._release = namespace, release
        self._engine, self._statements, self._at_rest = engine, Statements(engine.dialect), at_rest

    def read(self, work: Callable[[Reader], T]) -> T:
        """Give *work* a snapshot of what is committed."""
        with reading(self._engine) as connection:
            return work(SqlReader(Link(connection, self.namespace), self._statements, self.namespace, self._at_rest))

    def close(self) -> None:
        """Let go of the connections, and of the vault."""
        self._release()


def _engine(address: URL) -> Engine:
    match address.get_backend_name():
        case "sqlite":
            return sqlite.readers(_only_read(address), TIMEOUT_MS)
        case "postgresql":
            return postgres.readers(address, TIMEOUT_MS)
        case _:
            raise NotBeside(address.render_as_string())


def _only_read(address: URL) -> URL:
    """Whoever closes a SQLite file last checkpoints it; a connection that cannot write never does."""
    file = sqlite.database_file(address)
    if not file.exists():
        raise DatabaseUnreachable(f"{file} is not there")
    return address.set(database=f"file:{quote(str(file))}", query={"mode": "ro", "uri": "true"})
