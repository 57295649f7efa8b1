"""The evidence of a bundle: what its events name, and what that names in turn, each under its hash and once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import Any

import orjson

from server.audit.deriving import NAMED
from server.bundling.parts import Parts
from store.blobs import Blobs
from store.errors import EvidenceErased
from store.ports import Readable, Reader

ERASED = b'{"erased":true}'
MANIFEST = "manifest"
SHA256 = re.compile(r"[0-9a-f]{64}")


class Shelf:
    """Puts documents into *parts* as events name them, and reads them for whoever tells of them."""

    def __init__(self, store: Readable, blobs: Blobs, parts: Parts) -> None:
        self._store, self._blobs, self._parts = store, blobs, parts
        self._manifests: set[str] = set()
        self._known: set[str] = set()

    def put_named(self, payload: bytes) -> None:
        """Put what a payload names.

        Raises:
            EvidenceMissing: It is not on record.
            BlobMissing: A manifest is not among the artefacts.
        """
        fact = orjson.loads(payload)
        for sha256 in _hashes(fact, NAMED):
            self._put(sha256)
        for sha256 in _hashes(fact, (MANIFEST,)):
            self._manifests.add(sha256)
            self._put(sha256)

    def document(self, sha256: str) -> dict[str, Any] | None:
        """Give the JSON object under a hash; None when it was erased."""
        found = orjson.loads(self._read(sha256))
        return found if isinstance(found, dict) and found != {"erased": True} else None

    def _put(self, sha256: str) -> None:
        if sha256 in self._known:
            return
        self._known.add(sha256)
        body = self._read(sha256)
        self._parts.put(f"evidence/{sha256}", body)
        self._put_named_within(sha256, orjson.loads(body))

    def _put_named_within(self, sha256: str, document: Any) -> None:  # noqa: ANN401 - whatever the evidence holds
        if sha256 in self._manifests:
            for base in _hashes(document, ("base_manifest_sha256",)):
                self._manifests.add(base)
                self._put(base)
        elif isinstance(document, dict) and isinstance(document.get("inputs"), dict):
            for reference in _hashes(document["inputs"], ("reference",)):
                self._put(reference)

    def _read(self, sha256: str) -> bytes:
        if sha256 in self._manifests:
            return self._blobs.get(sha256)
        try:
            return self._store.read(partial(_evidence, sha256))
        except EvidenceErased:
            return ERASED


def _evidence(sha256: str, reader: Reader) -> bytes:
    return reader.evidence(sha256)


def _hashes(document: dict[str, Any], names: tuple[str, ...]) -> Iterator[str]:
    """Give the hashes that fields of *document* hold."""
    for name in names:
        value = document.get(name)
        if isinstance(value, str) and SHA256.fullmatch(value):
            yield value
