"""Receipts (C2SP tlog-proof): one entry's place in a log, with the signed checkpoint that it was proven against."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from dataclasses import dataclass

from remission_verify.checkpoint import Checkpoint, open_checkpoint
from remission_verify.errors import ProofInvalid
from remission_verify.merkle import hash_leaf, verify_inclusion
from remission_verify.note import Verifier

HEADER = "c2sp.org/tlog-proof@v1"
MOST_HASHES = 63
_HASH_BYTES = 32
_INDEX = re.compile(r"index (0|[1-9][0-9]{0,18})")


@dataclass(frozen=True, slots=True)
class Receipt:
    """The entry at *index*, from 0, and the path from it to the root of the signed *checkpoint*."""

    index: int
    path: tuple[bytes, ...]
    checkpoint: str  #: the whole note

    @property
    def text(self) -> str:
        """The receipt as a file holds it."""
        hashes = "".join(f"{base64.b64encode(value).decode()}\n" for value in self.path)
        return f"{HEADER}\nindex {self.index}\n{hashes}\n{self.checkpoint}"

    def verify(self, entry: bytes, verifiers: Iterable[Verifier], origin: str = "") -> Checkpoint:
        """Check that *entry* stands in the log; give the checkpoint that says so.

        Raises:
            NoteInvalid: No trusted key has signed the checkpoint.
            CheckpointInvalid: It is none, or one of another log than *origin*.
            ProofInvalid: The entry does not stand there.
        """
        told = open_checkpoint(self.checkpoint, verifiers, origin)
        verify_inclusion(hash_leaf(entry), self.index, told.size, self.path, told.root)
        return told


def parse_receipt(text: str) -> Receipt:
    """Read a receipt, and believe none of it.

    Raises:
        ProofInvalid: It is none, or it was cut off.
    """
    head, mark, checkpoint = text.partition("\n\n")
    lines = head.split("\n")
    if not mark or lines[0] != HEADER:
        raise ProofInvalid(f"line 1: a receipt begins with {HEADER}, and an empty line stands before its checkpoint")
    rest = lines[2:] if len(lines) > 1 and lines[1].startswith("extra ") else lines[1:]
    index = _INDEX.fullmatch(rest[0]) if rest else None
    if index is None:
        raise ProofInvalid(
            f"the line of the index is {rest[0][:100] if rest else ''!r}; `index` and a number is accepted"
        )
    if len(rest) - 1 > MOST_HASHES:
        raise ProofInvalid(f"a path of {len(rest) - 1} hashes is not accepted; up to {MOST_HASHES} are")
    return Receipt(int(index[1]), tuple(_hash(line) for line in rest[1:]), checkpoint)


def _hash(line: str) -> bytes:
    try:
        value = base64.b64decode(line, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ProofInvalid(f"{line[:100]!r} is no base64 of a hash") from error
    if len(value) != _HASH_BYTES:
        raise ProofInvalid(f"{line[:100]!r} is a hash of {len(value)} bytes; {_HASH_BYTES} are expected")
    return value
