"""The notary: signs what the log is, and never signs two logs that differ.

A checkpoint is committed before anyone sees it, under the lock by which events are appended, so the tree that it speaks
of is the one that every later append builds on. The newest one is also kept in a file outside the database: a database
that is behind it was restored from a backup, or was cut off, and is not served.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from remission_verify.checkpoint import Checkpoint as Told
from remission_verify.checkpoint import open_checkpoint
from remission_verify.errors import VerificationError
from remission_verify.note import Verifier, sign

from server.checkpoints.kept import KeptCheckpoint
from server.checkpoints.keys import Keys, KeyUnusable
from store.errors import TileMissing
from store.ports import Readable, Reader, Unit
from store.proofs import root_at
from store.records import Checkpoint


class LogUnsafe(ValueError):
    """The log is not the one that was signed, so nothing more is signed of it."""


class Notary:
    """Signs checkpoints of one log. *kept* is the file of the newest one; None keeps none."""

    def __init__(self, keys: Keys, kept: Path | None, clock_us: Callable[[], int]) -> None:
        self._keys, self._clock_us = keys, clock_us
        self._kept = KeptCheckpoint(kept) if kept is not None else None

    @property
    def origin(self) -> str:
        """The name of the log."""
        return self._keys.origin

    @property
    def verifiers(self) -> tuple[Verifier, ...]:
        """The public keys by which its checkpoints can be checked."""
        return self._keys.verifiers

    def check(self, store: Readable) -> None:
        """Hold the log against what was signed of it.

        Raises:
            KeyUnusable: Its checkpoints were signed by other keys, or it has the name that it had before a restore.
            LogUnsafe: It is behind the newest checkpoint known, or differs from it.
        """
        store.read(self._check_signed)
        known = self.known()
        if known is not None:
            store.read(lambda reader: _check_known(reader, known, str(self._kept)))

    def known(self) -> Told | None:
        """Read the newest checkpoint that is kept outside the database; None before the first.

        Raises:
            LogUnsafe: The file cannot be read, or these keys have not signed it.
        """
        try:
            text = self._kept.text() if self._kept is not None else None
            return None if text is None else open_checkpoint(text, self._keys.verifiers, self.origin)
        except (OSError, UnicodeDecodeError, VerificationError) as error:
            raise LogUnsafe(
                f"checkpoint_file: {self._kept}: {error}; the file that this log has written is accepted"
            ) from error

    def unguarded(self, store: Readable) -> int:
        """Say how many events were signed of a log of which no checkpoint is kept outside; 0 where one is, or none was.

        Nothing tells then whether it was restored from a backup that is older than what was signed last.
        """
        if self._kept is None or self.known() is not None:
            return 0
        return max((signed.size for signed in store.read(lambda reader: reader.checkpoints())), default=0)

    def sign(self, unit: Unit) -> Checkpoint:
        """Sign what is committed, unless that was done; the caller's commit makes it valid.

        Raises:
            KeyUnusable: The newest checkpoint was signed by other keys.
        """
        head = unit.settled_head()
        newest = next(iter(unit.checkpoints()), None)
        if newest is not None and newest.size == head.position:
            return newest
        self._check_note(newest)
        note = sign(Told(self.origin, head.position, bytes.fromhex(head.root)).body, self._keys.signers)
        made = Checkpoint(
            epoch=head.epoch, size=head.position, root=head.root, note=note.encode(), created_us=self._clock_us()
        )
        unit.put(made)
        return made

    def seal(self, text: str) -> str:
        """Sign a text that is no checkpoint, and cannot be taken for one: its first line says what it is."""
        return sign(text, self._keys.signers)

    def keep(self, note: str) -> None:
        """Keep the note of a committed checkpoint, if it is newer, or signed by more, than the one that is kept.

        Raises:
            CheckpointHeld: Another server is at the file, and does not end.
        """
        if self._kept is not None:
            self._kept.put(note)

    def published(self, checkpoint: Checkpoint) -> str:
        """Give the note of a checkpoint, with the cosignatures that it has got since."""
        note = checkpoint.note.decode()
        kept = self._kept.text() if self._kept is not None else None
        return kept if kept is not None and kept.startswith(note) else note

    def _check_signed(self, reader: Reader) -> None:
        newest = next(iter(reader.checkpoints()), None)
        self._check_note(newest)
        if newest is not None:
            _check_known(reader, Told(self.origin, newest.size, bytes.fromhex(newest.root)), "the database")
        else:
            self._check_name(reader)

    def _check_name(self, reader: Reader) -> None:
        """Refuse to begin an epoch under the name of one before: behind the backup the two are different logs."""
        for epoch in range(1, reader.head().epoch):
            for signed in reader.checkpoints(epoch=epoch):
                if signed.note.startswith(f"{self.origin}\n".encode()):
                    raise KeyUnusable(
                        f"signing_key: {self.origin} is the name that the log had before `remission restore`, and what "
                        "was signed then may differ from it now; keys of another name are accepted"
                    )

    def _check_note(self, newest: Checkpoint | None) -> None:
        try:
            if newest is not None:
                open_checkpoint(newest.note.decode(), self._keys.verifiers, self.origin)
        except (VerificationError, UnicodeDecodeError) as error:
            raise KeyUnusable(f"signing_key: the checkpoint of size {newest.size if newest else 0}: {error}") from error


def _check_known(reader: Reader, known: Told, whence: str) -> None:
    head = reader.head()
    if known.size > head.position:
        raise LogUnsafe(
            f"the log has {head.position} events, and {whence} holds a checkpoint of {known.size}: it was restored "
            "from a backup or cut off; the whole log is accepted, or this one under a new key after `remission restore`"
        )
    try:
        found = root_at(reader, known.size)
    except TileMissing as error:
        raise LogUnsafe(f"the tree of the log is not whole: {error}") from error
    if found != known.root:
        raise LogUnsafe(
            f"the first {known.size} events have the root {found.hex()}, the checkpoint in {whence} says "
            f"{known.root.hex()}: the log was altered, or is another one"
        )
