"""Receipts as text: how long a path may be, and what is none."""

from __future__ import annotations

import re

import pytest
from remission_verify.errors import ProofInvalid
from remission_verify.receipt import HEADER, MOST_HASHES, Receipt, parse_receipt
from remission_verify.strict64 import encode64


def receipt(hashes: int) -> Receipt:
    return Receipt(index=7, path=(bytes(32),) * hashes, checkpoint="note", extra=b"beside it")


@pytest.mark.parametrize("hashes", [0, 1, MOST_HASHES])
def test_a_path_as_long_as_that_of_the_largest_tree_is_read_back(hashes: int) -> None:
    assert parse_receipt(receipt(hashes).text) == receipt(hashes)


def test_a_longer_path_is_refused_with_its_length() -> None:
    with pytest.raises(ProofInvalid, match=f"a path of {MOST_HASHES + 1} hashes is not accepted; up to {MOST_HASHES}"):
        parse_receipt(receipt(MOST_HASHES + 1).text)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (f"{HEADER}\n", "", f"line 1: a receipt begins with {HEADER}"),
        ("\n\n", "\n", "an empty line stands before its checkpoint"),
        ("index 7", "index 07", "the line of the index is 'index 07'"),
        (f"\nindex 7\n{encode64(bytes(32))}", "", "the line of the index is ''"),
        (encode64(bytes(32)), encode64(bytes(31)), "is a hash of 31 bytes; 32 are expected"),
        (encode64(b"beside it"), "beside it", "'beside it' is no base64"),
    ],
)
def test_a_text_that_is_no_receipt_is_refused(old: str, new: str, said: str) -> None:
    text = receipt(1).text
    assert old in text

    with pytest.raises(ProofInvalid, match=re.escape(said)):
        parse_receipt(text.replace(old, new, 1))
