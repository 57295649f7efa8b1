"""Envelopes, as the service writes them and as an auditor reads them."""

from __future__ import annotations

import hashlib
import json
import re
import string

import msgspec
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from remission_verify.canonical import encode
from remission_verify.envelope import AT_ONCE, GENESIS, Envelope, read_envelope, read_envelopes
from remission_verify.errors import EnvelopeInvalid
from remission_verify.merkle import hash_leaf

from statemachine.record import envelope
from statemachine.record.envelope import NewEvent, RecordedEvent, hash_of, leaf_of
from tests.fixtures.logs import some_log

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
NUMBER = st.integers(0, 2**53 - 1)
EVENTS = st.builds(
    NewEvent,
    event_id=TEXT,
    type=TEXT,
    schema=st.integers(1, 9),
    occurred_us=st.integers(-(2**53) + 1, 2**53 - 1),
    actor=TEXT,
    authentication=TEXT,
    causation_id=st.none() | TEXT,
    correlation_id=st.none() | TEXT,
    request_id=st.none() | TEXT,
    policy_version=NUMBER,
    machine_version=TEXT,
    volatile=st.booleans(),
    volatile_fields=st.lists(TEXT, max_size=3).map(tuple),
    payload=st.just(b"{}"),
)
LOG = some_log(2 * AT_ONCE + 3)
PLAIN = LOG[0]
OLD = some_log(1, of_format_1=1)[0]


def recorded(event: NewEvent, form: int, stream: str = "s") -> RecordedEvent:
    place = {"namespace": "default", "stream": stream, "version": 3, "position": 7, "recorded_us": 5}
    made = envelope.record(event, **place, previous_hash="ab" * 32, payload_key=bytes(32))  # type: ignore[arg-type]
    made = msgspec.structs.replace(made, format=form)
    return msgspec.structs.replace(made, hash=hash_of(made))


@pytest.mark.parametrize("form", [1, 2])
@given(event=EVENTS, stream=TEXT)
def test_an_envelope_says_what_the_service_recorded(form: int, event: NewEvent, stream: str) -> None:
    made = recorded(event, form, stream)

    found = read_envelope(leaf_of(made))

    names = ("format", "commitment", "namespace", "position", "previous_hash", "stream", "type", "version", "hash")
    assert found == tuple(getattr(made, name) for name in names)


@given(st.data())
def test_no_other_bytes_are_taken_for_the_same_envelope(data: st.DataObject) -> None:
    leaf = bytearray(data.draw(st.sampled_from([PLAIN, OLD])))
    at = data.draw(st.integers(0, len(leaf) - 1))
    leaf[at] ^= 1 << data.draw(st.integers(0, 7))
    try:
        found = read_envelope(bytes(leaf))
    except EnvelopeInvalid:
        return

    # What can still be read is another envelope, and has another hash.
    assert found.hash not in (read_envelope(PLAIN).hash, read_envelope(OLD).hash)


@given(st.dictionaries(st.sampled_from([*json.loads(PLAIN), "more"]), st.none() | NUMBER | TEXT, max_size=3))
def test_what_an_envelope_of_other_fields_is_refused_for_is_said(change: dict[str, str | int | None]) -> None:
    said = refusal(encode({**json.loads(PLAIN), **change}))

    # Nothing is said where every field was replaced by one of its own kind.
    assert any(f"field {name}:" in said for name in change) or (not said and "more" not in change)


def refusal(leaf: bytes) -> str:
    """Give what is said of an entry; nothing when it is read."""
    try:
        read_envelope(leaf)
    except EnvelopeInvalid as error:
        return str(error)
    return ""


def test_the_canonical_form_of_an_envelope_is_what_the_service_writes() -> None:
    assert encode(json.loads(PLAIN)) == PLAIN == orjson.dumps(json.loads(PLAIN), option=orjson.OPT_SORT_KEYS)


def test_the_hash_of_the_old_form_has_no_prefix() -> None:
    assert read_envelope(OLD).hash == hashlib.sha256(OLD).hexdigest()


def test_a_hash_that_is_known_is_not_computed_again() -> None:
    assert read_envelope(PLAIN, bytes(32)).hash == GENESIS


def without(name: str) -> bytes:
    body = json.loads(PLAIN)
    del body[name]
    return encode(body)


