"""The keys that sign checkpoints: a file outside the database, which nobody else may read.

Each line is a key as the Go team's package `note` writes them: `PRIVATE+KEY+…` signs, in the order of lines; a public
key, one that was retired, only verifies what it signed. The name of the first is the origin of the log.
"""

from __future__ import annotations

import os
import secrets
import stat
from dataclasses import dataclass
from pathlib import Path

from remission_verify.errors import NoteInvalid
from remission_verify.note import Signer, Verifier

PRIVATE = "PRIVATE+KEY+"


class KeyUnusable(ValueError):
    """The file of keys cannot be used as it is."""


@dataclass(frozen=True, slots=True)
class Keys:
    """Those that sign, the first of them by its name as the log's origin, and those that are retired."""

    signers: tuple[Signer, ...]
    retired: tuple[Verifier, ...] = ()

    @property
    def origin(self) -> str:
        """The name of the log."""
        return self.signers[0].name

    @property
    def verifiers(self) -> tuple[Verifier, ...]:
        """All keys by which something may have been signed."""
        return (*(signer.verifier for signer in self.signers), *self.retired)


def fresh_keys(name: str = "") -> Keys:
    """Make a key. Without a name it gets one that no other log has."""
    return Keys((Signer.fresh(name or f"remission-{secrets.token_hex(8)}"),))


def read_keys(path: Path) -> Keys:
    """Read a file of keys.

    Raises:
        KeyUnusable: It is missing, others may read it, or a line is no key.
    """
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise KeyUnusable(
            f"signing_key: {path} is missing; `remission key new {path}` makes one for a new log"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise KeyUnusable(f"signing_key: {path} cannot be read: {error}") from error
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise KeyUnusable(f"signing_key: {path} can be read by others ({stat.filemode(mode)}); mode 600 is accepted")
    return _parsed(path, text)


def write_keys(path: Path, keys: Keys) -> None:
    """Write a file that did not exist.

    Raises:
        KeyUnusable: Something stands there, or it cannot be written.
    """
    lines = [signer.text for signer in keys.signers] + [verifier.text for verifier in keys.retired]
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise KeyUnusable(f"{path} exists; a key is never overwritten, and a path that is free is accepted") from error
    except OSError as error:
        raise KeyUnusable(f"{path} cannot be written: {error.strerror}") from error
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
        file.flush()
        os.fsync(file.fileno())


def replace_keys(path: Path, keys: Keys) -> None:
    """Write a file of keys in the place of the one that is there, whole or not at all."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    write_keys(fresh, keys)
    fresh.replace(path)


def rotated(keys: Keys) -> Keys:
    """Put a new key of the same name before the others."""
    return Keys((Signer.fresh(keys.origin), *keys.signers), keys.retired)


def retired(keys: Keys, key_id: str) -> Keys:
    """Let the key with this hash sign no more.

    Raises:
        KeyUnusable: No key that signs has this hash, or it is the only one.
    """
    known = {signer.verifier.key_id.hex(): signer for signer in keys.signers}
    if key_id not in known or len(known) == 1:
        accepted = (
            ", ".join(known) if len(known) > 1 else "none, since one key must sign; `remission key rotate` adds one"
        )
        raise KeyUnusable(f"{key_id!r} cannot be retired; accepted: {accepted}")
    left = tuple(signer for signer in keys.signers if signer is not known[key_id])
    return Keys(left, (*keys.retired, known[key_id].verifier))


def _parsed(path: Path, text: str) -> Keys:
    signers, retired = [], []
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            if line.startswith(PRIVATE):
                signers.append(Signer.from_text(line))
            elif line.strip() and not line.startswith("#"):
                retired.append(Verifier.from_text(line))
        except NoteInvalid as error:
            raise KeyUnusable(f"signing_key: {path} line {number}: {error}") from error
    if not signers:
        raise KeyUnusable(f"signing_key: {path} holds no key that signs; a line that begins with {PRIVATE} is accepted")
    if {signer.name for signer in signers} != {signers[0].name}:
        raise KeyUnusable(
            f"signing_key: {path}: keys of several names; a log has one name, kept when its key is changed"
        )
    return Keys(tuple(signers), tuple(retired))
