"""The record of a model: its events as they are on the log, and for each the path from its leaf to the root."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from functools import cache, partial
from typing import Any

import orjson
from remission_verify import merkle
from remission_verify.findings import Fault, unlike

from server.history.folding import PAGE
from statemachine.record.canonical import canonical
from statemachine.record.envelope import RecordedEvent
from store.ports import Readable, Reader
from store.proofs import Nodes

Proven = tuple[RecordedEvent, list[bytes]]

#: What the leaf of an event holds, in its order. Format 1 packs the same in another way.
LEAF = (
    "actor", "authentication", "causation_id", "commitment", "correlation_id", "event_id", "format",
    "machine_version", "namespace", "occurred_us", "policy_version", "position", "previous_hash", "recorded_us",
    "request_id", "schema", "stream", "type", "version", "volatile", "volatile_fields",
)  # fmt: skip


def proven(store: Readable, model: str, until_version: int, size: int) -> Iterator[Proven]:
    """Read the events of *model* up to a version, each with its path to the root of *size* events."""
    for after in range(0, until_version, PAGE):
        yield from store.read(partial(_page, model, after, min(after + PAGE, until_version), size))


def line(event: RecordedEvent) -> bytes:
    """Write an event: its leaf's fields, its hash, and the payload to the letter; None where that was erased."""
    told = {
        "envelope": {name: getattr(event, name) for name in LEAF},
        "hash": event.hash,
        "payload": None if event.payload is None else event.payload.decode(),
        "payload_key": None if event.payload_key is None else event.payload_key.hex(),
    }
    return orjson.dumps(told) + b"\n"


def proof(position: int, path: Sequence[bytes]) -> bytes:
    """Write the path of an event."""
    told: dict[str, Any] = {"hashes": [base64.b64encode(one).decode() for one in path], "position": position}
    return canonical(told) + b"\n"


def altered(event: RecordedEvent) -> Fault:
    """Name an event whose payload is not its own, as the verifier would; it may not even be text."""
    found = f"{len(event.payload or b'')} other bytes"
    return unlike("events.jsonl", f"line {event.version}", "the payload that was committed to", found)


def _page(model: str, after: int, until: int, size: int, reader: Reader) -> list[Proven]:
    nodes = cache(Nodes(reader, size))
    events = reader.events(model, after, until)
    return [(one, merkle.inclusion_proof(size, one.position - 1, nodes)) for one in events]
