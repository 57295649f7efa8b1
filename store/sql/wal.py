"""SQLite's write-ahead log, lengthened ahead of what comes, and kept short though somebody always reads.

A commit that makes the file longer waits for the file system to note that, too: it takes twice as long as one that
writes over what is there, as all do once the log has gone round. So a writer lengthens it ahead of them.

SQLite begins it anew where nobody reads any more what it holds. Readers who take turns without a pause never let that
moment come, and the file grows for as long as they do. So a writer that finds it long waits a moment for those who read
now; whoever comes meanwhile reads the database itself, and is in nobody's way.
"""

import os
from contextlib import suppress
from pathlib import Path

from sqlalchemy import Engine

from store.errors import StoreError
from store.sql.link import Link
from store.sql.sqlite import WAL_BYTES, database_file
from store.sql.statement import Statement

#: Bytes at which it is long: twice of what it comes to where readers pause.
LONG_BYTES = 2 * WAL_BYTES

#: By how much it is lengthened at once: a pause of milliseconds. Who begins with few commits pays for no more.
STEP_BYTES = WAL_BYTES // 4

#: How long each of those who read now is waited for. Reads take milliseconds; where one takes longer, this is tried
#: anew once the file has grown by as much again.
PATIENCE_MS = 200

#: Commits from one look at the file to the next: one with each would be felt by who commits alone.
LOOKS_EVERY = 8

_PATIENCE = Statement("PRAGMA busy_timeout", "", {})
_RESTART = Statement("PRAGMA wal_checkpoint(RESTART)", "", {})


class WriteAheadLog:
    """The write-ahead log beside the file of an engine, on its one connection that writes."""

    def __init__(self, engine: Engine) -> None:
        self._file = Path(f"{database_file(engine.url)}-wal")
        self._long, self._given, self._commits = LONG_BYTES, 0, 0

    def tend(self, link: Link) -> None:
        """Lengthen the file, or have it begun anew, where a look says so; a commit stands whatever becomes of this."""
        self._commits += 1
        if self._commits % LOOKS_EVERY:
            return
        size = self._file.stat().st_size if self._file.exists() else 0
        with suppress(StoreError):  # who writes next meets it again
            if size > self._long:
                self._long = size + WAL_BYTES if _is_read(link) else LONG_BYTES
            elif self._given < size < WAL_BYTES:  # what it was given is used up
                length = min(size + STEP_BYTES, WAL_BYTES)
                self._given = length if _lengthened(link, self._file, length) else WAL_BYTES  # it grows as it did


def _lengthened(link: Link, file: Path, length: int) -> bool:
    """Write zeros behind the end of the file, which SQLite takes for the end of what it tells; say if they had room.

    Nobody appends to it meanwhile, from another process neither: they would need the lock that is held.
    """
    link.begin()
    try:
        with file.open("r+b") as log:
            log.write(bytes(max(length - log.seek(0, os.SEEK_END), 0)))
            log.flush()
            os.fsync(log.fileno())
    except OSError:
        return False
    finally:
        link.rollback()
    return True


def _is_read(link: Link) -> bool:
    """Wait for those who read now; say whether any of them was still there."""
    before = link.row(_PATIENCE)
    link.say(f"PRAGMA busy_timeout={PATIENCE_MS}")
    try:
        found = link.row(_RESTART)
    finally:
        link.say(f"PRAGMA busy_timeout={before[0] if before else PATIENCE_MS}")
    return bool(found and found[0])
