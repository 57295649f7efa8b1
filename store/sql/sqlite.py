"""SQLite: one connection that writes and checkpoints, many that only read.

Every commit is on disk before it is acknowledged (WAL with synchronous=FULL). Versions of SQLite before 3.51.3 can
corrupt a WAL that two connections write or checkpoint at once, so only one of ours ever does.
"""

from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from store.errors import DatabaseUnreachable, DatabaseUnsafe, DatabaseUrlInvalid

#: `PRAGMA synchronous` as SQLite answers it.
_FULL = 2

#: What the writer keeps of the file in memory, at most. An event's keys fall anywhere in their indexes: with SQLite's
#: own 2 MB, rows of a log of 400,000 events took a half longer to insert.
CACHE_KIB = 65_536

#: Pages of the write-ahead log before they are moved to the file, 16 MB: a page that many commits change is moved once.
WAL_PAGES = 4_000

#: Bytes of what the log says of itself, and of a page with what is said of that.
#: Source: https://www.sqlite.org/fileformat2.html#the_write_ahead_log
WAL_HEADER_BYTES = 32
WAL_FRAME_BYTES = 24 + 4_096

#: As many pages in bytes. A file that grew longer, since somebody read it, is cut to this when it begins anew.
WAL_BYTES = WAL_HEADER_BYTES + WAL_PAGES * WAL_FRAME_BYTES


def database_file(url: URL) -> Path:
    """Return the file that *url* names.

    Raises:
        DatabaseUrlInvalid: It names none; a log that is gone with the process is `memory://`.
        DatabaseUnreachable: A folder stands there.
    """
    if not url.database or url.database == ":memory:":
        raise DatabaseUrlInvalid(url.render_as_string())
    file = Path(url.database.removeprefix("file:"))
    if file.is_dir():
        raise DatabaseUnreachable(f"{file} is a folder; a file is accepted")
    return file


def writer(url: URL, timeout_ms: int) -> Engine:
    """Return the engine whose single connection writes. Its transactions take the write lock at once."""
    durable = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "recursive_triggers=ON")
    ahead = (f"wal_autocheckpoint={WAL_PAGES}", f"journal_size_limit={WAL_BYTES}")
    pragmas = (f"busy_timeout={timeout_ms}", *durable, f"cache_size={-CACHE_KIB}", *ahead)
    return _engine(url, "BEGIN IMMEDIATE", pragmas, size=1)


def readers(url: URL, timeout_ms: int) -> Engine:
    """Return the engine whose connections cannot write, and leave checkpoints alone."""
    return _engine(url, "BEGIN", (f"busy_timeout={timeout_ms}", "query_only=ON", "wal_autocheckpoint=0"), size=8)


def check_durability(connection: Connection) -> None:
    """Read back what decides whether an acknowledged commit survives a loss of power.

    Raises:
        DatabaseUnsafe: It would not.
    """
    mode = connection.exec_driver_sql("PRAGMA journal_mode").scalar_one()
    synchronous = connection.exec_driver_sql("PRAGMA synchronous").scalar_one()
    if mode != "wal" or synchronous != _FULL:
        raise DatabaseUnsafe(f"journal_mode={mode}, synchronous={synchronous}; need wal and {_FULL}")


def _engine(url: URL, begin: str, pragmas: tuple[str, ...], size: int) -> Engine:
    engine = create_engine(
        url.set(drivername="sqlite+pysqlite"),
        paramstyle="named",
        pool_size=size,
        max_overflow=0 if size == 1 else size,
        hide_parameters=True,
        connect_args={"check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def _on_connect(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        _prepare(connection, pragmas)

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


# The driver's own type is not SQLAlchemy's protocol, which lacks the attribute.
def _prepare(connection: Any, pragmas: tuple[str, ...]) -> None:  # noqa: ANN401
    # The driver's habit of beginning transactions by itself breaks savepoints and BEGIN IMMEDIATE: switch it off.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in pragmas:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
