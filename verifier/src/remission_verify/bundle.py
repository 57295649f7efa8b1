"""Bundles: the record of one model as one signed archive, checked from the signature down to each payload.

What is checked: the archive is plain; a trusted key has signed its manifest; every file is there and as the manifest
says, and no other; a trusted key has signed a checkpoint of the log that the manifest names; each event leads to the
root of that checkpoint; versions are dense from 1 and each event follows the one before; each payload is the one that
was committed to; each piece of evidence has its hash as its name, none that is named is missing and none is there
unnamed; what is told of the record (`lineage.json` and its like) speaks of events that are in it; and kept rows, where
there are any, are the ciphertext that their index says.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from remission_verify.archive import Archive, ArchiveTorn
from remission_verify.canonical import Json, decode, encode
from remission_verify.checkpoint import Checkpoint
from remission_verify.errors import FileInvalid, NoteInvalid, VerificationError
from remission_verify.evidence import Evidence
from remission_verify.findings import Findings, unlike
from remission_verify.limits import MOST_TEXT_BYTES
from remission_verify.note import Verifier, open_note, parse_note
from remission_verify.recorded import Record
from remission_verify.retelling import check_retelling
from remission_verify.sealed import FILES as OF_ROWS
from remission_verify.sealed import SealedRows
from remission_verify.trust import Trust

FORMAT = "remission-bundle/1"
FILES = (
    "checkpoint", "events.jsonl", "gates.json", "incidents.json", "inventory.json", "keys.json", "lineage.json",
    "proofs.jsonl", "report.html",
)  # fmt: skip
SEALS = ("manifest.json", "manifest.note")
FIELDS: dict[str, type | tuple[type, ...]] = {
    "created_us": int, "files": dict, "format": str, "from_us": (int, type(None)), "model": str, "namespace": str,
    "origin": str, "release": str, "until_us": (int, type(None)),
}  # fmt: skip
MOST_MANIFEST_BYTES = 256 << 20


def check_bundle(source: Path | BinaryIO, trust: Trust) -> Findings:
    """Check a bundle. What is wrong with it is told, not raised.

    Raises:
        FileInvalid: There is no such file, or it cannot be opened.
    """
    found = Findings()
    try:
        with Archive(source) as archive:
            _Check(archive, trust, found).run()
    except ArchiveTorn as error:
        found.add(error.fault)
        found.unchecked = "what follows, since the archive cannot be read any further"
    except OSError as error:
        raise FileInvalid(f"{source}: cannot be read: {error.strerror or error}; a bundle is accepted") from error
    return found


def seal_body(manifest_sha256: str) -> str:
    """Give the text that is signed for a manifest."""
    return f"remission bundle v1\n{manifest_sha256}\n"


def digest_of_parts(files: Mapping[str, Any]) -> str:
    """Give the digest of all files but those that depend on it: it stands in the report."""
    told = {name: files[name] for name in files if name not in ("report.html", *SEALS)}
    return hashlib.sha256(encode(told)).hexdigest()


class _Check:
    """Goes through a bundle. A seal that does not hold ends it, since nothing below could be believed."""

    def __init__(self, archive: Archive, trust: Trust, found: Findings) -> None:
        self._archive, self._trust, self._found = archive, trust, found
        self._manifest: dict[str, Any] = {}

    def run(self) -> None:
        """Check all of it."""
        for fault in self._archive.faults():
            self._found.add(fault)
        self._done("the form of the archive")
        if not self._found.whole:
            self._found.unchecked = "what is in it, since no bundle has this form"
            return
        sealed = self._seal()
        self._done("the seal")
        if not sealed:
            self._found.unchecked = "all that stands below the seal, since it does not hold"
            return
        self._files()
        self._keys()
        self._done(f"{len(self._manifest['files'])} files")
        self._record()
        SealedRows(self._archive, self._manifest, self._found).check()
        if set(OF_ROWS) & set(self._archive.names):
            self._done("kept rows")

    def _record(self) -> None:
        """Check events and evidence, and what is told of them. How many were seen is told however far that comes."""
        checkpoint = self._checkpoint()
        self._done("the checkpoint")
        if checkpoint is None:
            self._found.unchecked = "whether events stand in the log, since the checkpoint is not believed"
        record = Record(self._archive, self._manifest, checkpoint, self._found)
        evidence = Evidence(self._archive, self._found)
        try:
            for payload in record.payloads():
                evidence.name(payload)
            self._done(f"{record.count} events")
            evidence.check()
            self._done(f"{evidence.count} pieces of evidence")
        finally:
            self._found.more |= {
                "events": record.count, "evidence": evidence.count, "erased": record.erased + evidence.erased
            }  # fmt: skip
        digest = digest_of_parts(self._manifest["files"])
        for fault in check_retelling(self._archive, record.positions, record.gates, digest):
            self._found.add(fault)
        self._done("what is told of them")

    def _done(self, what: str) -> None:
        self._found.checked.append(what)

    def _seal(self) -> bool:
        manifest = self._archive.read("manifest.json", MOST_MANIFEST_BYTES)
        body = seal_body(hashlib.sha256(manifest).hexdigest())
        try:
            note = open_note(self._note("manifest.note"), self._trust.verifiers)
        except (VerificationError, UnicodeDecodeError) as error:
            return self._wrong("manifest.note", "", "a note that a trusted key has signed", str(error))
        if note.text != body:
            return self._wrong("manifest.json", "", f"what was signed, {note.text!r}", f"{body!r}")
        return self._read(manifest, {signer.name for signer in note.verified})

    def _read(self, data: bytes, signers: set[str]) -> bool:
        """Read the manifest, which is signed."""
        try:
            manifest = decode(data)
        except VerificationError as error:
            return self._wrong("manifest.json", "", "canonical JSON", str(error))
        if not isinstance(manifest, dict) or set(manifest) != set(FIELDS):
            return self._wrong("manifest.json", "", f"an object of {', '.join(FIELDS)}", str(manifest))
        wrong = [name for name, kind in FIELDS.items() if not isinstance(manifest[name], kind)]
        if wrong or manifest["format"] != FORMAT:
            return self._wrong("manifest.json", ", ".join(wrong or ["format"]), f"one of {FORMAT}", str(manifest))
        expected = {self._trust.origin} if self._trust.origin else signers
        if manifest["origin"] not in expected:
            return self._wrong("manifest.json", "origin", ", ".join(sorted(expected)), str(manifest["origin"]))
        self._manifest = manifest
        self._found.more |= {name: _said(manifest[name]) for name in ("model", "namespace", "from_us", "until_us")}
        return True

    def _files(self) -> None:
        """Hold the files that are there against those that the manifest names, byte for byte."""
        named, there = self._manifest["files"], set(self._archive.names) - set(SEALS)
        for name in sorted(there - set(named)):
            self._wrong(name, "", "no such file, since the manifest does not name it", "one")
        wanted = {*FILES, *(OF_ROWS if set(OF_ROWS) & set(named) else ())}
        for name in sorted((wanted | set(named)) - there):
            self._wrong(name, "", "a file of this name", "none")
        for name in sorted(named):
            if not (name in wanted or Evidence.is_name(name)):
                self._wrong("manifest.json", "files", "names that a bundle's files have", name)
            elif name in there:
                self._same(name, named[name])

    def _same(self, name: str, told: object) -> None:
        digest, size = hashlib.sha256(), 0
        try:
            for chunk in self._archive.chunks(name):
                digest.update(chunk)
                size += len(chunk)
        except ArchiveTorn as error:
            self._found.add(error.fault)
            return
        there = {"sha256": digest.hexdigest(), "size": size}
        if told != there:
            self._wrong(name, "", str(told), str(there))

    def _keys(self) -> None:
        """Look at the keys that the bundle brings: nobody should trust them, but they must be those of the log."""
        try:
            keys = decode(self._archive.read("keys.json", MOST_TEXT_BYTES))
            brought = {Verifier.from_text(str(one)) for one in (keys if isinstance(keys, list) else ())}
        except ArchiveTorn as error:
            self._found.add(error.fault)
            return
        except VerificationError as error:
            self._wrong("keys.json", "", "a list of public keys", str(error))
            return
        if not brought & set(self._trust.verifiers):
            self._wrong("keys.json", "", "a key that is trusted", ", ".join(sorted(one.text for one in brought)))

    def _checkpoint(self) -> Checkpoint | None:
        trust = Trust(self._trust.verifiers, self._manifest["origin"], self._trust.witnesses, self._trust.quorum)
        try:
            signed = trust.open(self._note("checkpoint"))
        except ArchiveTorn as error:
            self._found.add(error.fault)
            return None
        except (VerificationError, UnicodeDecodeError) as error:
            self._wrong("checkpoint", "", f"a signed checkpoint of {trust.origin!r}", str(error))
            return None
        found, told = self._found, signed.checkpoint
        found.origin, found.size, found.root = told.origin, told.size, told.root.hex()
        found.signed_by = tuple(f"{one.name}+{one.key_id.hex()}" for one in signed.by)
        found.witnesses = tuple((one.witness.name, one.time_s) for one in signed.seen_by)
        return told

    def _note(self, name: str) -> str:
        """Read a note in which each key has signed once, so that no line can be put in twice."""
        text = self._archive.read(name, MOST_TEXT_BYTES).decode()
        keys = [(signature.name, signature.key_id) for signature in parse_note(text).signatures]
        if len(set(keys)) != len(keys):
            raise NoteInvalid("a key has signed twice")
        return text

    def _wrong(self, file: str, place: str, expected: str, found: str) -> bool:
        self._found.add(unlike(file, place, expected, found))
        return False


def _said(value: Json) -> str | int:
    return value if isinstance(value, (str, int)) else ""
