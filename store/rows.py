"""Rows of the database as records, and back."""

from collections.abc import Iterator, Sequence
from operator import attrgetter
from typing import Any, TypeVar

import orjson
from sqlalchemy import Table

from statemachine.envelope import RecordedEvent
from store.tables import EVENTS

T = TypeVar("T")

_IN_ORDER = attrgetter(*(column.name for column in EVENTS.columns if column.name != "volatile_fields"))
_FIELDS_AT = [column.name for column in EVENTS.columns].index("volatile_fields")

#: Most events have no volatile fields.
_NONE = "[]"


def columns_of(table: Table) -> tuple[str, ...]:
    """Return the names of the columns, but for the namespace."""
    return tuple(column.name for column in table.columns if column.name != "namespace")


# A record's type decides what its columns hold, which the driver cannot say.
def made(kind: type[T], columns: Sequence[str], row: Sequence[Any]) -> T:
    """Return *row* as a record of *kind*."""
    return kind(**dict(zip(columns, row, strict=True)))


def told(record: object, columns: Sequence[str]) -> dict[str, Any]:
    """Return *record* as values by column."""
    return {name: getattr(record, name) for name in columns}


def event_row(event: RecordedEvent) -> tuple[Any, ...]:
    """Return the envelope of *event* as values in the order of columns."""
    values = _IN_ORDER(event)
    fields = orjson.dumps(event.volatile_fields).decode() if event.volatile_fields else _NONE
    return (*values[:_FIELDS_AT], fields, *values[_FIELDS_AT:])


def payload_row(event: RecordedEvent) -> tuple[Any, ...]:
    """Return the payload of *event* as values in the order of columns."""
    return event.namespace, event.position, event.payload_key, event.payload


def event_of(namespace: str, row: Sequence[Any]) -> RecordedEvent:
    """Return the event that stands in *row*: the envelope in the order of columns, then payload and key."""
    # Names, one by one: a dictionary of them would cost as much again as the event.
    (
        position, stream, version, event_id, kind, schema, occurred_us, recorded_us, actor,
        authentication, causation_id, correlation_id, request_id, policy_version, machine_version,
        volatile, volatile_fields, commitment, previous_hash, hashed, written, body, key,
    ) = row  # fmt: skip
    return RecordedEvent(
        namespace=namespace,
        position=position,
        stream=stream,
        version=version,
        event_id=event_id,
        type=kind,
        schema=schema,
        occurred_us=occurred_us,
        recorded_us=recorded_us,
        actor=actor,
        authentication=authentication,
        causation_id=causation_id,
        correlation_id=correlation_id,
        request_id=request_id,
        policy_version=policy_version,
        machine_version=machine_version,
        commitment=commitment,
        previous_hash=previous_hash,
        hash=hashed,
        format=written,
        volatile=bool(volatile),
        volatile_fields=() if volatile_fields == _NONE else tuple(orjson.loads(volatile_fields)),
        payload=bytes_of(body),
        payload_key=bytes_of(key),
    )


def events_of(
    namespace: str, envelopes: Sequence[Sequence[Any]], payloads: Sequence[Sequence[Any]]
) -> Iterator[RecordedEvent]:
    """Return the events that stand in *envelopes*; *payloads* are (position, body, key), the erased ones missing."""
    if [row[0] for row in payloads] == [row[0] for row in envelopes]:
        for envelope, (_, body, key) in zip(envelopes, payloads, strict=True):
            yield event_of(namespace, (*envelope, body, key))
        return
    kept = {position: (body, key) for position, body, key in payloads}
    for envelope in envelopes:
        yield event_of(namespace, (*envelope, *kept.get(envelope[0], (None, None))))


def bytes_of(value: bytes | str | None) -> bytes | None:
    """Return what a column of bytes holds. Whoever tampers with SQLite can leave text there: that is no other error."""
    return value.encode() if isinstance(value, str) else value
