"""A bundle, put together: the record up to the end of a period, what it rests on, what it tells, and one signature.

It is a function of the log, its newest checkpoint and the period: made again, it has the same bytes. Kept rows, which
are in it where that is asked for, grow with the feed and are erased with their keys. Nothing leaves that was not
verified first, as its reader will.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version as release_of
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from remission_verify.bundle import FORMAT, check_bundle, digest_of_parts, seal_body
from remission_verify.note import Verifier
from remission_verify.trust import Trust

from server.bundling import page, record
from server.bundling.kept import Kept, KeptRows
from server.bundling.parts import CHUNK_BYTES, Parts, room
from server.bundling.period import Period
from server.bundling.shelf import Shelf
from server.bundling.story import Story
from server.errors import ThingMissing
from server.history import folding
from statemachine.record.canonical import canonical
from statemachine.record.envelope import payload_is_whole
from store.blobs import Blobs
from store.ports import Readable, Reader
from store.records import Checkpoint


class Sealer(Protocol):
    """Who signs for the log."""

    @property
    def origin(self) -> str:
        """The name of the log."""
        ...

    @property
    def verifiers(self) -> tuple[Verifier, ...]:
        """The public keys of the log."""
        ...

    def seal(self, text: str) -> str:
        """Sign a text that is no checkpoint."""
        ...


@dataclass(frozen=True, slots=True)
class Source:
    """Where a bundle is made of."""

    store: Readable
    blobs: Blobs
    sealer: Sealer


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """An archive that was written."""

    sha256: str
    size: int
    manifest_sha256: str
    events: int


class BundleUnsound(Exception):
    """What would be handed out does not verify, so it is not: the log, its tree or its evidence was altered."""

    def __init__(self, model: str, faults: list[str]) -> None:
        """Give what is wrong, the first thing first."""
        super().__init__(f"the record of {model!r} does not verify: {faults[0]} ({len(faults)} faults in all)")
        self.model, self.faults = model, faults


def write_bundle(
    source: Source, model: str, period: Period, newest: int, out: BinaryIO, kept: Kept | None = None
) -> Sealed:
    """Write the bundle of *model* up to version *newest* to *out*, and read it again to verify it.

    Rows that are *kept* go with it as they stand: sealed.

    Raises:
        Invalid: The period is none.
        ModelMissing: No such model is on record.
        OutOfRecord: The period ends before the model's first event.
        ThingMissing: No checkpoint covers the events of the period.
        EvidenceMissing: Something that an event names is not on record.
        RowsTooLarge: More rows are kept than one bundle holds.
        KeyUnknown: The vault has never held a key of what is kept.
        NoRoom: The folder of temporary files is full.
        BundleUnsound: What was written does not verify.
    """
    period.check()
    source.store.read(partial(_check_model, period, model))
    with tempfile.TemporaryDirectory(prefix="remission-bundle-") as folder:
        made = _Bundle(source, model, period, Parts(Path(folder)))
        with room():
            made.write(newest, kept)
        made.parts.pack(out)
    found = check_bundle(out, Trust(source.sealer.verifiers, source.sealer.origin))
    if found.faults:
        raise BundleUnsound(model, [str(one) for one in found.faults])
    return _sealed(out, made)


class _Bundle:
    """The parts of one bundle, in the order in which they come to be known."""

    def __init__(self, source: Source, model: str, period: Period, parts: Parts) -> None:
        self._source, self._model, self._period, self.parts = source, model, period, parts
        self._shelf = Shelf(source.store, source.blobs, parts)
        self.story = Story(period, self._shelf, self._brought_us)
        self.manifest_sha256, self.events = "", 0

    def write(self, newest: int, kept: Kept | None) -> None:
        """Write every part."""
        until = self._until(newest)
        checkpoint = self._source.store.read(partial(_checkpoint, self._model, until))
        self.parts.put("checkpoint", checkpoint.note)
        self.parts.put("keys.json", canonical([one.text for one in self._source.sealer.verifiers]))
        self._record(until, checkpoint.size)
        for name, document in self.story.documents().items():
            self.parts.put(f"{name}.json", canonical(document))
        if kept is not None:
            self._rows(kept)
        about = self._about(checkpoint)
        digest = digest_of_parts(self.parts.files)
        self.parts.put("report.html", page.report(about, self.story, self.parts.files, digest).encode())
        self._seal({**about, "files": dict(self.parts.files)})

    def _record(self, until: int, size: int) -> None:
        with self.parts.writing("events.jsonl") as events, self.parts.writing("proofs.jsonl") as proofs:
            for event, path in record.proven(self._source.store, self._model, until, size):
                if not payload_is_whole(event):
                    raise BundleUnsound(self._model, [str(record.altered(event))])
                events.write(record.line(event))
                proofs.write(record.proof(event.position, path))
                if event.payload is not None:
                    self._shelf.put_named(event.payload)
                self.story.take(event)
                self.events += 1

    def _rows(self, kept: Kept) -> None:
        schema = self.story.health.features_sha256
        rows = KeptRows(self._source.store, self._model, self._period, kept)
        rows.write(self.parts, self._shelf.document(schema) if schema else None, self.story.lineage.told()["data"])

    def _about(self, checkpoint: Checkpoint) -> dict[str, Any]:
        return {
            "format": FORMAT, "model": self._model, "namespace": self._source.store.namespace,
            "origin": self._source.sealer.origin, "from_us": self._period.from_us, "until_us": self._period.until_us,
            "created_us": checkpoint.created_us, "release": release_of("remission-server"),
        }  # fmt: skip

    def _seal(self, manifest: dict[str, Any]) -> None:
        data = canonical(manifest)
        self.manifest_sha256 = hashlib.sha256(data).hexdigest()
        self.parts.put("manifest.json", data)
        self.parts.put("manifest.note", self._source.sealer.seal(seal_body(self.manifest_sha256)).encode())

    def _until(self, newest: int) -> int:
        """Give the version of the last event before the first one that lies behind the period."""
        if self._period.until_us is None:
            return newest
        events = folding.events(self._source.store, self._model, newest)
        return next((one.version - 1 for one in events if self._period.is_over(one)), newest)

    def _brought_us(self, row: int) -> int | None:
        """Give the newest time in the feed when it had got this row; None when the row is not there any more."""
        items = self._source.store.read(lambda reader: reader.feed_rows(self._model, row, row + 1))
        return items[0].watermark_us if items else None


def _check_model(period: Period, model: str, reader: Reader) -> None:
    period.check_model(reader, model)


def _checkpoint(model: str, until: int, reader: Reader) -> Checkpoint:
    """Give the newest checkpoint, if it covers the model's event with version *until*."""
    found = next(iter(reader.checkpoints()), None)
    (last,) = reader.events(model, until - 1, until)
    if found is None or found.size < last.position:
        covered = f"the newest covers the positions 1 to {found.size}" if found else "none was signed so far"
        raise ThingMissing(
            "checkpoint", f"the period holds the event at position {last.position}, and {covered}; "
            "one that a running server signs (`remission checkpoint`) is accepted"
        )  # fmt: skip
    return found


def _sealed(out: BinaryIO, made: _Bundle) -> Sealed:
    digest, size = hashlib.sha256(), 0
    for chunk in chunks(out):
        digest.update(chunk)
        size += len(chunk)
    return Sealed(
        sha256=digest.hexdigest(), size=size, manifest_sha256=made.manifest_sha256, events=made.events
    )  # fmt: skip


def chunks(file: BinaryIO) -> Iterator[bytes]:
    """Read a file from its beginning, piece by piece."""
    file.seek(0)
    while chunk := file.read(CHUNK_BYTES):
        yield chunk
