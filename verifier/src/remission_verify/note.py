"""Signed notes (C2SP signed-note): text that ends in lines of signatures, and Ed25519 keys written as text.

A note's text ends in a newline; after an empty line follow lines of an em dash, the signer's name, and base64 of four
bytes that name the key and the signature. Signatures of unknown keys are left alone, as the format asks.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from remission_verify.errors import NoteInvalid
from remission_verify.strict64 import decode64, encode64

ED25519 = b"\x01"
MOST_BYTES = 1_000_000
MOST_SIGNATURES = 100
_DASH = "\u2014 "
_PRIVATE = "PRIVATE+KEY+"
_ID_BYTES, _KEY_BYTES = 4, 32
#: Characters that steer a terminal, and halves of characters, which have no bytes.
_NO_TEXT = re.compile("[\x00-\x09\x0b-\x1f\x7f\ud800-\udfff]")
_NO_NAME = re.compile(r"[\s+]|" + _NO_TEXT.pattern)


@dataclass(frozen=True, slots=True)
class Signature:
    """One line below a note."""

    name: str
    key_id: bytes
    value: bytes

    @property
    def line(self) -> str:
        """The signature as the note carries it."""
        return f"{_DASH}{self.name} {encode64(self.key_id + self.value)}\n"


@dataclass(frozen=True, slots=True)
class Verifier:
    """A public key, and the name that it signs under."""

    name: str
    key: bytes  #: 32 bytes

    @classmethod
    def from_text(cls, text: str) -> Verifier:
        """Read `name+hash+base64`.

        Raises:
            NoteInvalid: It is no verifier key of Ed25519.
        """
        return cls(*read_key(text))

    @property
    def key_id(self) -> bytes:
        """The four bytes that name the key in a note."""
        return id_of_key(self.name, ED25519, self.key)

    @property
    def text(self) -> str:
        """The key as text."""
        return f"{self.name}+{self.key_id.hex()}+{encode64(ED25519 + self.key)}"

    def accepts(self, text: str, signature: bytes) -> bool:
        """Say whether this key has signed *text*."""
        try:
            Ed25519PublicKey.from_public_bytes(self.key).verify(signature, text.encode())
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True, slots=True)
class Signer:
    """A private key, and the name that it signs under."""

    name: str
    seed: bytes = field(repr=False)

    @classmethod
    def fresh(cls, name: str) -> Signer:
        """Make a new key.

        Raises:
            NoteInvalid: *name* holds a space, a plus, or nothing.
        """
        return cls(_checked_name(name), Ed25519PrivateKey.generate().private_bytes_raw())

    @classmethod
    def from_text(cls, text: str) -> Signer:
        """Read `PRIVATE+KEY+name+hash+base64`.

        Raises:
            NoteInvalid: It is no signer key of Ed25519.
        """
        if not text.startswith(_PRIVATE):
            raise NoteInvalid(f"a signer key begins with {_PRIVATE}")
        name, key_id, seed = _key_parts(text.strip().removeprefix(_PRIVATE), ED25519)
        made = cls(name, seed)
        if made.verifier.key_id.hex() != key_id:
            raise NoteInvalid(
                f"the key of {name!r} has the hash {made.verifier.key_id.hex()}, the text says {key_id!r}"
            )
        return made

    @property
    def verifier(self) -> Verifier:
        """The public half."""
        return Verifier(self.name, self._private.public_key().public_bytes_raw())

    @property
    def text(self) -> str:
        """The key as text. Whoever reads it can sign."""
        payload = encode64(ED25519 + self.seed)
        return f"{_PRIVATE}{self.name}+{self.verifier.key_id.hex()}+{payload}"

    def sign(self, text: str) -> Signature:
        """Sign *text*."""
        return Signature(self.name, self.verifier.key_id, self._private.sign(text.encode()))

    @property
    def _private(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.seed)


@dataclass(frozen=True, slots=True)
class Note:
    """A text, the signatures below it, and which of them were checked."""

    text: str
    signatures: tuple[Signature, ...]
    verified: tuple[Verifier, ...] = ()

    @property
    def whole(self) -> str:
        """The note with its signatures."""
        return self.text + "\n" + "".join(signature.line for signature in self.signatures)


def sign(text: str, signers: Iterable[Signer]) -> str:
    """Return *text* as a note that all of *signers* have signed."""
    return Note(_checked_text(text), tuple(signer.sign(text) for signer in signers)).whole


def parse_note(whole: str) -> Note:
    """Take a note apart, and believe none of it.

    Raises:
        NoteInvalid: It is malformed.
    """
    if len(whole) > MOST_BYTES:
        raise NoteInvalid(f"a note of {len(whole)} characters is not accepted; up to {MOST_BYTES} are")
    text, mark, below = whole.rpartition("\n\n")
    if not mark or not below.endswith("\n"):
        raise NoteInvalid("the note does not end in an empty line and lines of signatures")
    lines = below.split("\n")[:-1]
    if len(lines) > MOST_SIGNATURES:
        raise NoteInvalid(f"{len(lines)} signatures are not accepted; up to {MOST_SIGNATURES} are")
    return Note(_checked_text(text + "\n"), tuple(_signature(line) for line in lines))


def open_note(whole: str, verifiers: Iterable[Verifier]) -> Note:
    """Take a note apart, and check the signatures of the keys that are trusted.

    Raises:
        NoteInvalid: It is malformed, a trusted key's signature is wrong, or no trusted key has signed it.
    """
    note = parse_note(whole)
    trusted = {(verifier.name, verifier.key_id): verifier for verifier in verifiers}
    verified = []
    for signature in note.signatures:
        verifier = trusted.pop((signature.name, signature.key_id), None)
        if verifier is None:
            continue
        if not verifier.accepts(note.text, signature.value):
            raise NoteInvalid(f"the signature of {signature.name}+{signature.key_id.hex()} does not fit the text")
        verified.append(verifier)
    if not verified:
        signed = ", ".join(f"{one.name}+{one.key_id.hex()}" for one in note.signatures)
        raise NoteInvalid(f"no trusted key has signed the note; {signed} has")
    return Note(note.text, note.signatures, tuple(verified))


def read_key(text: str, kind: bytes = ED25519) -> tuple[str, bytes]:
    """Read a public key as text: give its name and its bytes. *kind* says what it signs (C2SP signed-note).

    Raises:
        NoteInvalid: It is malformed, of another kind, or its hash is that of another key.
    """
    name, told, key = _key_parts(text.strip(), kind)
    found = id_of_key(name, kind, key).hex()
    if found != told:
        raise NoteInvalid(f"the key of {name!r} has the hash {found}, the text says {told!r}")
    return name, key


def id_of_key(name: str, kind: bytes, key: bytes) -> bytes:
    """Return the four bytes that name a public key in a note."""
    return hashlib.sha256(name.encode() + b"\n" + kind + key).digest()[:_ID_BYTES]


def _signature(line: str) -> Signature:
    name, _, value = line.removeprefix(_DASH).partition(" ")
    data = _decoded(value, "a signature")
    if not line.startswith(_DASH) or len(data) <= _ID_BYTES:
        raise NoteInvalid(f"{line[:100]!r} is no line of a signature")
    return Signature(_checked_name(name), data[:_ID_BYTES], data[_ID_BYTES:])


def _key_parts(text: str, kind: bytes) -> tuple[str, str, bytes]:
    name, _, rest = text.partition("+")
    key_id, _, encoded = rest.partition("+")
    data = _decoded(encoded, "a key")
    if data[:1] != kind or len(data) != 1 + _KEY_BYTES:
        raise NoteInvalid(
            f"the key is not one of Ed25519; `name+hash+base64` of 33 bytes, the first of them {kind[0]}, is accepted"
        )
    return _checked_name(name), key_id, data[1:]


def _decoded(value: str, what: str) -> bytes:
    try:
        return decode64(value)
    except ValueError as error:
        raise NoteInvalid(f"{what} {error}: {value[:100]!r}") from error


def _checked_name(name: str) -> str:
    if not name or _NO_NAME.search(name):
        raise NoteInvalid(
            f"{name[:100]!r} is no name of a key; one without spaces, plus signs and control characters is accepted"
        )
    return name


def _checked_text(text: str) -> str:
    if not text.endswith("\n"):
        raise NoteInvalid("the text of a note ends in a newline; this one does not")
    if wrong := _NO_TEXT.search(text):
        raise NoteInvalid(f"the text of a note holds the control character {wrong[0]!r}")
    return text
