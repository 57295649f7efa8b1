"""Claims about making batches: what cannot be sent as it is meant is named by its column and row."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from remission import Client, make_batch, make_reference
from remission.batches import NotScoredError, NotTextError
from remission.columns import LengthsDifferError, NotMicrosecondsError, NotNumericError, NotUnicodeError


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


HALF = "\ud83d"


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"prediction_ids": ["a", HALF]}, r"prediction_ids\[1\]; whole characters are accepted"),
        ({"prediction_ids": [HALF, "\ude00"]}, r"prediction_ids\[0\]"),
        ({"unit_ids": ["u", HALF]}, r"unit_ids\[1\]"),
        ({"subject_ids": [None, HALF]}, r"subject_ids\[1\]"),
    ],
)
def test_an_id_that_cannot_be_sent_is_named(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(NotUnicodeError, match=named):
        a_batch(**changes)


def test_a_word_that_cannot_be_sent_is_named_by_its_column_and_row() -> None:
    with pytest.raises(NotUnicodeError, match=r"city\[2\]; whole characters are accepted"):
        make_batch("b", {"city": ["x", "x", HALF]}, outputs={}, prediction_ids=["a", "b", "c"], times_us=[0, 1, 2])


@pytest.mark.parametrize(
    ("given", "error", "named"),
    [
        (["a", HALF], NotUnicodeError, r"prediction_ids\[1\]; whole characters are accepted"),
        (["a", 7], NotTextError, r"prediction_ids\[1\] is of type int; text is accepted"),
    ],
)
def test_a_prediction_whose_label_cannot_be_sent_is_named(given: Any, error: type[Exception], named: str) -> None:
    with Client("127.0.0.1:1") as client, pytest.raises(error, match=named):
        client.ingest_labels("m", given, [1.0, 0.0])


def test_a_version_that_served_and_has_no_output_is_named() -> None:
    with pytest.raises(NotScoredError, match=r"served_by\[1\] is 'v2', and there are outputs of v1"):
        a_batch(served_by=["v1", "v2"])


def test_labels_and_predictions_must_be_as_many() -> None:
    with Client("127.0.0.1:1") as client, pytest.raises(LengthsDifferError, match="'values' has 1, expected 2"):
        client.ingest_labels("m", ["a", "b"], [1.0])


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"latency_us": [10, 2**40]}, r"latency_us\[1\] is 1099511627776; whole numbers up to 2147483647 are accepted"),
        ({"latency_us": [np.nan, 1.0]}, r"latency_us\[0\] is nan"),
        ({"times_us": [0, np.inf]}, r"times_us\[1\] is inf; whole numbers up to 9007199254740991 are accepted"),
        ({"times_us": np.array([0, 2**64 - 1], dtype=np.uint64)}, r"times_us\[1\] is 18446744073709551615"),
        ({"times_us": [0, None]}, r"times_us\[1\] is None"),
        ({"times_us": ["0", "2026"]}, r"times_us\[0\] is 0; whole numbers"),
        ({"times_us": np.array(["2026-01-01", "NaT"], dtype="M8[s]")}, r"times_us\[1\] is NaT"),
    ],
)
def test_a_time_that_the_contract_cannot_hold_is_named_and_not_turned_into_another(
    changes: dict[str, Any], named: str
) -> None:
    with pytest.raises(NotMicrosecondsError, match=named):
        a_batch(**changes)


def test_both_columns_of_probabilities_are_refused_where_one_is_accepted() -> None:
    both = np.array([[0.1, 0.9], [0.6, 0.4]])

    with pytest.raises(LengthsDifferError, match="'outputs' has 4, expected 2"):
        make_reference({"x": [1.0, 2.0]}, labels=[1, 0], outputs=both)


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_a_date_is_the_same_instant_in_whatever_unit_it_is_counted(unit: str) -> None:
    dates = np.array(["1970-01-01T00:00:01", "1970-01-02"], dtype=f"M8[{unit}]")

    assert np.frombuffer(a_batch(times_us=dates).times_us, "<i8").tolist() == [1_000_000, 86_400_000_000]


def test_words_where_numbers_belong_are_named_by_their_column() -> None:
    with pytest.raises(NotNumericError, match=r"'outputs\[v1\]'"):
        a_batch(outputs={"v1": ["yes", "no"]})
    with pytest.raises(NotNumericError, match="'labels'; numbers are accepted, and a class as its index"):
        make_reference({"x": [1.0]}, labels=["yes"], outputs=[0.5])
    with Client("127.0.0.1:1") as client, pytest.raises(NotNumericError, match="'values'"):
        client.ingest_labels("m", ["a"], np.array(["yes"]))
