"""Rows of the database as records, and back."""

from collections.abc import Sequence
from operator import attrgetter
from typing import Any, TypeVar

import orjson
from sqlalchemy import Table

from statemachine.envelope import RecordedEvent
from store.tables import EVENTS

T = TypeVar("T")

_EVENT_COLUMNS = tuple(column.name for column in EVENTS.columns if column.name != "namespace")
_EVENT_VALUES = attrgetter(*_EVENT_COLUMNS)


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


def event_row(event: RecordedEvent) -> dict[str, Any]:
    """Return the envelope of *event* as values by column."""
    row = dict(zip(_EVENT_COLUMNS, _EVENT_VALUES(event), strict=True))
    row["volatile_fields"] = orjson.dumps(event.volatile_fields).decode()
    return row


def payload_row(event: RecordedEvent) -> dict[str, Any]:
    """Return the payload of *event* as values by column."""
    return {"position": event.position, "payload_key": event.payload_key, "body": event.payload}


def event_of(namespace: str, row: Sequence[Any]) -> RecordedEvent:
    """Return the event that stands in *row*: the envelope, then payload and key."""
    values = dict(zip(_EVENT_COLUMNS, row, strict=False))
    values["volatile"] = bool(values["volatile"])
    values["volatile_fields"] = tuple(orjson.loads(values["volatile_fields"]))
    return RecordedEvent(namespace=namespace, payload=bytes_of(row[-2]), payload_key=bytes_of(row[-1]), **values)


def bytes_of(value: bytes | str | None) -> bytes | None:
    """Return what a column of bytes holds. Whoever tampers with SQLite can leave text there: that is no other error."""
    return value.encode() if isinstance(value, str) else value
