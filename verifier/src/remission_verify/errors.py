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


class NotCanonical(VerificationError):
    """Bytes are not the one way in which their value is written (RFC 8785)."""


class EnvelopeInvalid(VerificationError):
    """An entry of a log is no envelope of an event."""


class FileInvalid(VerificationError):
    """A file of an export is missing, is no plain file, or has another size or form than it must have."""


class BundleTorn(FileInvalid):
    """A bundle of entries does not hold as many as its place in the log says."""

    def __init__(self, said: str, entries: list[bytes]) -> None:
        """Keep the *entries* that could be read, from the first on."""
        self.entries = entries
        super().__init__(said)


class ExportRefused(VerificationError):
    """An export cannot be written as it was asked for. Nothing was written."""


class DocumentInvalid(VerificationError):
    """A document of a bundle is no JSON that can be believed."""
