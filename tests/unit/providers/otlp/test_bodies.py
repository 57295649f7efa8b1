"""Bodies of requests: with their length or in chunks, and what is wrong with them."""

from __future__ import annotations

from email.message import Message
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.otlp.bodies import LONGEST_LINE, MOST_TRAILERS, Refused, body_of

MOST = 100


def headers(**told: str) -> Message:
    found = Message()
    for name, value in told.items():
        found[name.replace("_", "-")] = value
    return found


def in_chunks(body: bytes, most: int = MOST) -> bytes:
    return body_of(headers(Transfer_Encoding="Chunked"), BytesIO(body), most)


@given(st.lists(st.binary(min_size=1, max_size=20), max_size=5), st.binary(max_size=9))
def test_chunks_give_what_was_cut_and_leave_what_follows(parts: list[bytes], behind: bytes) -> None:
    sent = b"".join(f"{len(part):X}".encode() + b"\r\n" + part + b"\r\n" for part in parts) + b"0\r\n\r\n"
    source = BytesIO(sent + behind)

    assert body_of(headers(Transfer_Encoding="chunked"), source, MOST) == b"".join(parts)
    assert source.read() == behind


def test_extensions_of_chunks_and_trailers_are_passed_over() -> None:
    assert in_chunks(b"3;name=value\r\nabc\r\n00\r\nExpires: never\r\n\r\n") == b"abc"


@pytest.mark.parametrize(
    ("body", "code", "told"),
    [
        (b"", 400, "ends too early"),
        (b"3\r\nab", 400, "ends too early"),
        (b"3\r\nabc\r\n", 400, "ends too early"),
        (b"0\r\n", 400, "ends too early"),
        (b"\r\n", 400, "does not begin with its size"),
        (b"-3\r\nabc\r\n", 400, "does not begin with its size"),
        (b"0x3\r\nabc\r\n", 400, "does not begin with its size"),
        (b"2\r\nabc\r\n", 400, "longer than it says"),
        (b"65\r\n" + bytes(101), 413, "more than 100 bytes in chunks"),
        (b"ffffffff\r\n", 413, "more than 100 bytes in chunks"),
        (b"32\r\n" + bytes(50) + b"\r\n33\r\n", 413, "more than 100 bytes in chunks"),
        (b"1;" + b"x" * LONGEST_LINE + b"\r\n", 400, "a line between chunks is longer"),
        (b"0\r\n" + b"a: b\r\n" * MOST_TRAILERS + b"\r\n", 400, "lines follow the last chunk"),
    ],
)
def test_chunks_that_are_none_are_refused(body: bytes, code: int, told: str) -> None:
    with pytest.raises(Refused, match=told) as caught:
        in_chunks(body)

    assert caught.value.code == code


@pytest.mark.parametrize("told", [{"Content_Length": "3", "Transfer_Encoding": "chunked"}, {"Transfer_Encoding": "x"}])
def test_a_body_whose_end_is_told_twice_or_in_an_unknown_way_is_refused(told: dict[str, str]) -> None:
    with pytest.raises(Refused, match="without Content-Length, is accepted"):
        body_of(headers(**told), BytesIO(b"abc"), MOST)
