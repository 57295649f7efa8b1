"""Checkpoints (C2SP tlog-checkpoint): what a log says of itself under its signature."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from remission_verify.errors import CheckpointInvalid
from remission_verify.limits import MOST_ENTRIES
from remission_verify.note import Verifier, open_note
from remission_verify.strict64 import decode64, encode64

_LEAST_LINES = 3
_HASH_BYTES = 32
_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The first *size* leaves of the log *origin* have this *root*."""

    origin: str
    size: int
    root: bytes

    @property
    def body(self) -> str:
        """The text that is signed."""
        return f"{self.origin}\n{self.size}\n{encode64(self.root)}\n"


def parse(body: str) -> Checkpoint:
    """Read the text of a checkpoint. Lines after the third belong to extensions, and are left alone.

    Raises:
        CheckpointInvalid: It is none.
    """
    lines = body.split("\n")[:-1]
    if len(lines) < _LEAST_LINES or not all(lines):
        raise CheckpointInvalid("a checkpoint has at least three lines, none of them empty: origin, size, root")
    origin, size, root = lines[:_LEAST_LINES]
    if not _NUMBER.fullmatch(size) or int(size) > MOST_ENTRIES:
        raise CheckpointInvalid(
            f"line 2: {size[:100]!r} is no size; a decimal number without leading zeros is accepted"
        )
    return Checkpoint(origin, int(size), _root(root))


def open_checkpoint(note: str, verifiers: Iterable[Verifier], origin: str = "") -> Checkpoint:
    """Check a signed checkpoint and read it; *origin*, when given, is the log that it must speak of.

    Raises:
        NoteInvalid: No trusted key has signed it.
        CheckpointInvalid: The text is no checkpoint, or one of another log.
    """
    found = parse(open_note(note, verifiers).text)
    if origin and found.origin != origin:
        raise CheckpointInvalid(f"the checkpoint is of the log {found.origin!r}, expected {origin!r}")
    return found


def _root(text: str) -> bytes:
    try:
        root = decode64(text)
    except ValueError as error:
        raise CheckpointInvalid(f"line 3: {text[:100]!r} {error}") from error
    if len(root) != _HASH_BYTES:
        raise CheckpointInvalid(f"line 3: a root of {len(root)} bytes; {_HASH_BYTES} are expected")
    return root
