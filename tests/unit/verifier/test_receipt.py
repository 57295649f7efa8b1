"""Receipts as text: how long a path may be."""

from __future__ import annotations

import pytest
from remission_verify.errors import ProofInvalid
from remission_verify.receipt import MOST_HASHES, Receipt, parse_receipt


def receipt(hashes: int) -> Receipt:
    return Receipt(index=7, path=(bytes(32),) * hashes, checkpoint="note", extra=b"beside it")


@pytest.mark.parametrize("hashes", [0, 1, MOST_HASHES])
def test_a_path_as_long_as_that_of_the_largest_tree_is_read_back(hashes: int) -> None:
    assert parse_receipt(receipt(hashes).text) == receipt(hashes)


def test_a_longer_path_is_refused_with_its_length() -> None:
    with pytest.raises(ProofInvalid, match=f"a path of {MOST_HASHES + 1} hashes is not accepted; up to {MOST_HASHES}"):
        parse_receipt(receipt(MOST_HASHES + 1).text)
