"""Events as rows, and back."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from statemachine.record.envelope import NewEvent, RecordedEvent, hash_of, record
from store.sql.rows import event_of, event_row
from store.sql.tables import EVENTS

#: No two values are alike, so none can stand in another's place.
SAID = NewEvent(
    event_id="e", type="t", schema=11, occurred_us=12, actor="a", authentication="u", causation_id="c",
    correlation_id="o", request_id="r", policy_version=13, machine_version="m", volatile=True,
    volatile_fields=("f", "g"), payload=b'{"f":1,"g":2}',
)  # fmt: skip
PLACE = {"namespace": "n", "stream": "s", "version": 14, "position": 15, "recorded_us": 16}


def on_record() -> RecordedEvent:
    return record(SAID, **PLACE, previous_hash="p" * 64, payload_key=b"k" * 32)  # type: ignore[arg-type]  # of many types


def test_everything_that_was_said_of_an_event_and_its_place_is_on_record() -> None:
    event = on_record()

    assert {name: getattr(event, name) for name in SAID.__struct_fields__} == {
        name: getattr(SAID, name) for name in SAID.__struct_fields__
    }
    assert {name: getattr(event, name) for name in PLACE} == PLACE
    assert (event.previous_hash, event.payload_key, event.format) == ("p" * 64, b"k" * 32, 2)
    assert event.hash == hash_of(event)


def test_a_row_holds_every_value_in_its_column() -> None:
    event = on_record()
    row = dict(zip((column.name for column in EVENTS.columns), event_row(event, b"k", b"sealed", "id"), strict=True))

    assert row.pop("volatile_fields") == '["f","g"]'
    assert (row.pop("payload_key"), row.pop("key_id"), row.pop("payload")) == (b"k", "id", b"sealed")
    assert row == {name: getattr(event, name) for name in row}


def test_an_event_is_what_it_was_before_it_was_a_row() -> None:
    event = on_record()
    namespace, position, *about = event_row(event, b"", b"sealed", "id")
    row = (position, b"", b"sealed", "id", *about[:-3])

    assert event_of(namespace, row, (SAID.payload, b"k" * 32)) == event
    assert event_of(namespace, row, None) == replace(event, payload=None, payload_key=None, erased=True)
    assert event_of(namespace, (position, b"", None, "id", *about[:-3]), (b"", b"")) == replace(
        event, payload=None, payload_key=None
    )


def test_text_that_was_left_where_bytes_belong_is_taken_as_bytes() -> None:
    event = on_record()
    namespace, position, *about = event_row(event, b"", b"sealed", "id")
    left: Any = ("text", "key")

    found = event_of(namespace, (position, b"", b"sealed", "id", *about[:-3]), left)

    assert found == replace(event, payload=b"text", payload_key=b"key")
