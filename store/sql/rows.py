"""Rows of the database as records, and back."""

from collections.abc import Sequence
from operator import itemgetter
from typing import Any, TypeVar

import orjson
from msgspec.structs import astuple
from sqlalchemy import Table

from statemachine.record.envelope import RecordedEvent, Telling
from store.at_rest import AtRest, Opened
from store.sql.tables import ENVELOPE

T = TypeVar("T")

_IN_ORDER = itemgetter(*map(RecordedEvent.__struct_fields__.index, ENVELOPE))
_FIELDS_AT = ENVELOPE.index("volatile_fields")

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


def event_row(event: RecordedEvent, payload_key: bytes, payload: bytes, key_id: str | None) -> tuple[Any, ...]:
    """Return *event*, with what it tells as it is to be kept, as values in the order of columns."""
    values = _IN_ORDER(astuple(event))
    fields = orjson.dumps(event.volatile_fields).decode() if event.volatile_fields else _NONE
    return (*values[:_FIELDS_AT], fields, *values[_FIELDS_AT + 1 :], payload_key, key_id, payload)


def event_of(namespace: str, row: Sequence[Any], opened: Opened | None) -> RecordedEvent:
    """Return the event that stands in *row*, as statements select it, with its payload as it was *opened*."""
    # Names, one by one: a dictionary of them would cost as much again as the event.
    (
        position, _, kept, _, stream, version, event_id, kind, schema, occurred_us, recorded_us, actor,
        authentication, causation_id, correlation_id, request_id, policy_version, machine_version,
        volatile, volatile_fields, commitment, previous_hash, hashed, written,
    ) = row  # fmt: skip
    # Nearly always bytes, and not worth a call.
    payload, key = opened if opened is not None and kept is not None else (None, None)
    return RecordedEvent(
        event_id, kind, schema, occurred_us, actor, authentication, causation_id, correlation_id, request_id,
        policy_version, machine_version, bool(volatile), _fields_in(volatile_fields), namespace, stream, version,
        position, recorded_us, written, commitment, previous_hash, hashed,
        payload if type(payload) is bytes else bytes_of(payload), key if type(key) is bytes else bytes_of(key),
        opened is None,
    )  # fmt: skip


def _fields_in(told: str) -> tuple[str, ...]:
    return () if told == _NONE else tuple(orjson.loads(told))


def events_of(namespace: str, rows: Sequence[Sequence[Any]], at_rest: AtRest) -> tuple[RecordedEvent, ...]:
    """Return the events that stand in *rows*, as statements select them."""
    opened = at_rest.payloads(rows)
    return tuple(event_of(namespace, row, payload) for row, payload in zip(rows, opened, strict=True))


def tellings_of(stream: str, rows: Sequence[Sequence[Any]], at_rest: AtRest) -> tuple[Telling, ...]:
    """Return what events of *stream* tell, from *rows* as their statement selects them."""
    bodies = [None if opened is None else opened[0] for opened in at_rest.payloads(rows)]
    # A list, though a tuple comes of it: a generator costs a call for each.
    return tuple([
        Telling(stream, version, kind, schema, occurred_us, body if type(body) is bytes else bytes_of(body))
        for (_, _, _, _, version, kind, schema, occurred_us), body in zip(rows, bodies, strict=True)
    ])  # fmt: skip


def bytes_of(value: bytes | str | None) -> bytes | None:
    """Return what a column of bytes holds. Whoever tampers with SQLite can leave text there: that is no other error."""
    return value.encode() if isinstance(value, str) else value
