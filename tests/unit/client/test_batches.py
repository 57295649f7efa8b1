"""Claims about making batches: what cannot be sent as it is meant is named by its column and row."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from remission import Client, make_batch
from remission.batches import NotScoredError, NotTextError
from remission.columns import LengthsDifferError


def a_batch(**changes: Any) -> Any:
    known: dict[str, Any] = {"outputs": {"v1": [0.1, 0.2]}, "prediction_ids": ["a", "b"], "times_us": [0, 1]}
    return make_batch("b-1", {"x": [1.0, 2.0]}, **{**known, **changes})


def test_a_row_about_nobody_is_one_with_none() -> None:
    made = a_batch(subject_ids=["s-1", None], unit_ids=[None, "u-2"])

    assert (list(made.subject_ids), list(made.unit_ids)) == (["s-1", ""], ["", "u-2"])


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"subject_ids": ["s-1", 7]}, r"subject_ids\[1\] is of type int"),
        ({"unit_ids": [float("nan"), "u"]}, r"unit_ids\[0\] is of type float"),
        ({"prediction_ids": [np.int64(3), "b"]}, r"prediction_ids\[0\] is of type int64"),
        ({"prediction_ids": ["a", None]}, r"prediction_ids\[1\] is of type NoneType"),
    ],
)
def test_an_id_that_is_no_text_is_named(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(NotTextError, match=named):
        a_batch(**changes)


def test_a_version_that_served_and_has_no_output_is_named() -> None:
    with pytest.raises(NotScoredError, match=r"served_by\[1\] is 'v2', and there are outputs of v1"):
        a_batch(served_by=["v1", "v2"])


def test_labels_and_predictions_must_be_as_many() -> None:
    with Client("127.0.0.1:1") as client, pytest.raises(LengthsDifferError, match="'values' has 1, expected 2"):
        client.ingest_labels("m", ["a", "b"], [1.0])
