"""Whom a check believes."""

from __future__ import annotations

from dataclasses import dataclass

from remission_verify.checkpoint import Checkpoint, parse
from remission_verify.cosignature import Cosignature, Witness, cosignatures
from remission_verify.errors import CheckpointInvalid
from remission_verify.note import Verifier, open_note


@dataclass(frozen=True, slots=True)
class Signed:
    """A checkpoint, and who vouches for it."""

    checkpoint: Checkpoint
    by: tuple[Verifier, ...]
    seen_by: tuple[Cosignature, ...]


@dataclass(frozen=True, slots=True)
class Trust:
    """Keys of a log, of which one must have signed; and witnesses, of which *quorum* must have."""

    verifiers: tuple[Verifier, ...]
    origin: str = ""  #: the log that it must be; empty for any that the keys have signed
    witnesses: tuple[Witness, ...] = ()
    quorum: int = 0

    def open(self, note: str) -> Signed:
        """Read a checkpoint and check who has signed it.

        Raises:
            NoteInvalid: No trusted key has signed it, a signature is wrong, or too few witnesses have seen it.
            CheckpointInvalid: The text is no checkpoint, or one of another log.
        """
        opened = open_note(note, self.verifiers)
        found = parse(opened.text)
        if self.origin and found.origin != self.origin:
            raise CheckpointInvalid(f"the checkpoint is of the log {found.origin!r}, expected {self.origin!r}")
        return Signed(found, opened.verified, cosignatures(note, self.witnesses, self.quorum))
