"""Opening a vault by its address, and refusing one that would not keep its keys to itself."""

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, Row, create_engine, event, insert, inspect, make_url, update
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import NullPool, StaticPool

from store.errors import DatabaseInUse, DatabaseReadOnly, DatabaseUnsafe, StoreError
from store.file_lock import FileLock
from store.sql import postgres, sqlite
from store.sql.faults import translated
from store.vault.errors import VaultAway, VaultFault, VaultForeign, VaultUnsafe
from store.vault.keys import MATERIAL_BYTES, Vault
from store.vault.shelf import seal_row
from store.vault.sql_vault import SqlVault
from store.vault.tables import SEAL, VAULT
from store.vault.wrapping import Wrapping, check_private, make_private, read_master

SHAPE = 2  #: of the tables; an earlier one is brought up to it, and a later one is refused
TIMEOUT_MS = 5_000


def open_vault(url: str, *, clock_us: Callable[[], int], namespace: str = "default", master: str = "") -> Vault:
    """Open the vault at *url*: `memory://`, `sqlite:///path` or `postgresql://host/name`; a new one is made.

    *master* is the path of a master key, which wraps the keys.

    Raises:
        VaultFault: No such kind of vault, another server holds it, or it would lose keys with its power.
        VaultUnsafe: Others can read it, or it is the database of a log.
        VaultForeign: It was made with another master key, or by a later release.
        VaultAway: Nobody answers there.
    """
    wrapping = Wrapping(read_master(master))
    engine, release = _engine(_address(url))
    try:
        pepper = _prepared(engine, wrapping)
    except BaseException:
        engine.dispose()
        release()
        raise
    return SqlVault(engine, namespace, clock_us, wrapping, pepper, release)


def read_vault(url: str, *, namespace: str = "default", master: str = "") -> Vault:
    """Open the vault at *url* to look keys up, beside the server that has it; it makes and destroys none.

    Raises:
        VaultFault: There is no vault, or none that lasts longer than its process.
        VaultUnsafe: It, or its master key, can be read by others.
        VaultForeign: It was made with another master key, or by a later release.
        VaultAway: Nobody answers there.
    """
    wrapping = Wrapping(read_master(master))
    engine = _reading(_address(url))
    try:
        pepper = _found(engine, wrapping)
    except BaseException:
        engine.dispose()
        raise
    return SqlVault(engine, namespace, lambda: 0, wrapping, pepper, _nothing)


def _reading(address: URL) -> Engine:
    match address.get_backend_name():
        case "sqlite":
            file = _there(address)
            check_private(file, file.stat().st_mode, "vault")
            # No connection is kept: beside one, a server that ends would leave its write-ahead log lying there.
            only_read = URL.create("sqlite", database=f"file:{quote(str(file))}", query={"mode": "ro", "uri": "true"})
            return create_engine(
                only_read, poolclass=NullPool, hide_parameters=True, connect_args={"timeout": TIMEOUT_MS / 1_000}
            )
        case "postgresql":
            return postgres.readers(address, TIMEOUT_MS)
        case other:
            raise VaultFault(f"vault: {other!r} is not accepted here; sqlite or postgresql is")


def _found(engine: Engine, wrapping: Wrapping) -> bytes:
    try:
        with engine.connect() as connection:
            return found_pepper(connection, wrapping)
    except DBAPIError as error:
        raise VaultAway(str(translated(error))) from error


def _address(url: str) -> URL:
    try:
        return make_url(url)
    except ArgumentError as error:
        raise VaultFault("vault: memory://, sqlite:///path or postgresql://host/name is accepted") from error


def found_pepper(connection: Connection, wrapping: Wrapping) -> bytes:
    """Return the secret of the keyed hashes of a vault that is there.

    Raises:
        VaultFault: There is none.
        VaultForeign: It is of a later release, or another master key wraps it.
    """
    if not inspect(connection).has_table(SEAL.name):
        raise VaultFault("vault: there is none at this address; the vault of this log is accepted")
    return _checked(seal_row(connection), wrapping)


def existing_engine(url: str) -> tuple[Engine, Callable[[], None]]:
    """Connect to a vault that is there, to write; give what lets go of it, too.

    Raises:
        VaultFault: There is none, or a server has its file.
    """
    address = _address(url)
    if address.get_backend_name() == "sqlite":
        _there(address)
    return _engine(address)


