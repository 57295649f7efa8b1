"""Certificates that are not let in any more: a list in a file, which counts as soon as it is written.

An entry is what `openssl x509` prints with `-serial`, or with `-fingerprint -sha256`; what follows a `#` is a note. A
list that cannot be read, or holds what is no entry, changes nothing: what was read before goes on, and the log says so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import structlog
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256

from server.settings import SettingsInvalid

LOG = structlog.get_logger()
FINGERPRINT_DIGITS = 64
ENTRY = re.compile(r"[0-9a-f]{1,40}|[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Entries:
    """What a list holds."""

    fingerprints: frozenset[str]
    serials: frozenset[int]

    def __len__(self) -> int:
        """Say how many there are."""
        return len(self.fingerprints) + len(self.serials)

    def hold(self, fingerprint: str, serial: int) -> bool:
        """Say whether a certificate is among them."""
        return fingerprint in self.fingerprints or serial in self.serials


class Revoked:
    """The list, and what was read of it last. For one thread."""

    def __init__(self, path: Path) -> None:
        """Read it.

        Raises:
            SettingsInvalid: It cannot be read, or a line of it is no entry.
        """
        self._path = path
        self._mark = _mark(path)
        self._held = _read(path)
        self._edition = 1

    def has(self, pem: bytes) -> bool:
        """Say whether this certificate is on the list as it stands now."""
        self.edition()
        return bool(self._held) and self._held.hold(*_marks_of(pem))

    def edition(self) -> int:
        """Count the lists that were read, that which stands there now included."""
        mark = _mark(self._path)
        if mark != self._mark:
            self._mark = mark
            self._renew()
        return self._edition

    def _renew(self) -> None:
        try:
            self._held = _read(self._path)
        except SettingsInvalid as error:
            LOG.warning("revoked_unusable", error=str(error), then="the list that was read before holds")
        else:
            self._edition += 1
            LOG.info("revoked_renewed", listed=len(self._held))


def entries(text: str) -> Entries:
    """Read a list.

    >>> entries("serial=0A # the laptop of ann").hold("", 10)
    True

    Raises:
        SettingsInvalid: A line is no entry.
    """
    found = [_entry(number, line) for number, line in enumerate(text.splitlines(), 1)]
    return Entries(
        fingerprints=frozenset(one for one in found if len(one) == FINGERPRINT_DIGITS),
        serials=frozenset(int(one, 16) for one in found if 0 < len(one) < FINGERPRINT_DIGITS),
    )


def _entry(number: int, line: str) -> str:
    said = line.partition("#")[0].strip()
    digits = said.rpartition("=")[2].replace(":", "").strip().lower()
    if said and not ENTRY.fullmatch(digits):
        accepted = "a serial number of at most 40 hexadecimal digits, or a SHA-256 fingerprint of 64, is accepted"
        raise SettingsInvalid(f"tls_revoked: line {number}: {said!r} is no entry; {accepted}")
    return digits


def _read(path: Path) -> Entries:
    try:
        return entries(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsInvalid(f"tls_revoked: {str(path)!r} cannot be read: {error}") from error


def _mark(path: Path) -> tuple[int, ...]:
    """Give what changes when the file is written, or another takes its place."""
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_mtime_ns, found.st_size, found.st_ino


@lru_cache(maxsize=10_000)
def _marks_of(pem: bytes) -> tuple[str, int]:
    """Give the fingerprint and the serial number of a certificate."""
    certificate = x509.load_pem_x509_certificate(pem)
    return certificate.fingerprint(SHA256()).hex(), certificate.serial_number
