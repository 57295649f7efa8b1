"""How far each query has come: a file that is replaced whole, so that a restart leaves no gap and repeats nothing.

What is about to be sent is written first. Whoever starts again sends just that once more, under the same
id; asked again, a server might say something else of an instant that the service has taken already.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from providers.errors import ConfigInvalid

FORMAT = 1

Instant = Annotated[int, Meta(ge=0, le=(1 << 53) - 1)]


class Pending(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Points that are on their way, and how far the query has come once they have arrived."""

    end_us: Instant
    points: tuple[tuple[Instant, float], ...]


class _Kept(msgspec.Struct, forbid_unknown_fields=True):
    """The file."""

    format: Annotated[int, Meta(ge=FORMAT, le=FORMAT)] = FORMAT
    reached_us: dict[str, Instant] = msgspec.field(default_factory=dict)
    pending: dict[str, Pending] = msgspec.field(default_factory=dict)


class Progress:
    """What the file says, and what has happened since."""

    def __init__(self, file: Path, kept: _Kept) -> None:
        self._file, self._kept, self._lock = file, kept, threading.Lock()

    def reached_us(self, key: str) -> int | None:
        """Give the last instant of a query whose points have arrived; None where it has never run."""
        return self._kept.reached_us.get(key)

    def pending(self, key: str) -> Pending | None:
        """Give what was on its way when this last ran, and may have arrived or not."""
        return self._kept.pending.get(key)

    def begin(self, key: str, pending: Pending) -> None:
        """Note, durably, what is about to be sent."""
        with self._lock:
            self._kept.pending[key] = pending
            self._write()

    def drop(self, key: str) -> None:
        """Note that nothing of what was sent was taken."""
        with self._lock:
            self._kept.pending.pop(key, None)
            self._write()

    def advance(self, key: str, reached_us: int) -> None:
        """Note, durably, how far a query has come."""
        with self._lock:
            self._kept.pending.pop(key, None)
            self._kept.reached_us[key] = reached_us
            self._write()

    def _write(self) -> None:
        part = self._file.with_name(self._file.name + ".part")
        with part.open("wb") as out:
            out.write(msgspec.json.format(msgspec.json.encode(self._kept), indent=1))
            out.flush()
            os.fsync(out.fileno())
        part.replace(self._file)


@contextlib.contextmanager
def kept_in(file: Path) -> Iterator[Progress]:
    """Give the progress that *file* keeps, to one process at a time.

    Raises:
        ConfigInvalid: Another process has it, or it cannot be read or written. It is never begun anew by itself: that
            would leave a gap.
    """
    with contextlib.ExitStack() as held:
        try:
            lock = held.enter_context(file.with_name(file.name + ".lock").open("w", encoding="utf-8"))
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            progress = Progress(file, _read(file))
        except BlockingIOError as error:
            raise ConfigInvalid(f"state: {file} is another process's; one of its own is accepted") from error
        except OSError as error:
            raise ConfigInvalid(f"state: {file} cannot be used: {error}") from error
        yield progress


def _read(file: Path) -> _Kept:
    if not file.exists():
        return _Kept()
    try:
        return msgspec.json.decode(file.read_bytes(), type=_Kept)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigInvalid(f"state: {file} cannot be read ({error}); what this command has written is") from error
