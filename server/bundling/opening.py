"""Kept rows of a bundle, opened by whoever holds the vault: a line of JSON for each row and label, and for each loss.

What a destroyed key has sealed answers EVIDENCE_ERASED by its name; all the rest opens.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np
import orjson
from remission_verify.archive import Archive, ArchiveTorn
from remission_verify.errors import FileInvalid
from remission_verify.findings import unlike
from remission_verify.indexed import DATASET, Indexed, index_of
from remission_verify.sealed import COLUMNS, MOST_BYTES, SEALED
from remission_verify.tape import Tape

from retraining.dataset import Dataset
from server.bundling.columns import Columns, Line
from server.intake import feed
from server.intake.schema import Schema
from server.intake.sealing import Sealer, keys_of
from store.blobs import BlobAltered
from store.errors import EvidenceErased
from store.records import FeedItem
from store.sealed_blobs import opened
from store.vault import SealBroken, Vault

LOST = "lost"  #: the file of what was not opened
#: What is raised of columns, and of what stands in clear before the ciphertext, when they say something else than it.
UNREADABLE = (ValueError, KeyError, TypeError, IndexError, OverflowError, BlobAltered)
EVIDENCE_ERASED, WITHHELD = "EVIDENCE_ERASED", "WITHHELD"


@dataclass(slots=True)
class Opened:
    """What was opened of a bundle, and what was not."""

    rows: int = 0
    labels: int = 0
    datasets: int = 0
    erased: dict[str, int] = field(default_factory=dict)  #: rows or labels whose key is destroyed, by entry
    withheld: int = 0  #: entries that the bundle does not hold


def open_rows(file: Path, model: str, vault: Vault, folder: Path) -> Opened:
    """Open the kept rows of a bundle of *model* that was verified, into files below *folder*.

    Raises:
        FileInvalid: The bundle holds no kept rows.
        KeyUnknown: The vault has never held one of their keys.
        ArchiveTorn: Something does not open under its key.
    """
    with Archive(file) as archive, ExitStack() as files:
        if SEALED not in archive.names:
            raise FileInvalid(f"{file}: holds no kept rows; what `remission export --rows` has written is accepted")
        opening = _Opening(archive, model, vault, _Lines(folder, files))
        for entry in index_of(archive):
            opening.take(entry)
        return opening.done


class _Lines:
    """Files of lines, each begun when its first line comes."""

    def __init__(self, folder: Path, files: ExitStack) -> None:
        self._folder, self._files = folder, files
        self._open: dict[str, BinaryIO] = {}

    def write(self, name: str, line: Line) -> None:
        """Write one line to the file of this name."""
        if name not in self._open:
            file = self._files.enter_context((self._folder / f"{name}.jsonl").open("xb"))
            self._files.callback(_sync, file)
            self._open[name] = file
        self._open[name].write(orjson.dumps(line) + b"\n")


class _Opening:
    """Goes through index and ciphertext together, entry by entry."""

    def __init__(self, archive: Archive, model: str, vault: Vault, lines: _Lines) -> None:
        self._model, self._vault, self._lines = model, vault, lines
        self._sealer, self._tape = Sealer(vault, lambda: 0), Tape(archive, SEALED)
        told = orjson.loads(archive.read(COLUMNS, MOST_BYTES))
        self._columns = Columns(Schema.from_json({"task": "", "metric": "", **told}))
        self.done = Opened()

    def take(self, entry: Indexed) -> None:
        """Open one entry, as far as its keys are alive."""
        if entry.size is None:
            self.done.withheld += 1
            self._lines.write(LOST, {"entry": entry.name, "reason": WITHHELD, "why": entry.withheld})
            return
        body = self._tape.take(entry.size)
        if hashlib.sha256(body).hexdigest() != entry.sha256:
            raise ArchiveTorn(unlike(SEALED, entry.name, f"bytes with the hash {entry.sha256}", "others"))
        try:
            self._dataset(entry, body) if entry.kind == DATASET else self._entry(entry, body)
        except SealBroken as error:
            raise ArchiveTorn(unlike(SEALED, entry.name, "bytes that open under their key", str(error))) from error
        except UNREADABLE as error:
            what = "what can be read as its columns and its header say"
            raise ArchiveTorn(unlike(SEALED, entry.name, what, str(error) or type(error).__name__)) from error

    def _entry(self, entry: Indexed, body: bytes) -> None:
        item = FeedItem(
            stream=self._model, seq=entry.seq or 0, kind=entry.kind, batch_id="", first_row=entry.first_row,
            row_count=entry.rows, watermark_us=entry.watermark_us or 0, body=body,
        )  # fmt: skip
        ((_, found),) = self._sealer.opened([item])
        match found:
            case feed.Rows(first_row=first, count=count):
                lost = found.erased if found.erased is not None else np.zeros(count, dtype=np.bool_)
                self._write(item, first + np.arange(count), lost, self._columns.rows(found))
                self.done.rows += int((~lost).sum())
            case feed.Labels(rows=rows, values=values):
                lost = np.isnan(values)
                self._write(item, rows, lost, self._columns.labels(found))
                self.done.labels += int((~lost).sum())
            case feed.Points():
                pass  # never sealed, so never here

    def _write(self, item: FeedItem, rows: feed.Ints, lost: feed.Bools, told: Iterator[tuple[int, Line]]) -> None:
        """Write what was opened of an entry, and for each key that is destroyed what went with it."""
        name, keys = f"{item.kind} {item.seq}", keys_of(item)
        for i, line in told:
            self._lines.write(item.kind, {**line, "key": keys.ids[int(keys.of[i])]})
        for number in np.unique(keys.of[lost]).tolist():
            gone = rows[lost & (keys.of == number)].tolist()
            self._lines.write(LOST, _erased(name, keys.ids[number], gone))
        if lost.any():
            self.done.erased[name] = int(lost.sum())

    def _dataset(self, entry: Indexed, body: bytes) -> None:
        sha256, keys = entry.plain_sha256 or "", [key_id for key_id, _ in entry.keys]
        try:
            data = opened(body, sha256, self._vault.opened(keys))
        except EvidenceErased:
            self.done.erased[entry.name] = entry.rows
            self._lines.write(LOST, _erased(entry.name, keys[0], []))
            return
        for line in self._columns.dataset(Dataset.from_bytes(data)):
            self._lines.write(f"dataset-{sha256}", line)
        self.done.datasets += 1


def _erased(name: str, key: str, rows: list[int]) -> Line:
    return {"entry": name, "reason": EVIDENCE_ERASED, "key": key, "rows": rows}


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())
