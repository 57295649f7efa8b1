"""The events of a bundle: their shape, their order, their chain, their payloads, and the way of each to the root."""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from remission_verify.archive import Archive, ArchiveTorn
from remission_verify.canonical import Json, decode
from remission_verify.checkpoint import Checkpoint
from remission_verify.envelope import GENESIS, Envelope
from remission_verify.errors import VerificationError
from remission_verify.findings import Findings, unlike
from remission_verify.jsontext import json_of
from remission_verify.leaves import leaf_of
from remission_verify.merkle import hash_leaf, verify_inclusion
from remission_verify.strict64 import decode64

EVENTS, PROOFS = "events.jsonl", "proofs.jsonl"
MOST_LINE_BYTES = 64 << 20
LINE, PROOF = {"envelope", "hash", "payload", "payload_key"}, {"hashes", "position"}


class Record:
    """Goes through events and proofs together, line by line, in bounded memory."""

    def __init__(
        self, archive: Archive, manifest: dict[str, Any], checkpoint: Checkpoint | None, found: Findings
    ) -> None:
        self._archive, self._manifest, self._checkpoint, self._found = archive, manifest, checkpoint, found
        self._version, self._position, self._previous = 0, 0, GENESIS
        self.positions: dict[int, int] = {}  #: version by position
        self.gates: dict[int, Any] = {}  #: payloads of events that judge gates, by position
        self.count = self.erased = 0

    def payloads(self) -> Iterator[Any]:
        """Check every event, and give the payloads, read."""
        for number, (line, proof) in enumerate(zip_longest(self._lines(EVENTS), self._lines(PROOFS)), start=1):
            if line is None or proof is None:
                file, other = (EVENTS, PROOFS) if line is None else (PROOFS, EVENTS)
                self._wrong(file, number, f"as many lines as {other} has", f"{number - 1}")
            if line is None:
                return
            self.count = number
            try:
                yield from self._event(number, line, proof)
            except VerificationError as error:
                self._wrong(EVENTS, number, "an event", str(error))
        if not self.count:
            self._wrong(EVENTS, 1, "the event that registers the model", "none")

    def _lines(self, file: str) -> Iterator[bytes]:
        try:
            yield from self._archive.lines(file, MOST_LINE_BYTES)
        except ArchiveTorn as error:
            self._found.add(error.fault)

    def _event(self, number: int, line: bytes, proof: bytes | None) -> Iterator[Any]:
        event = decode(line)
        if not isinstance(event, dict) or set(event) != LINE:
            self._wrong(EVENTS, number, f"an object of {', '.join(sorted(LINE))}", str(event))
            return
        told = event["envelope"]
        leaf, envelope = leaf_of(told)
        self._place(number, envelope, told)
        if event["hash"] != envelope.hash:
            self._wrong(EVENTS, number, f"the hash of its envelope, {envelope.hash}", str(event["hash"]))
        if proof is not None:
            self._proof(number, envelope, leaf, proof)
        yield from self._payload(number, envelope, event["payload"], event["payload_key"])

    def _place(self, number: int, envelope: Envelope, told: Any) -> None:  # noqa: ANN401 - an envelope has this form
        """Hold an event's place against the one before it, and against what the bundle says that it is of."""
        expected = {
            "version": (self._version + 1, envelope.version),
            "previous_hash": (self._previous, envelope.previous_hash),
            "stream": (self._manifest["model"], envelope.stream),
            "namespace": (self._manifest["namespace"], envelope.namespace),
        }
        for name, (value, there) in expected.items():
            if there != value:
                self._wrong(EVENTS, number, f"{name} {value}", str(there))
        if envelope.position <= self._position:
            self._wrong(EVENTS, number, f"a position behind {self._position}", str(envelope.position))
        until = self._manifest["until_us"]
        if until is not None and told["occurred_us"] > until:
            self._wrong(EVENTS, number, f"occurred_us of at most {until}", str(told["occurred_us"]))
        self._version, self._position, self._previous = envelope.version, envelope.position, envelope.hash
        self.positions[envelope.position] = envelope.version

    def _proof(self, number: int, envelope: Envelope, leaf: bytes, line: bytes) -> None:
        what = f"the way of position {envelope.position} to the root"
        try:
            proof = decode(line)
            if not isinstance(proof, dict) or set(proof) != PROOF or proof["position"] != envelope.position:
                self._wrong(PROOFS, number, what, line.decode())
                return
            path = _path(proof["hashes"])
            if self._checkpoint is not None:
                size, root = self._checkpoint.size, self._checkpoint.root
                verify_inclusion(hash_leaf(leaf), envelope.position - 1, size, path, root)
        except (VerificationError, ValueError) as error:
            self._wrong(PROOFS, number, what, str(error))

    def _payload(self, number: int, envelope: Envelope, payload: Json, key: Json) -> Iterator[Any]:
        if payload is None and key is None:
            self.erased += 1
            return
        if not isinstance(payload, str) or not isinstance(key, str):
            self._wrong(EVENTS, number, "a payload and its key, or neither", f"{payload}, {key}")
            return
        if _commitment(payload, key) != envelope.commitment:
            self._wrong(EVENTS, number, "the payload that was committed to", payload)
            return
        told = json_of(payload)
        if envelope.type == "gates_judged":
            self.gates[envelope.position] = told
        yield told

    def _wrong(self, file: str, number: int, expected: str, found: str) -> None:
        self._found.add(unlike(file, f"line {number}", expected, found))


def _path(hashes: Json) -> list[bytes]:
    if not isinstance(hashes, list):
        raise ValueError("hashes: a list is accepted")  # noqa: TRY004 - what strangers wrote has a wrong value
    return [decode64(one if isinstance(one, str) else "?") for one in hashes]


def _commitment(payload: str, key: str) -> str:
    try:
        raw = bytes.fromhex(key)
    except ValueError:
        return ""
    return hmac.digest(raw, payload.encode(), "sha256").hex() if raw.hex() == key else ""
