"""What can be wrong with a record. Each says what, where, and what was expected."""

from __future__ import annotations


class VerificationError(Exception):
    """The record is not what it claims to be."""


class NoteInvalid(VerificationError):
    """A signed note or a key is malformed, or no trusted key has signed it."""


class CheckpointInvalid(VerificationError):
    """The body of a note is no checkpoint of a log."""


class ProofInvalid(VerificationError):
    """A proof does not lead to the root."""
