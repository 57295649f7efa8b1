import base64

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.profiles.packing import NotPacked, packed, unpacked

COUNTS = st.lists(st.one_of(st.integers(0, 300), st.integers(0, 2**63 - 1)), max_size=30)


def varint(number: int) -> bytes:
    """Write a number as Protocol Buffers do, byte by byte."""
    return bytes([number]) if number < 128 else bytes([number & 127 | 128]) + varint(number >> 7)


@given(COUNTS)
def test_unpacking_undoes_packing(counts: list[int]) -> None:
    assert unpacked(packed(np.array(counts, dtype=np.int64))).tolist() == counts


@given(COUNTS)
def test_counts_are_packed_as_anybody_else_would_pack_them(counts: list[int]) -> None:
    text = packed(np.array(counts, dtype=np.int64))

    assert text == base64.b64encode(b"".join(map(varint, counts))).decode()


@pytest.mark.parametrize(
    ("held", "why"),
    [
        (b"\x80", "end within a count"),
        (b"\x01\x80", "end within a count"),
        (b"\x80" * 9 + b"\x01", "more than 9 bytes"),
        (b"\x80\x00", "shortest form"),
    ],
)
def test_bytes_that_are_no_counts_are_refused(held: bytes, why: str) -> None:
    with pytest.raises(NotPacked, match=why):
        unpacked(base64.b64encode(held).decode())


@pytest.mark.parametrize("text", ["AH+AAQ", "A H+AAQ==", "AH+AAR==", "AH+A\n"])
def test_text_that_is_not_what_packing_gives_is_refused(text: str) -> None:
    with pytest.raises(NotPacked):
        unpacked(text)


@given(st.text(max_size=12))
def test_any_text_is_either_refused_or_what_packing_gives(text: str) -> None:
    try:
        counts = unpacked(text)
    except NotPacked:
        return

    assert packed(counts) == text
