"""Whatever text is handed in, it is read or refused by an error of ours: nothing else is raised."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from remission_verify.canonical import decode
from remission_verify.checkpoint import parse
from remission_verify.cosignature import Witness
from remission_verify.envelope import read_envelope
from remission_verify.errors import VerificationError
from remission_verify.note import Signer, Verifier, parse_note, sign
from remission_verify.receipt import HEADER, parse_receipt
from remission_verify.telling import shown

SIGNER = Signer("log.example/test", bytes(range(32)))
NOTE = sign(f"log.example/test\n7\n{'A' * 43}=\n", [SIGNER])
RECEIPT = f"{HEADER}\nextra AAAA\nindex 3\n{'A' * 43}=\n\n{NOTE}"
READERS: list[Callable[[str], object]] = [
    parse,
    parse_note,
    parse_receipt,
    Verifier.from_text,
    Witness.from_text,
    Signer.from_text,
]
TRUE = [NOTE, RECEIPT, SIGNER.text, SIGNER.verifier.text]


@pytest.mark.parametrize("read", READERS, ids=lambda read: getattr(read, "__qualname__", str(read)))
@given(text=st.text() | st.text(alphabet="\n +=—0Aa"), at=st.integers(0, 400), true=st.sampled_from(TRUE))
@example(text="\n\n" * 10_000, at=0, true=NOTE)
@example(text="9" * 5_000, at=21, true=NOTE)
@example(text="\ud800", at=5, true=SIGNER.verifier.text)
def test_text_is_read_or_refused(read: Callable[[str], object], text: str, at: int, true: str) -> None:
    for given_text in (text, true[:at] + text, true[:at] + text + true[at + len(text) :]):
        with suppress(VerificationError):
            read(given_text)


@given(st.binary(max_size=200) | st.text(alphabet='{}[]",:0123456789-abnul\\').map(str.encode))
def test_bytes_are_read_or_refused(data: bytes) -> None:
    for read in (decode, read_envelope):
        with suppress(VerificationError):
            read(data)


@given(st.text())
def test_what_is_shown_on_a_terminal_is_printable(text: str) -> None:
    assert shown(text).isprintable()


def test_a_receipt_is_written_as_it_was_read() -> None:
    assert parse_receipt(RECEIPT).text == RECEIPT


@pytest.mark.parametrize("extra", ["extra A", "extra AAAB=", "extra"])
def test_what_stands_beside_a_receipt_is_base64(extra: str) -> None:
    with pytest.raises(VerificationError):
        parse_receipt(RECEIPT.replace("extra AAAA", extra))
