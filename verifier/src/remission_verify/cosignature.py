"""Cosignatures of witnesses (C2SP tlog-cosignature, Ed25519): that a stranger saw this checkpoint, and when.

A witness signs only what grew out of everything that it signed before, so a log that wants to show two histories has to
fool every witness that is asked for.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from remission_verify.errors import NoteInvalid
from remission_verify.note import Signature, id_of_key, parse_note, read_key
from remission_verify.strict64 import encode64

COSIGNATURE = b"\x04"
_TIME = struct.Struct(">Q")
_SIGNATURE_BYTES = 64
_LATEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Witness:
    """A stranger's public key, and the name that it cosigns under."""

    name: str
    key: bytes  #: 32 bytes

    @classmethod
    def from_text(cls, text: str) -> Witness:
        """Read `name+hash+base64`.

        Raises:
            NoteInvalid: It is no key of a witness.
        """
        return cls(*read_key(text, COSIGNATURE))

    @property
    def key_id(self) -> bytes:
        """The four bytes that name the key in a note."""
        return id_of_key(self.name, COSIGNATURE, self.key)

    @property
    def text(self) -> str:
        """The key as text."""
        return f"{self.name}+{self.key_id.hex()}+{encode64(COSIGNATURE + self.key)}"


@dataclass(frozen=True, slots=True)
class Cosignature:
    """A witness that saw a checkpoint, and when."""

    witness: Witness
    time_s: int  #: seconds since 1970, by the witness's own clock


def message(text: str, time_s: int) -> bytes:
    """Return what a witness signs: the time, and the text of a checkpoint."""
    return f"cosignature/v1\ntime {time_s}\n{text}".encode()


def cosignatures(note: str, witnesses: Iterable[Witness], least: int = 0) -> tuple[Cosignature, ...]:
    """Check what known witnesses have signed of a checkpoint, and give it. Those that are unknown are left alone.

    Raises:
        NoteInvalid: The note is malformed, a known witness's cosignature is wrong, or fewer than *least* have signed.
    """
    known = {(one.name, one.key_id): one for one in witnesses}
    parsed, found = parse_note(note), {}
    for signature in parsed.signatures:
        witness = known.get((signature.name, signature.key_id))
        if witness is not None:
            found[witness] = _checked(parsed.text, signature, witness)
    if len(found) < least:
        names = ", ".join(witness.name for witness in found) or "none"
        raise NoteInvalid(f"{len(found)} known witnesses have cosigned ({names}); at least {least} are asked for")
    return tuple(found.values())


def _checked(text: str, signature: Signature, witness: Witness) -> Cosignature:
    if len(signature.value) != _TIME.size + _SIGNATURE_BYTES:
        raise NoteInvalid(
            f"the cosignature of {witness.name} has {len(signature.value)} bytes; "
            f"{_TIME.size + _SIGNATURE_BYTES} are expected"
        )
    (time_s,) = _TIME.unpack_from(signature.value)
    try:
        Ed25519PublicKey.from_public_bytes(witness.key).verify(signature.value[_TIME.size :], message(text, time_s))
    except (InvalidSignature, ValueError) as error:
        raise NoteInvalid(f"the cosignature of {witness.name} does not fit the text") from error
    if time_s > _LATEST:
        raise NoteInvalid(f"the cosignature of {witness.name} is of the time {time_s}; up to {_LATEST} is accepted")
    return Cosignature(witness, time_s)