def _there(address: URL) -> Path:
    file = sqlite.database_file(address)
    if not file.exists():
        raise VaultFault(f"vault: {file} is not there; the vault of this log is accepted")
    return file


def _engine(address: URL) -> tuple[Engine, Callable[[], None]]:
    match address.get_backend_name():
        case "memory":
            return create_engine(
                "sqlite://", poolclass=StaticPool, hide_parameters=True, connect_args=_ANY_THREAD
            ), _nothing
        case "sqlite":
            return _file(address)
        case "postgresql":
            return postgres.writer(address, TIMEOUT_MS), _nothing
        case other:
            raise VaultFault(f"vault: {other!r} is not accepted; memory, sqlite or postgresql is")


def _file(address: URL) -> tuple[Engine, Callable[[], None]]:
    try:
        file = sqlite.database_file(address)
        lock = FileLock(file)
    except DatabaseInUse as error:
        raise VaultFault(f"vault: {error.reason}; one file has one server") from error
    except StoreError as error:
        raise VaultFault(f"vault: {error}") from error
    try:
        make_private(file)
        check_private(file, file.stat().st_mode, "vault")
    except OSError as error:
        lock.release()
        raise VaultFault(f"vault: {file} cannot be written: {error.strerror}") from error
    except VaultUnsafe:
        lock.release()
        raise
    return _sqlite(file), lock.release


def _sqlite(file: Path) -> Engine:
    engine = create_engine(
        f"sqlite:///{file}", pool_size=1, max_overflow=0, hide_parameters=True, connect_args=_ANY_THREAD
    )

    # The driver's own type is not SQLAlchemy's protocol, which lacks the attribute.
    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _entry: Any) -> None:  # noqa: ANN401
        connection.isolation_level = None
        # What is removed is written over; what is in the write-ahead log goes when it is truncated.
        for pragma in (f"busy_timeout={TIMEOUT_MS}", "journal_mode=WAL", "synchronous=FULL", "secure_delete=ON"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _prepared(engine: Engine, wrapping: Wrapping) -> bytes:
    """Make the tables of a new vault, or check those of an old one; return the secret of its keyed hashes."""
    try:
        with engine.begin() as connection:
            _check_durability(connection)
            if inspect(connection).has_table("events"):
                raise VaultUnsafe("vault: this is the database of a log; one of its own is accepted")
            VAULT.create_all(connection)
            return _pepper(connection, wrapping)
    except DBAPIError as error:
        raise VaultAway(str(translated(error))) from error


def _check_durability(connection: Connection) -> None:
    """Let a vault pass that keeps its keys: with one of them goes all that was acknowledged and stands sealed by it."""
    address = connection.engine.url
    try:
        if address.get_backend_name() == "postgresql":
            postgres.check_durability(connection)
        elif address.database:  # one in memory ends with its process
            sqlite.check_durability(connection)
    except (DatabaseUnsafe, DatabaseReadOnly) as error:
        raise VaultFault(f"vault: {error}") from error


def _pepper(connection: Connection, wrapping: Wrapping) -> bytes:
    row = seal_row(connection)
    if row is None:
        pepper = secrets.token_bytes(MATERIAL_BYTES)
        kept = wrapping.wrapped(pepper, "pepper")
        first = insert(SEAL).values(number=1, shape=SHAPE, pepper=kept, proof=wrapping.proof(), changes=0)
        connection.execute(first)
        return pepper
    pepper = _checked(row, wrapping)
    if row.shape < SHAPE:  # what it lacks are tables, and they were made
        connection.execute(update(SEAL).values(shape=SHAPE))
    return pepper


def _checked(row: Row[Any] | None, wrapping: Wrapping) -> bytes:
    if row is None:
        raise VaultFault("vault: it is empty; the vault of this log is accepted")
    if row.shape > SHAPE:
        raise VaultForeign(f"vault: its shape is {row.shape}; 1 to {SHAPE} is accepted by this release")
    wrapping.check(row.proof)
    return wrapping.unwrapped(row.pepper, "pepper")


def _nothing() -> None:
    """Nothing is held beside the engine."""


_ANY_THREAD = {"check_same_thread": False}
