"""The file of the newest checkpoint, outside the database. Servers of one log may share it: it never grows older."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from remission_verify.checkpoint import parse
from remission_verify.note import parse_note

WAIT_SECONDS = 1.0  #: for another server, which takes milliseconds unless it was frozen
LOOK_SECONDS = 0.002


class CheckpointHeld(Exception):
    """Another server holds the file of the newest checkpoint for too long. It is asked for again with the next one."""

    def __init__(self, file: Path) -> None:
        """Name the file."""
        super().__init__(f"checkpoint_file: {file} is held by another server for more than {WAIT_SECONDS:g} s")
        self.file = file


class KeptCheckpoint:
    """The note of the newest checkpoint in *file*."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def __str__(self) -> str:
        """Name the file."""
        return str(self._file)

    def text(self) -> str | None:
        """Read the note; None before the first."""
        try:
            return self._file.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None

    def put(self, note: str) -> None:
        """Keep *note*, if it is newer, or signed by more, than the one that is kept; an older one changes nothing.

        Raises:
            CheckpointHeld: Another server is at it, and does not end.
        """
        # Between the look and the change nobody else may put one: an older one would stand there for a while, and a
        # log that was restored in that while would pass for whole.
        with self._held():
            known = self.text()
            if not known or _rank(known) < _rank(note):
                self._replace(note)

    def _replace(self, note: str) -> None:
        fresh = self._file.with_name(f"{self._file.name}.new")
        with fresh.open("w", encoding="utf-8") as file:
            file.write(note)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._file)

    @contextmanager
    def _held(self) -> Iterator[None]:
        """Hold the lock on a file beside it, which the kernel lets go of when the process ends, however it ends."""
        beside = self._file.with_name(f"{self._file.name}.lock")
        descriptor = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            self._wait(descriptor)
            yield
        finally:
            os.close(descriptor)

    def _wait(self, descriptor: int) -> None:
        until = time.monotonic() + WAIT_SECONDS
        while True:
            try:
                return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                if time.monotonic() > until:
                    raise CheckpointHeld(self._file) from error
            time.sleep(LOOK_SECONDS)


def _rank(note: str) -> tuple[int, int]:
    """Say which of two notes is to be kept: the one of more events, then the one with more signatures."""
    found = parse_note(note)
    return parse(found.text).size, len(found.signatures)
