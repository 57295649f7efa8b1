from __future__ import annotations

import numpy as np
import pytest
from remission.columns import NotNumericError
from remission.loading import (
    Feature,
    make_matrix,
)


def test_numbers_are_taken_and_words_become_the_codes_of_training() -> None:
    columns = {
        "colour": np.array(["green", "red", None, "blue", float("nan")], dtype=object),
        "x": np.array([1, None, 3, 4, 5], dtype=object),
    }
    features = [Feature("x", None), Feature("colour", ("red", "green"))]

    matrix = make_matrix(columns, features)

    assert np.array_equal(matrix[:, 0], [1.0, np.nan, 3.0, 4.0, 5.0], equal_nan=True)
    assert np.array_equal(matrix[:, 1], [1.0, 0.0, np.nan, np.nan, np.nan], equal_nan=True)


def test_the_order_of_categories_in_the_manifest_is_the_order_of_codes() -> None:
    columns = {"colour": np.array(["a", "b", "c"])}

    orders = [make_matrix(columns, [Feature("colour", order)]) for order in (("a", "b", "c"), ("c", "a", "b"))]

    assert [matrix[:, 0].tolist() for matrix in orders] == [[0, 1, 2], [1, 2, 0]]


def test_a_number_that_is_a_category_is_found_as_a_word() -> None:
    assert make_matrix({"store": np.array([7.0, 12.0])}, [Feature("store", ("12", "7"))])[:, 0].tolist() == [1, 0]


def test_columns_that_the_version_does_not_know_are_passed_over() -> None:
    assert make_matrix({"x": np.ones(2), "more": np.zeros(2)}, [Feature("x", None)]).shape == (2, 1)


def test_a_feature_that_is_missing_is_named() -> None:
    with pytest.raises(KeyError, match="colour"):
        make_matrix({"x": np.zeros(1)}, [Feature("colour", ("red",))])


def test_words_where_the_version_knows_numbers_are_refused() -> None:
    with pytest.raises(NotNumericError):
        make_matrix({"x": np.array(["word"])}, [Feature("x", None)])
