"""PostgreSQL: one connection that writes, many that read one snapshot each; nobody waits for ever."""

from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from store.errors import DatabaseReadOnly, DatabaseUnsafe

#: A statement that runs longer is stopped, and so is a reader that does nothing for as long inside its transaction.
STATEMENT_TIMEOUT_MS = 60_000

#: A writer that says nothing for so long inside its transaction loses its connection, and with it the head row: a
#: process that was frozen, or a machine that is cut off, keeps the others waiting no longer. It can neither commit nor
#: act when it comes back, and decides again. Work that computes for longer between two statements would never end:
#: loops say that they go on (`Reader.stay`), and the most that one message can bring, a reference of a million rows,
#: takes half of it on a slow machine.
HOLD_MS = 10_000

#: A server that does not answer within this time is not there.
CONNECT_TIMEOUT_S = 5


def writer(url: URL, timeout_ms: int) -> Engine:
    """Return the engine whose single connection writes. Whoever holds the head row writes; the rest wait."""
    engine = _engine(url, timeout_ms, HOLD_MS, size=1, isolation="READ COMMITTED")
    event.listen(engine, "connect", _insist_on_durability)
    return engine


def readers(url: URL, timeout_ms: int) -> Engine:
    """Return the engine whose transactions cannot write and see one snapshot."""
    engine = _engine(url, timeout_ms, STATEMENT_TIMEOUT_MS, size=8, isolation="REPEATABLE READ")
    event.listen(engine, "connect", _only_read)
    return engine


def listener(url: URL, timeout_ms: int) -> Engine:
    """Return the engine whose single connection is told of what others append."""
    return _engine(url, timeout_ms, STATEMENT_TIMEOUT_MS, size=1, isolation="AUTOCOMMIT")


def check_durability(connection: Connection) -> None:
    """Ask what decides whether an acknowledged commit survives a loss of power.

    Raises:
        DatabaseUnsafe: It would not.
        DatabaseReadOnly: The server is a standby, or refuses writes.
    """
    for name in ("fsync", "full_page_writes", "synchronous_commit"):
        found = connection.exec_driver_sql(f"SHOW {name}").scalar_one()
        if found == "off":
            raise DatabaseUnsafe(f"{name}={found}; need on")
    if connection.exec_driver_sql("SHOW transaction_read_only").scalar_one() == "on":
        raise DatabaseReadOnly("transaction_read_only=on")


def _engine(url: URL, timeout_ms: int, idle_ms: int, size: int, isolation: str) -> Engine:
    limits = (
        f"-c statement_timeout={STATEMENT_TIMEOUT_MS} -c lock_timeout={timeout_ms} "
        # The second is for whoever vanishes while an answer is on its way; on a socket of this machine it is no bound.
        f"-c idle_in_transaction_session_timeout={idle_ms} -c tcp_user_timeout={idle_ms} "
        # A plan made while a table was empty picks any index, and would be kept until the next analyze.
        "-c plan_cache_mode=force_custom_plan"
    )
    # What the address says comes last, so that it wins.
    own = url.query.get("options", "")
    options = f"{limits} {own if isinstance(own, str) else ' '.join(own)}".strip()
    return create_engine(
        url.set(drivername="postgresql+psycopg").difference_update_query(["options"]),
        pool_size=size,
        max_overflow=0 if size == 1 else size,
        # The one that writes needs no ping: it learns of a lost connection before it has done anything.
        pool_pre_ping=size > 1,
        isolation_level=isolation,
        hide_parameters=True,
        connect_args={"options": options, "connect_timeout": CONNECT_TIMEOUT_S},
    )


# psycopg's connection, seen through a protocol of SQLAlchemy that lacks the attributes.
def _only_read(connection: Any, _entry: ConnectionPoolEntry) -> None:  # noqa: ANN401
    connection.read_only = True


def _insist_on_durability(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    # A setting of the session that the address cannot weaken; `fsync` is the server's and is asked about.
    cursor.execute("SET synchronous_commit = on")
    cursor.close()
    connection.commit()
