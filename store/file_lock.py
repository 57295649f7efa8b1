"""One server for one database file: a lock that the kernel lets go of when the process ends, however it ends."""

import fcntl
import os
from pathlib import Path

from store.errors import DatabaseInUse, DatabaseReadOnly, DatabaseUnreachable


class FileLock:
    """The lock on a database file, held from construction to `release`."""

    def __init__(self, database: Path) -> None:
        """Take the lock.

        Raises:
            DatabaseInUse: Someone holds it.
            DatabaseReadOnly: No lock can be written beside the file.
            DatabaseUnreachable: There is no such folder.
        """
        path = database.with_name(database.name + ".lock")
        self._descriptor = _opened(path)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(self._descriptor, 32, 0).decode().strip() or "unknown"
            os.close(self._descriptor)
            raise DatabaseInUse(f"{database} is open in process {holder}") from error
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, str(os.getpid()).encode(), 0)

    def release(self) -> None:
        """Let go, once. The file stays, since removing it would race with whoever opens it next."""
        descriptor, self._descriptor = self._descriptor, _NONE
        if descriptor != _NONE:  # another file may have the number by now
            os.close(descriptor)


def _opened(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except PermissionError as error:
        raise DatabaseReadOnly(str(error)) from error
    except OSError as error:
        raise DatabaseReadOnly(str(error)) if error.errno == _READ_ONLY else DatabaseUnreachable(str(error)) from error


_NONE = -1
_READ_ONLY = 30  # EROFS, a file system mounted to be read
