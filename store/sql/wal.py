"""SQLite's write-ahead log, kept short though somebody always reads.

SQLite begins it anew where nobody reads any more what it holds. Readers who take turns without a pause never let that
moment come, and the file grows for as long as they do. So a writer that finds it long waits a moment for those who read
now; whoever comes meanwhile reads the database itself, and is in nobody's way.
"""

from contextlib import suppress
from pathlib import Path

from sqlalchemy import Engine

from store.errors import StoreError
from store.sql.link import Link
from store.sql.sqlite import WAL_BYTES, database_file
from store.sql.statement import Statement

#: Bytes at which it is long: twice of what it comes to where readers pause.
LONG_BYTES = 2 * WAL_BYTES

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
        self._long, self._commits = LONG_BYTES, 0

    def shorten(self, link: Link) -> None:
        """Have it begun anew, if it is found long; after a commit, which stands whatever becomes of this."""
        self._commits += 1
        if self._commits % LOOKS_EVERY:
            return
        size = self._file.stat().st_size if self._file.exists() else 0
        if size > self._long:
            with suppress(StoreError):  # who writes next meets it again
                self._long = size + WAL_BYTES if _is_read(link) else LONG_BYTES


def _is_read(link: Link) -> bool:
    """Wait for those who read now; say whether any of them was still there."""
    before = link.row(_PATIENCE)
    link.say(f"PRAGMA busy_timeout={PATIENCE_MS}")
    try:
        found = link.row(_RESTART)
    finally:
        link.say(f"PRAGMA busy_timeout={before[0] if before else PATIENCE_MS}")
    return bool(found and found[0])
