"""RFC 8785 without fractions: what is written, and what is refused when it is read."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from remission_verify.canonical import Json, decode, encode
from remission_verify.errors import NotCanonical
from remission_verify.limits import MOST_DEPTH

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_what_is_written_is_read_back(value: Json) -> None:
    assert decode(encode(value)) == value


def test_names_are_sorted_as_the_specification_shows() -> None:
    names = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\u0080", "\u00f6"]

    written = encode(dict.fromkeys(names, 0)).decode()

    assert re.findall(r'"(.+?)":', written) == ["\\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]


def test_text_is_escaped_as_little_as_possible() -> None:
    assert encode('\u20ac$\x0f\nA\'B"\\\\"/') == '"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"'.encode()


@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_as_many_levels_are_read_as_are_accepted_and_none_below(opening: bytes, closing: bytes) -> None:
    deepest = opening * MOST_DEPTH + b"1" + closing * MOST_DEPTH

    assert encode(decode(deepest)) == deepest
    with pytest.raises(NotCanonical, match=f"up to {MOST_DEPTH} levels"):
        decode(opening + deepest + closing)


@pytest.mark.parametrize("number", [2**53 - 1, 1 - 2**53])
def test_the_largest_numbers_are_read(number: int) -> None:
    assert decode(b"%d" % number) == number


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "no JSON"),
        (b"{", "no JSON"),
        (b"{}{}", "no JSON: Extra data at character 2"),
        (b'{"a":1,"a":1}', "the name 'a' stands twice"),
        (b'{"b":1,"a":1}', "byte 2 differs from the canonical form"),
        (b'{"a": 1}', "byte 5 differs from the canonical form"),
        (b"NaN", "NaN is no integer"),
        (b"-Infinity", "-Infinity is no integer"),
        (b"1.0", "1.0 is no integer"),
        (b"1e3", "1e3 is no integer"),
        (b"-0", "byte 0 differs from the canonical form"),
        (b"9007199254740992", "up to 9007199254740991 is accepted"),
        (b"1" * 5000, "a number is too long"),
        (b'"\\u0041"', "byte 1 differs from the canonical form"),
        (b'"\\ud800"', "half of a surrogate pair"),
        (b'"\xff"', "byte 1 is not UTF-8"),
        (b"\xef\xbb\xbf1", "no JSON"),
        (b"[" * 40 + b"]" * 40, "nested too deep"),
        (b"[" * 60_000, "nested too deep"),
        (b'{"a":' * 60_000, "nested too deep"),
        (b"1\n", "byte 1 differs from the canonical form"),
    ],
)
def test_what_is_written_in_another_way_is_refused(data: bytes, said: str) -> None:
    with pytest.raises(NotCanonical, match=re.escape(said)):
        decode(data)
