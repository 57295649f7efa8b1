"""Rows of the database as records, and back."""

from collections.abc import Iterator, Sequence
from operator import itemgetter
from typing import Any, TypeVar

import orjson
from msgspec.structs import astuple
from sqlalchemy import Table

from statemachine.envelope import RecordedEvent
from store.at_rest import AtRest, Kept, Opened
from store.tables import EVENTS

T = TypeVar("T")

_IN_ORDER = itemgetter(*(RecordedEvent.__struct_fields__.index(column.name) for column in EVENTS.columns))
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
    values = _IN_ORDER(astuple(event))
    fields = orjson.dumps(event.volatile_fields).decode() if event.volatile_fields else _NONE
    return (*values[:_FIELDS_AT], fields, *values[_FIELDS_AT + 1 :])


def event_of(namespace: str, row: Sequence[Any], opened: Opened | None, *, erased: bool) -> RecordedEvent:
    """Return the event whose envelope stands in *row*, in the order of columns, with its payload as it was *opened*."""
    # Names, one by one: a dictionary of them would cost as much again as the event.
    (
        position, stream, version, event_id, kind, schema, occurred_us, recorded_us, actor,
        authentication, causation_id, correlation_id, request_id, policy_version, machine_version,
        volatile, volatile_fields, commitment, previous_hash, hashed, written,
    ) = row  # fmt: skip
    return RecordedEvent(
        event_id, kind, schema, occurred_us, actor, authentication, causation_id, correlation_id, request_id,
        policy_version, machine_version, bool(volatile), _fields_in(volatile_fields), namespace, stream, version,
        position, recorded_us, written, commitment, previous_hash, hashed,
        bytes_of(opened[0]) if opened else None, bytes_of(opened[1]) if opened else None, erased,
    )  # fmt: skip


def _fields_in(told: str) -> tuple[str, ...]:
    return () if told == _NONE else tuple(orjson.loads(told))


def events_of(
    namespace: str, envelopes: Sequence[Sequence[Any]], payloads: Sequence[Kept], at_rest: AtRest
) -> Iterator[RecordedEvent]:
    """Return the events that stand in *envelopes*, with their *payloads*, of which some may have been removed."""
    opened = at_rest.payloads(payloads)
    if [row[0] for row in payloads] == [row[0] for row in envelopes]:
        for envelope, payload in zip(envelopes, opened, strict=True):
            yield event_of(namespace, envelope, payload, erased=payload is None)
        return
    kept = {row[0]: payload for row, payload in zip(payloads, opened, strict=True)}
    for envelope in envelopes:
        place = envelope[0]
        yield event_of(namespace, envelope, kept.get(place), erased=place in kept and kept[place] is None)


def bytes_of(value: bytes | str | None) -> bytes | None:
    """Return what a column of bytes holds. Whoever tampers with SQLite can leave text there: that is no other error."""
    return value.encode() if isinstance(value, str) else value