@pytest.mark.parametrize(
    ("leaf", "said"),
    [
        (b"", "field namespace: is missing"),
        (b"{}", "is missing"),
        (b"[1]", "byte 0: no `length:value`"),
        (b"{" * 60_000, "no JSON"),
        (b'{"a":' * 10_000, "nested too deep"),
        (b"\xff", "byte 0: no `length:value`"),
        (b"{\xff", "byte 1 is not UTF-8"),
        (without("stream"), "field stream: is missing"),
        (PLAIN.replace(b'"volatile":', b'"volatilf":'), "byte"),
        (PLAIN.replace(b'"format":2', b'"format":3'), "field format: 3 is not known; 1 and 2 are"),
        (PLAIN.replace(b'"schema":1', b'"schema":1.5'), "1.5 is no integer"),
        (PLAIN.replace(b'"schema":1', b'"schema":NaN'), "NaN is no integer"),
        (PLAIN.replace(b'"schema":1', b'"schema":"1"'), "field schema: '1' does not belong here"),
        (PLAIN.replace(b'"schema":1', b'"schema":1,"schema":1'), "the name 'schema' stands twice"),
        (PLAIN.replace(b'"schema":1', b'"schema": 1'), "differs from the canonical form"),
        (PLAIN.replace(b'"volatile":false', b'"volatile":0'), "field volatile: 0 does not belong here"),
        (PLAIN.replace(b'"previous_hash":"0', b'"previous_hash":"G'), "field previous_hash: 'G000"),
        (OLD + b"1:x", "field volatile_fields: 0 names belong here, 1 do"),
        (OLD[:-1], "no `length:value` that ends within the entry"),
        (OLD[:-3], "field volatile_fields: is missing"),
        (b"-" + OLD[9:], "field namespace: is empty"),
        (OLD.replace(b"1:11:1", b"2:011:1", 1), "field version: '01' is no number"),
        (OLD.replace(b"7:default", b"07:default"), "byte 0: no `length:value`"),
        (OLD.replace(b"7:default", b"7:def\xffult"), "byte 0: the value is not UTF-8"),
        (OLD.replace(b"7:default", b"99999:default"), "byte 0: no `length:value`"),
    ],
)
def test_an_entry_that_is_no_envelope_is_refused_by_what_is_wrong(leaf: bytes, said: str) -> None:
    with pytest.raises(EnvelopeInvalid, match=re.escape(said)):
        read_envelope(leaf)


@pytest.mark.parametrize("length", [10_000, 60_000])
def test_hostile_text_takes_no_longer_than_its_length(length: int) -> None:
    # Were the pattern one that tries again, these would never end.
    for text in (b"a" * length, b"\\\\" * (length // 2), string.printable.encode() * (length // 100)):
        with pytest.raises(EnvelopeInvalid):
            read_envelope(PLAIN.replace(b'"actor":"tester"', b'"actor":"' + text))


def many(leaves: list[bytes]) -> list[Envelope | str]:
    """Read entries together; give what is said of those that are none."""
    found = read_envelopes(leaves, [hash_leaf(leaf) for leaf in leaves])
    return [str(one) if isinstance(one, EnvelopeInvalid) else one for one in found]


def alone(leaf: bytes) -> Envelope | str:
    return refusal(leaf) or read_envelope(leaf)


@pytest.mark.parametrize("count", [0, 1, AT_ONCE, AT_ONCE + 1, len(LOG)])
def test_many_entries_are_read_as_each_alone(count: int) -> None:
    assert many(LOG[:count]) == [read_envelope(leaf) for leaf in LOG[:count]]


@given(st.lists(EVENTS, min_size=1, max_size=4), TEXT, st.sampled_from([1, 2]))
def test_many_entries_of_any_text_are_read_as_each_alone(events: list[NewEvent], stream: str, form: int) -> None:
    leaves = [leaf_of(recorded(event, 2, stream)) for event in events[1:]] + [
        leaf_of(recorded(events[0], form, stream))
    ]

    assert many(leaves) == [alone(leaf) for leaf in leaves]


@given(st.integers(0, len(LOG) - 1), st.data())
def test_one_byte_among_many_entries_is_seen_as_in_one_alone(place: int, data: st.DataObject) -> None:
    leaf = bytearray(LOG[place])
    leaf[data.draw(st.integers(0, len(leaf) - 1))] = data.draw(st.integers(0, 255))
    leaves = [*LOG[:place], bytes(leaf), *LOG[place + 1 :]]

    assert many(leaves) == [alone(leaf) for leaf in leaves]


@pytest.mark.parametrize(
    "digits",
    [b"A" * 64, b"0" * 63 + b"\n", b"0" * 63 + b'"', b"0" * 62 + "é".encode(), "٣".encode() * 64, b"0" * 63, b"0" * 65],
)
@pytest.mark.parametrize("field", [b"commitment", b"previous_hash"])
def test_a_hash_among_many_is_looked_at_digit_by_digit(field: bytes, digits: bytes) -> None:
    pattern = re.compile(rb'"%b":"[0-9a-f]{64}"' % field)
    leaves = [LOG[0], pattern.sub(b'"%b":"%b"' % (field, digits), LOG[1]), LOG[2]]

    found = many(leaves)

    assert found == [alone(leaf) for leaf in leaves]
    assert [isinstance(one, str) for one in found] == [False, True, False]


@pytest.mark.parametrize(
    "leaves",
    [
        [LOG[0] + b"\n" + LOG[1]],
        [LOG[0] + b"\n" + LOG[1], b""],
        [LOG[0], b"", LOG[1]],
        [LOG[0], LOG[1] + b"\n"],
        [b"\n" + LOG[0], LOG[1]],
        [LOG[0][:200], LOG[0][200:]],
        [LOG[0].replace(b"tester", b"test\xc3"), b"\xa9" + LOG[1]],
        [LOG[0].replace(b"tester", b"te\nter"), LOG[1]],
        [LOG[0].replace(b"tester", b"te\x1fter"), LOG[1]],
    ],
)
def test_no_entry_among_many_hides_behind_another(leaves: list[bytes]) -> None:
    found = many(leaves)

    assert found == [alone(leaf) for leaf in leaves]
    assert any(isinstance(one, str) for one in found)
