import hashlib

import orjson
import pytest
from msgspec.structs import fields, replace

from statemachine.record.canonical import canonical
from statemachine.record.chain import chain_faults
from statemachine.record.digest import log_sha256
from statemachine.record.envelope import (
    GENESIS,
    NewEvent,
    PayloadErased,
    RecordedEvent,
    UnknownFormat,
    hash_of,
    leaf_hash,
    leaf_of,
    payload_is_whole,
    record,
)

KEY = b"k" * 32


def an_event(event_id: str = "e", **payload: object) -> NewEvent:
    return NewEvent(
        event_id=event_id,
        type="tested",
        schema=1,
        occurred_us=5,
        actor="tester",
        authentication="none",
        causation_id=None,
        request_id="r",
        policy_version=1,
        machine_version="1",
        payload=canonical(payload),
    )


def recorded(*events: NewEvent, stream: str = "a", key: bytes = KEY, start: int = 0) -> list[RecordedEvent]:
    """Record *events* in one stream, at positions after *start*."""
    chain: list[RecordedEvent] = []
    for version, event in enumerate(events, start=1):
        chain.append(
            record(
                event,
                namespace="default",
                stream=stream,
                version=version,
                position=start + version,
                recorded_us=9 + start,
                previous_hash=chain[-1].hash if chain else GENESIS,
                payload_key=key,
            )
        )
    return chain


#: What an event says of its payload, and its own hash: none of it is in the envelope.
OF_THE_PAYLOAD = {"hash", "payload", "payload_key", "erased"}

#: For each field of the envelope, another value.
OTHER = {
    "event_id": "other",
    "type": "other",
    "schema": 2,
    "occurred_us": 6,
    "actor": "other",
    "authentication": "other",
    "causation_id": "e",
    "correlation_id": "e",
    "request_id": None,
    "policy_version": 2,
    "machine_version": "2",
    "volatile": True,
    "volatile_fields": ("n",),
    "namespace": "other",
    "stream": "other",
    "version": 9,
    "position": 9,
    "recorded_us": 10,
    "format": 1,
    "commitment": "f" * 64,
    "previous_hash": "f" * 64,
}


def test_every_field_of_the_envelope_is_tried_below() -> None:
    assert set(OTHER) == {field.name for field in fields(RecordedEvent)} - OF_THE_PAYLOAD


@pytest.mark.parametrize("name", OTHER)
def test_the_hash_covers_every_field(name: str) -> None:
    (event,) = recorded(an_event(n=1))
    changes: dict[str, object] = {name: OTHER[name]}

    assert hash_of(event) == event.hash
    assert hash_of(replace(event, **changes)) != event.hash


def test_the_hash_tells_missing_from_empty() -> None:
    assert (
        recorded(replace(an_event(), request_id=None))[0].hash != recorded(replace(an_event(), request_id=""))[0].hash
    )


def test_a_whole_chain_has_no_faults() -> None:
    assert list(chain_faults(recorded(an_event("1"), an_event("2"), an_event("3")))) == []


@pytest.mark.parametrize(
    ("position", "change", "fault"),
    [
        (1, {"actor": "forged"}, "a version 2: the envelope was altered"),
        (1, {"payload": b'{"n":2}'}, "a version 2: the payload was altered"),
        (1, {"payload": None}, "a version 2: the payload was altered"),
        (2, {"previous_hash": GENESIS}, "a version 3: does not follow the event before it"),
    ],
)
def test_an_altered_event_is_found(position: int, change: dict[str, object], fault: str) -> None:
    chain = recorded(an_event("1", n=1), an_event("2", n=1), an_event("3", n=1))
    chain[position] = replace(chain[position], **change)

    assert fault in list(chain_faults(chain))


def test_an_event_that_was_taken_out_is_found() -> None:
    first, _, third = recorded(an_event("1"), an_event("2"), an_event("3"))

    assert "a: version 3 stands where 2 belongs" in list(chain_faults([first, third]))


