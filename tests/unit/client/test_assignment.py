from __future__ import annotations

import itertools
import json
from importlib.resources import files
from typing import Any

import numpy as np
import pytest
from remission.assignment import BUCKETS, assign, bucket, goes_to_candidate

VECTORS: list[dict[str, Any]] = json.loads(files("remission").joinpath("assignment_vectors.json").read_text("utf-8"))[
    "vectors"
]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda one: f"{one['salt']}|{one['unit_id']}"[:40])
def test_a_unit_has_the_bucket_that_is_published(vector: dict[str, Any]) -> None:
    assert bucket(vector["salt"], vector["unit_id"]) == vector["bucket"]


def test_the_candidate_serves_the_units_whose_bucket_is_below_its_share() -> None:
    for vector in VECTORS:
        for share in (vector["bucket"], vector["bucket"] + 1):
            assert goes_to_candidate(vector["salt"], vector["unit_id"], share) == (vector["bucket"] < share)


def test_a_row_without_a_unit_goes_to_the_champion_even_at_full_exposure() -> None:
    assert assign("salt", ["", "a"], BUCKETS).tolist() == [False, True]


def test_a_unit_that_was_once_in_stays_in_while_the_share_grows() -> None:
    units = [f"unit-{i}" for i in range(500)]
    shares = [assign("salt", units, share) for share in (0, 100, 500, 2_500, 5_000, BUCKETS)]

    assert all((wider >= narrower).all() for narrower, wider in itertools.pairwise(shares))
    assert shares[0].sum() == 0
    assert shares[-1].all()


def test_another_salt_picks_other_units() -> None:
    units = [f"unit-{i}" for i in range(500)]

    assert not np.array_equal(assign("a", units, 5_000), assign("b", units, 5_000))
