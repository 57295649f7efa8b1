"""Kept rows in a bundle: ciphertext, an index of it, and what its columns are called.

It takes no key to see that each entry is the one that was indexed, and that none is missing between the first and the
last. What is in them only the holder of the vault can see. The log does not name entries of the feed, so they are as
the signer of the manifest says; it does name datasets, by the hash of what is in them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from remission_verify.archive import Archive, ArchiveTorn
from remission_verify.canonical import decode
from remission_verify.errors import DocumentInvalid, VerificationError
from remission_verify.findings import Findings, unlike
from remission_verify.indexed import DATASET, INDEX, LABELS, ROWS, Indexed, index_of
from remission_verify.jsontext import json_of
from remission_verify.tape import Tape

SEALED, COLUMNS, LINEAGE = "rows.sealed", "columns.json", "lineage.json"
FILES = (COLUMNS, INDEX, SEALED)
MOST_BYTES = 1 << 30
MARK = b"\xff\xff\xff\xff\x02"  #: with which every sealed entry of a feed begins; the length of its header follows
LENGTH_BYTES = 4
MOST_HEADER_BYTES = 64 << 20
ID_DIGITS = 24  #: of the key, with which every sealed dataset begins
UNSEEN = "what the sealed rows hold: no key was needed for this check, and none was used"


class SealedRows:
    """Goes through index and ciphertext together, entry by entry, in bounded memory."""

    def __init__(self, archive: Archive, manifest: dict[str, Any], found: Findings) -> None:
        self._archive, self._manifest, self._found = archive, manifest, found
        self._before: Indexed | None = None
        self._next_row: int | None = None  #: the number of the row that must come next
        self._datasets: set[str] = set()
        self.sealed = self.withheld = self.dead_keys = 0

    def check(self) -> None:
        """Check all of it, where a bundle holds any."""
        if not set(FILES) & set(self._manifest["files"]):
            return
        number = 0
        try:
            tape = Tape(self._archive, SEALED)
            for number, entry in enumerate(index_of(self._archive), start=1):
                self._entry(number, entry, tape)
            if not tape.ended():
                self._wrong(SEALED, "", "no byte behind the last entry of the index", "some")
            self._columns()
            self._check_datasets()
        except ArchiveTorn as error:
            self._found.add(error.fault)
        except VerificationError as error:
            self._wrong(INDEX, f"behind line {number}", "a line of the index", str(error))
        told = {"sealed": self.sealed, "withheld": self.withheld, "dead_keys": self.dead_keys}
        self._found.more |= {**told, "unseen": UNSEEN}

    def _entry(self, number: int, entry: Indexed, tape: Tape) -> None:
        expected = self._dataset_place(entry) if entry.kind == DATASET else self._feed_place(entry)
        for what, holds in expected.items():
            if not holds:
                self._wrong(INDEX, f"line {number}", what, f"{entry.name}, rows {entry.first_row} +{entry.rows}")
        self._before = entry
        if entry.kind == ROWS:
            self._next_row = entry.first_row + entry.rows
        if entry.size is None:
            self.withheld += 1
            return
        self.sealed += 1
        self.dead_keys += sum(not alive for _, alive in entry.keys)
        self._bytes(number, entry, tape)

    def _feed_place(self, entry: Indexed) -> dict[str, bool]:
        """Hold an entry of the feed against the one before it, and against the period."""
        before, seq, at_us = self._before, entry.seq or 0, entry.watermark_us or 0
        start, end = self._manifest["from_us"], self._manifest["until_us"]
        return {
            "entries of the feed before datasets": before is None or before.kind != DATASET,
            "the next number of the feed": before is None or before.seq is None or seq == before.seq + 1,
            "a time no earlier than the one before": before is None or at_us >= (before.watermark_us or at_us),
            "a time within the period": (start is None or at_us >= start) and (end is None or at_us <= end),
            "the next row": entry.kind != ROWS or self._next_row in (None, entry.first_row),
        }

    def _dataset_place(self, entry: Indexed) -> dict[str, bool]:
        sha256, before = entry.plain_sha256 or "", (self._before.plain_sha256 if self._before else None) or ""
        self._datasets.add(sha256)
        return {"datasets by their hash, each once": sha256 > before}

    def _bytes(self, number: int, entry: Indexed, tape: Tape) -> None:
        """Hold the ciphertext against its hash, and what stands in clear before it against the index."""
        size, digest = entry.size or 0, hashlib.sha256()
        head = tape.take(min(size, ID_DIGITS if entry.kind == DATASET else len(MARK) + LENGTH_BYTES))
        if entry.kind != DATASET and len(head) == len(MARK) + LENGTH_BYTES:
            told = int.from_bytes(head[len(MARK) :], "little")
            head += tape.take(min(size - len(head), told, MOST_HEADER_BYTES))
        digest.update(head)
        for piece in tape.pieces(size - len(head)):
            digest.update(piece)
        if digest.hexdigest() != entry.sha256:
            self._wrong(SEALED, entry.name, f"bytes with the hash {entry.sha256}", digest.hexdigest())
            return
        clear = _dataset_told(head, entry) if entry.kind == DATASET else _told(head, entry)
        if clear != _indexed(entry):
            self._wrong(INDEX, f"line {number}", "what stands in clear before the ciphertext", str(_indexed(entry)))

    def _columns(self) -> None:
        told = decode(self._archive.read(COLUMNS, MOST_BYTES))
        if not (isinstance(told, dict) and set(told) == {"classes", "features"} and _name_columns(**told)):
            self._wrong(
                COLUMNS, "", "an object of classes and features, each with name, kind and categories", str(told)
            )

    def _check_datasets(self) -> None:
        """Hold the datasets against those that the lineage says versions were trained on."""
        document = json_of(self._archive.read(LINEAGE, MOST_BYTES))
        data = document.get("data") if isinstance(document, dict) else None
        wanted = set(_trained_on(data if isinstance(data, list) else ()))
        if wanted != self._datasets:
            self._wrong(INDEX, "datasets", f"those of {LINEAGE}, {sorted(wanted)}", str(sorted(self._datasets)))

    def _wrong(self, file: str, place: str, expected: str, found: str) -> None:
        self._found.add(unlike(file, place, expected, found))


def _indexed(entry: Indexed) -> dict[str, Any]:
    return {
        "keys": [key for key, _ in entry.keys],
        "rows": entry.rows,
        "first_row": entry.first_row,
        "size": entry.size,
    }


def _dataset_told(head: bytes, entry: Indexed) -> dict[str, Any]:
    return {**_indexed(entry), "keys": [head.decode("ascii", "replace")]}


def _told(head: bytes, entry: Indexed) -> dict[str, Any] | None:
    """Read what a sealed entry says of itself in clear; None where it says nothing that can be read."""
    start = len(MARK) + LENGTH_BYTES
    try:
        document = json_of(head[start:])
    except DocumentInvalid:
        return None
    if not head.startswith(MARK) or not isinstance(document, dict):
        return None
    count, first = ("count", entry.first_row) if entry.kind == LABELS else ("rows", document.get("first_row"))
    lengths = [document.get("clear"), *_list(document.get("sizes"))]
    whole = len(head) + sum(one for one in lengths if type(one) is int)
    return {"keys": document.get("keys"), "rows": document.get(count), "first_row": first, "size": whole}


def _trained_on(data: Iterable[Any]) -> Iterable[str]:
    for one in data:
        if isinstance(one, dict) and one.get("kind") != "reference" and one.get("versions") and one.get("sha256"):
            yield str(one["sha256"])


def _name_columns(classes: object, features: object) -> bool:
    return _are_words(classes) and isinstance(features, list) and all(map(_is_feature, features))


def _is_feature(value: object) -> bool:
    return (
        isinstance(value, dict)
        and set(value) == {"categories", "kind", "name"}
        and _are_words(value["categories"])
        and _are_words([value["kind"], value["name"]])
    )


def _are_words(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
