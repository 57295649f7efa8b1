"""Receipts (C2SP tlog-proof): one entry's place in a log, with the signed checkpoint that it was proven against."""

from __future__ import annotations

import re
from dataclasses import dataclass

from remission_verify.errors import ProofInvalid
from remission_verify.strict64 import decode64, encode64

HEADER = "c2sp.org/tlog-proof@v1"
MOST_HASHES = 63
_HASH_BYTES = 32
_EXTRA = "extra "
_INDEX = re.compile(r"index (0|[1-9][0-9]{0,18})")


@dataclass(frozen=True, slots=True)
class Receipt:
    """The entry at *index*, from 0, and the path from it to the root of the signed *checkpoint*."""

    index: int
    path: tuple[bytes, ...]
    checkpoint: str  #: the whole note
    extra: bytes | None = None  #: what somebody put beside it; nothing vouches for it

    @property
    def text(self) -> str:
        """The receipt as a file holds it."""
        extra = "" if self.extra is None else f"{_EXTRA}{encode64(self.extra)}\n"
        hashes = "".join(f"{encode64(value)}\n" for value in self.path)
        return f"{HEADER}\n{extra}index {self.index}\n{hashes}\n{self.checkpoint}"


def parse_receipt(text: str) -> Receipt:
    """Read a receipt, and believe none of it.

    Raises:
        ProofInvalid: It is none, or it was cut off.
    """
    head, mark, checkpoint = text.partition("\n\n")
    lines = head.split("\n")
    if not mark or lines[0] != HEADER:
        raise ProofInvalid(f"line 1: a receipt begins with {HEADER}, and an empty line stands before its checkpoint")
    has_extra = len(lines) > 1 and lines[1].startswith(_EXTRA)
    extra = _decoded(lines[1].removeprefix(_EXTRA)) if has_extra else None
    rest = lines[1 + has_extra :]
    index = _INDEX.fullmatch(rest[0]) if rest else None
    if index is None:
        raise ProofInvalid(
            f"the line of the index is {rest[0][:100] if rest else ''!r}; `index` and a number is accepted"
        )
    if len(rest) - 1 > MOST_HASHES:
        raise ProofInvalid(f"a path of {len(rest) - 1} hashes is not accepted; up to {MOST_HASHES} are")
    return Receipt(int(index[1]), tuple(_hash(line) for line in rest[1:]), checkpoint, extra)


def _hash(line: str) -> bytes:
    value = _decoded(line)
    if len(value) != _HASH_BYTES:
        raise ProofInvalid(f"{line[:100]!r} is a hash of {len(value)} bytes; {_HASH_BYTES} are expected")
    return value


def _decoded(text: str) -> bytes:
    try:
        return decode64(text)
    except ValueError as error:
        raise ProofInvalid(f"{text[:100]!r} {error}") from error
