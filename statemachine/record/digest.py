"""The digest of a log: two runs in which the same happened have the same, wherever and whenever each was recorded."""

import hashlib
from collections.abc import Iterable
from functools import lru_cache

import orjson

from statemachine.record.canonical import canonical
from statemachine.record.envelope import PayloadErased, RecordedEvent, packed

MOST_LABELS = 4_096  #: that are kept as they were packed


def log_sha256(events: Iterable[RecordedEvent]) -> str:
    """Return the digest that two runs are compared by: what happened, in the order of each stream.

    Left out is what two equal runs may differ in: places, hashes, ids of events and requests, the time of recording,
    how the actor was known, volatile events and volatile fields. The order between streams does not count.

    Raises:
        PayloadErased: An event that counts has lost its payload.
    """
    streams = {}
    for event in events:
        if event.volatile:
            continue
        if event.stream not in streams:
            streams[event.stream] = hashlib.sha256()
        streams[event.stream].update(_happened(event))
    return _sha256(*(part for name in sorted(streams) for part in (name, streams[name].hexdigest())))


def _happened(event: RecordedEvent) -> bytes:
    if event.payload is None:
        raise PayloadErased(event.stream, event.version)
    return b"".join((
        _label(event.type, event.schema),
        packed(event.occurred_us),
        _label(event.actor, event.policy_version, event.machine_version),
        packed(_steady(event.payload, event.volatile_fields)),
    ))  # fmt: skip


@lru_cache(MOST_LABELS, typed=True)
def _label(*fields: str | int) -> bytes:
    """Pack what many events have in common."""
    return packed(*fields)


def _steady(payload: bytes, volatile_fields: tuple[str, ...]) -> bytes:
    if not volatile_fields:
        return payload
    body = orjson.loads(payload)
    return canonical({name: value for name, value in body.items() if name not in volatile_fields})


def _sha256(*fields: str | int | bytes | None) -> str:
    return hashlib.sha256(packed(*fields)).hexdigest()
