"""The evidence of a bundle: each piece has its hash as its name, and is there because an event or a piece names it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import Any

from remission_verify.archive import Archive, ArchiveTorn
from remission_verify.errors import DocumentInvalid
from remission_verify.findings import Findings, unlike
from remission_verify.jsontext import json_of

#: Fields of payloads that name evidence, and those of evidence that name more.
NAMED = ("evidence", "spec", "features_sha256", "reference_sha256", "manifest")
ERASED = b'{"erased":true}'
MOST_BYTES = 1 << 30
_NAME = re.compile(r"evidence/([0-9a-f]{64})")
_SHA256 = re.compile(r"[0-9a-f]{64}")


class Evidence:
    """Collects what events name, then holds it against what is there."""

    def __init__(self, archive: Archive, found: Findings) -> None:
        self._archive, self._found = archive, found
        self._named: dict[str, str] = {}  #: who names it, by hash
        self.count = self.erased = 0

    @staticmethod
    def is_name(name: str) -> bool:
        """Say whether a file has a name that evidence has."""
        return _NAME.fullmatch(name) is not None

    def name(self, payload: object) -> None:
        """Note what a payload names."""
        for field, sha256 in _hashes(payload, NAMED):
            self._named.setdefault(sha256, f"{field} of an event")

    def check(self) -> None:
        """Look at every piece that is there, then ask for those that are named and are not."""
        there = {found[1] for name in self._archive.names if (found := _NAME.fullmatch(name))}
        for sha256 in sorted(there):
            self._check(sha256)
        for sha256 in sorted(set(self._named) - there):
            self._wrong(sha256, f"the evidence that {self._named[sha256]} names", "none")
        for sha256 in sorted(there - set(self._named)):
            self._wrong(sha256, "evidence that something names", "nothing that names it")
        self.count = len(there)

    def _check(self, sha256: str) -> None:
        try:
            data = self._archive.read(f"evidence/{sha256}", MOST_BYTES)
        except ArchiveTorn as error:
            self._found.add(error.fault)
            return
        if data == ERASED:
            self.erased += 1
            return
        hashed = hashlib.sha256(data).hexdigest()
        if hashed != sha256:
            self._wrong(sha256, "bytes with this hash", hashed)
            return
        self._note_inner(sha256, data)

    def _note_inner(self, sha256: str, data: bytes) -> None:
        """Note what the evidence itself names. Evidence that is no JSON names nothing."""
        try:
            document = json_of(data)
        except DocumentInvalid:
            return
        if not isinstance(document, dict):
            return
        inner = [*_hashes(document.get("inputs"), ("reference",)), *_hashes(document, ("base_manifest_sha256",))]
        for field, named in inner:
            self._named.setdefault(named, f"{field} of evidence/{sha256}")

    def _wrong(self, sha256: str, expected: str, found: str) -> None:
        self._found.add(unlike(f"evidence/{sha256}", "", expected, found))


def _hashes(document: Any, fields: tuple[str, ...]) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - whatever was read
    for field in fields if isinstance(document, dict) else ():
        value = document.get(field)
        if isinstance(value, str) and _SHA256.fullmatch(value):
            yield field, value
