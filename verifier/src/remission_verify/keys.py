"""Public keys as they are handed to a check: as text, or in files of one key a line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from remission_verify.cosignature import Witness
from remission_verify.errors import NoteInvalid, VerificationError
from remission_verify.folder import read_text
from remission_verify.note import Verifier

Key = TypeVar("Key")


class KeyUnusable(VerificationError):
    """What was given as a key is none."""


def read_verifiers(given: Iterable[str]) -> list[Verifier]:
    """Read the keys of a log, each from its text or from a file.

    Raises:
        KeyUnusable: One of them is no public key of Ed25519, or a file holds none.
    """
    return list(_keys(given, Verifier.from_text))


def read_witnesses(given: Iterable[str]) -> list[Witness]:
    """Read the keys of witnesses, each from its text or from a file.

    Raises:
        KeyUnusable: One of them is no key that cosigns, or a file holds none.
    """
    return list(_keys(given, Witness.from_text))


def _keys(given: Iterable[str], read: Callable[[str], Key]) -> Iterator[Key]:
    for text in given:
        lines = _lines(text) if Path(text).exists() else {_unknown(text): text}
        if not lines:
            raise KeyUnusable(f"{text}: holds no key; one public key a line is accepted")
        for place, line in lines.items():
            if line.startswith("PRIVATE+KEY+"):
                raise KeyUnusable(f"{place}: is a private key; nothing but public keys is needed, and accepted")
            yield _key(place, line, read)


def _unknown(text: str) -> str:
    """Name what is no file: a key, which is not told again, or a file that is not there."""
    return "the key" if "+" in text else f"{text[:100]!r} is no file that is there, nor a key"


def _lines(name: str) -> dict[str, str]:
    """Give the lines of a file by their places, without those that are empty or comments."""
    path = Path(name)
    try:
        text = read_text(path.parent, path.name)
    except VerificationError as error:
        raise KeyUnusable(str(error)) from error
    lines = enumerate(text.splitlines(), start=1)
    return {f"{name} line {n}": line.strip() for n, line in lines if line.strip() and not line.startswith("#")}


def _key(place: str, line: str, read: Callable[[str], Key]) -> Key:
    try:
        return read(line)
    except NoteInvalid as error:
        raise KeyUnusable(f"{place}: {error}") from error