def test_an_erased_payload_breaks_nothing() -> None:
    chain = [replace(event, payload=None, payload_key=None) for event in recorded(an_event("1"), an_event("2"))]

    assert list(chain_faults(chain)) == []


def test_a_commitment_tells_nothing_without_its_key() -> None:
    one, other = recorded(an_event(n=1))[0], recorded(an_event(n=1), key=b"x" * 32)[0]

    assert one.commitment != other.commitment


def test_the_digest_of_a_log_ignores_what_equal_runs_may_differ_in() -> None:
    event = replace(an_event("1", n=1, took_us=3), volatile_fields=("took_us",))
    again = replace(an_event("2", n=1, took_us=4), volatile_fields=("took_us",), request_id="s", authentication="token")
    lease = replace(an_event("3", worker="w"), volatile=True)

    assert log_sha256(recorded(event)) == log_sha256(recorded(again, lease, key=b"x" * 32, start=7))


@pytest.mark.parametrize(
    "change",
    [{"type": "x"}, {"schema": 2}, {"occurred_us": 6}, {"actor": "x"}, {"policy_version": 2}, {"payload": b'{"n":2}'}],
)
def test_the_digest_of_a_log_tells_apart_what_happened(change: dict[str, object]) -> None:
    event = an_event(n=1)

    assert log_sha256(recorded(event)) != log_sha256(recorded(replace(event, **change)))


def test_the_digest_of_a_log_tells_apart_what_stands_beside_a_volatile_field() -> None:
    one, other = (replace(an_event(n=n, took_us=n), volatile_fields=("took_us",)) for n in (1, 2))

    assert log_sha256(recorded(one)) != log_sha256(recorded(other))


def test_a_payload_without_its_key_is_not_whole_nor_is_a_key_without_its_payload() -> None:
    (event,) = recorded(an_event())
    kept = [event, *(replace(event, **{name: None}) for name in ("payload", "payload_key"))]

    assert [payload_is_whole(one) for one in kept] == [True, False, False]
    assert payload_is_whole(replace(event, payload=None, payload_key=None))


def test_the_digest_of_a_log_does_not_know_how_streams_interleave() -> None:
    one, other = recorded(an_event("1"), an_event("2")), recorded(an_event("3"), stream="b", start=2)

    assert log_sha256([*one, *other]) == log_sha256([one[0], *other, one[1]])
    assert log_sha256([*one, *other]) != log_sha256(one)


def test_the_digest_of_a_log_needs_the_payloads_that_count() -> None:
    (event,) = recorded(an_event())

    with pytest.raises(PayloadErased):
        log_sha256([replace(event, payload=None, payload_key=None)])


def test_a_leaf_is_the_whole_envelope_as_canonical_json() -> None:
    (event,) = recorded(an_event(n=1))
    leaf = orjson.loads(leaf_of(event))

    assert canonical(leaf) == leaf_of(event)
    assert leaf == {
        field.name: _plain(getattr(event, field.name))
        for field in fields(RecordedEvent)
        if field.name not in OF_THE_PAYLOAD
    }


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


def test_the_hash_of_an_event_is_that_of_its_leaf_in_the_tree() -> None:
    (event,) = recorded(an_event(n=1))

    assert event.hash == hashlib.sha256(b"\x00" + leaf_of(event)).hexdigest() == leaf_hash(event).hex()


def test_an_event_of_the_first_release_keeps_the_hash_that_it_was_given() -> None:
    (event,) = recorded(an_event(n=1))
    old = replace(event, format=1)

    assert leaf_of(old).startswith(b"7:default1:a1:11:11:964:")
    assert hash_of(old) == hashlib.sha256(leaf_of(old)).hexdigest()
    assert leaf_hash(old) == hashlib.sha256(b"\x00" + leaf_of(old)).digest()


def test_a_format_of_a_later_release_is_refused_by_name() -> None:
    (event,) = recorded(an_event(n=1))

    with pytest.raises(UnknownFormat, match="a version 1 is written in format 3; known are 1 and 2"):
        leaf_of(replace(event, format=3))
