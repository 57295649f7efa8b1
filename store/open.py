"""Opening a store by its address."""

from collections.abc import Callable

from sqlalchemy import URL, Connection, Engine
from sqlalchemy.exc import DBAPIError

from store.address import address_of
from store.at_rest import AtRest, InClear, Sealed
from store.errors import (
    DatabaseUnreachable,
    DatabaseUrlInvalid,
    LogAltered,
    WrongSchemaVersion,
)
from store.file_lock import FileLock
from store.in_memory.store import MemoryStore
from store.ledger import NO_HEAD, Ledger, fresh_key
from store.ports import Store
from store.records import Head
from store.schema import EXPECTED, check_version
from store.sql import postgres, sqlite
from store.sql.faults import translated
from store.sql.link import Link
from store.sql.listening import Listener
from store.sql.reader import SqlReader
from store.sql.statements import Statements
from store.sql.store import SqlStore
from store.tree import edge_at
from store.vault import Vault


def open_store(
    url: str,
    *,
    clock_us: Callable[[], int],
    namespace: str = "default",
    vault: Vault | None = None,
    keys: Callable[[], bytes] = fresh_key,
    lock_timeout_ms: int = 5000,
) -> Store:
    """Open the store at *url*: `memory://`, `sqlite:///path` or `postgresql://host/name`.

    *clock_us* dates what is recorded; *keys* gives each payload the key of its commitment. Payloads and evidence are
    sealed with the keys of *vault*; without one they stand in clear, as they always do in memory.

    Raises:
        DatabaseUrlInvalid: No such kind of store.
        DatabaseUnreachable: Nobody answers there.
        DatabaseInUse: Another server has the file.
        DatabaseLocked: Another process holds the database's lock.
        DatabaseReadOnly: It cannot be written.
        DatabaseUnsafe: It would lose what it acknowledged.
        WrongSchemaVersion: It was not migrated to this program's schema.
        LogAltered: Its newest event is not where its head says.
        TreeAltered: Its tree has another root than its head says.
        TileMissing: A part of its tree was removed.
        VaultMissing: What it tells is sealed, and no vault is given.
        KeyUnknown: The vault is that of another log, or an old copy.
    """
    ledger = Ledger(namespace, clock_us, keys)
    address = address_of(url)
    at_rest = Sealed(vault, clock_us) if vault else InClear()
    match address.get_backend_name():
        case "memory":
            return MemoryStore(ledger)
        case "sqlite":
            return _open_sqlite(address, ledger, at_rest, lock_timeout_ms)
        case "postgresql":
            return _open_postgresql(address, ledger, at_rest, lock_timeout_ms)
        case _:
            raise DatabaseUrlInvalid(address.render_as_string())


def _open_sqlite(address: URL, ledger: Ledger, at_rest: AtRest, timeout_ms: int) -> Store:
    file = sqlite.database_file(address)
    if not file.exists() and file.parent.exists():
        # SQLite would make an empty file, and then complain about it.
        raise WrongSchemaVersion(None, EXPECTED)
    lock = FileLock(file)
    writer = sqlite.writer(address, timeout_ms)
    try:
        say = _check(writer, ledger.namespace, at_rest, sqlite.check_durability)
    except BaseException:
        writer.dispose()
        lock.release()
        raise
    return SqlStore(writer, sqlite.readers(address, timeout_ms), say, ledger, at_rest, None, lock.release)


def _open_postgresql(address: URL, ledger: Ledger, at_rest: AtRest, timeout_ms: int) -> Store:
    writer = postgres.writer(address, timeout_ms)
    try:
        say = _check(writer, ledger.namespace, at_rest, postgres.check_durability)
    except BaseException:
        writer.dispose()
        raise
    listener = Listener(postgres.listener(address, timeout_ms), ledger.namespace)
    return SqlStore(writer, postgres.readers(address, timeout_ms), say, ledger, at_rest, listener, listener.close)


def _check(
    engine: Engine, namespace: str, at_rest: AtRest, check_durability: Callable[[Connection], None]
) -> Statements:
    """Prove that the database is ours to write, and give the namespace its head; return what can be said to it."""
    try:
        connection = engine.connect()
    except DBAPIError as error:
        raise translated(error) if _was_reached(error) else DatabaseUnreachable(str(error.orig)) from error
    try:
        with connection:
            check_durability(connection)
            connection.rollback()
            # Between two transactions: it takes its time, and the database takes who is silent in one for dead.
            say = Statements(engine.dialect)
            connection.begin()
            check_version(connection)
            link = Link(connection, namespace)
            _take_head(link, say, namespace)
            check_vault(link, say, at_rest)
            connection.commit()
    except DBAPIError as error:
        raise translated(error) from error
    return say


def check_vault(link: Link, say: Statements, at_rest: AtRest) -> None:
    """Hold the vault against the newest payload: with another one nothing could be read, and what is written is split.

    Raises:
        VaultMissing: It is sealed, and no vault is given.
        KeyUnknown: The vault is that of another log, or an old copy.
    """
    row = link.row(say.newest_key)
    if row is not None and row[0] is not None:
        at_rest.fit(row[0])


def _was_reached(error: DBAPIError) -> bool:
    """SQLite's first statements run while it connects; what they meet has a name of its own."""
    return getattr(error.orig, "sqlite_errorname", None) is not None


def _take_head(link: Link, say: Statements, namespace: str) -> None:
    link.write(say.add_head, [{"position": NO_HEAD.position, "hash": NO_HEAD.root, "epoch": NO_HEAD.epoch}])
    head, newest = link.row(say.head), link.row(say.newest_position)
    if head is None or newest is None or head[0] != newest[0]:
        raise LogAltered(head[0] if head else 0, newest[0] if newest else 0)
    edge_at(Head(*head), SqlReader(link, say, namespace, InClear()), None)
