from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from remission.columns import (
    CATEGORICAL,
    NUMERIC,
    LengthsDifferError,
    NotNumericError,
    NotTabularError,
    decode,
    describe,
    encode,
    encode_words,
    infer_kinds,
    pack,
    tabulate,
    to_floats,
)
from remission.v1 import columns_pb2
from scipy.sparse import csr_matrix


@given(st.lists(st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=5), max_size=20))
def test_words_survive_the_way_there_and_back(words: list[str | None]) -> None:
    column = np.array([*words, "last"], dtype=np.object_)

    assert decode(encode({"a": column}))["a"].tolist() == [*words, "last"]


@given(st.lists(st.floats(), min_size=1, max_size=20))
def test_numbers_survive_the_way_there_and_back_to_the_bit(values: list[float]) -> None:
    column = np.array(values)

    assert decode(encode({"a": column}))["a"].tobytes() == column.tobytes()


def test_numbers_are_little_endian_on_the_wire_whatever_they_were() -> None:
    assert pack(np.array([1.0], dtype=">f8"), "f8") == bytes.fromhex("000000000000f03f")
    assert pack(np.array([258], dtype=">i4"), "i4") == bytes([2, 1, 0, 0])


def test_a_data_frame_and_a_dictionary_of_its_columns_are_the_same_table() -> None:
    columns: dict[str, Any] = {"x": [1.0, 2.0], "word": ["a", None]}

    assert encode(tabulate(pd.DataFrame(columns))) == encode(tabulate(columns))


def test_a_matrix_takes_the_names_that_it_is_given() -> None:
    table = tabulate([[1, 2], [3, 4]], ["a", "b"])

    assert {name: values.tolist() for name, values in table.items()} == {"a": [1, 3], "b": [2, 4]}


def test_a_table_is_copied_so_that_the_caller_may_go_on_writing() -> None:
    matrix, column = np.ones((2, 1)), np.ones(2)
    tables = tabulate(matrix), tabulate({"x0": column})

    matrix[:], column[:] = 0, 0

    assert [table["x0"].tolist() for table in tables] == [[1, 1], [1, 1]]


@pytest.mark.parametrize(
    "data",
    [
        {"a": [1, 2], "b": [1]},
        {"a": [[1, 2], [3, 4]]},
        {"a": 1.0},
        {"a": [1.0], "b": 1.0},
        pd.DataFrame([[1, 2]], columns=["a", "a"]),
        pd.Series(["text", "text"]),
    ],
)
def test_columns_that_are_not_one_value_a_row_are_refused(data: object) -> None:
    with pytest.raises(LengthsDifferError):
        tabulate(data)  # type: ignore[arg-type]  # what a caller may get wrong


@pytest.mark.parametrize(("values", "shape"), [(np.zeros((2, 3)), "(2, 3)"), (7.0, "()")])
def test_a_column_that_is_no_list_is_told_by_its_shape(values: object, shape: str) -> None:
    with pytest.raises(LengthsDifferError, match=rf"Column 'x' has the shape {re.escape(shape)}, expected \(\d,\)"):
        tabulate({"x": values})  # type: ignore[dict-item]  # what a caller may get wrong


def test_a_matrix_with_more_columns_than_names_is_refused() -> None:
    with pytest.raises(LengthsDifferError) as caught:
        tabulate([[1, 2]], ["a"])

    assert (caught.value.expected, caught.value.actual) == (2, 1)


@pytest.mark.parametrize("data", [7, object(), np.zeros((2, 2, 2)), csr_matrix(np.eye(2))], ids=type)
def test_what_is_no_matrix_is_refused(data: object) -> None:
    with pytest.raises(NotTabularError):
        tabulate(data)  # type: ignore[arg-type]  # what a caller may get wrong


def test_a_whole_number_is_the_same_word_in_whatever_column_it_stands() -> None:
    held = [np.array([3, 4]), np.array([3.0, 4.0]), np.array([3, 4.0], dtype=object), np.array(["3", "4"])]

    assert [encode_words(values.tolist())[0] for values in held] == [["3", "4"]] * 4


@pytest.mark.parametrize("missing", [None, float("nan"), np.nan, pd.NA, pd.NaT])
def test_what_marks_a_missing_value_is_missing_among_words_and_among_numbers(missing: object) -> None:
    words, numbers = np.array(["a", missing], dtype=object), np.array([1, missing], dtype=object)

    assert encode_words(words.tolist())[1].tolist() == [0, -1]
    assert np.isnan(to_floats("n", numbers)).tolist() == [False, True]


def test_a_column_of_nullable_integers_is_numeric() -> None:
    frame = pd.DataFrame({"n": pd.array([1, None], dtype="Int64")})

    sent = encode(tabulate(frame), {"n": NUMERIC})

    assert np.array_equal(decode(sent)["n"], [1.0, np.nan], equal_nan=True)


def test_words_in_a_numeric_column_are_refused_by_name() -> None:
    with pytest.raises(NotNumericError) as caught:
        encode({"n": np.array(["one"])}, {"n": NUMERIC})

    assert caught.value.name == "n"


def test_kinds_are_inferred_from_types_and_numbers_can_be_told_to_be_categories() -> None:
    table = {"n": np.array([1, 2]), "flag": np.array([True, False]), "word": np.array(["a", "b"])}

    assert infer_kinds(table) == {"n": NUMERIC, "flag": NUMERIC, "word": CATEGORICAL}
    assert encode(table, {"n": CATEGORICAL})[0].categorical.dictionary == ["1", "2"]


def test_features_are_described_with_their_categories_in_order_of_the_words() -> None:
    described = describe({"word": np.array(["b", "a", None, "b"], dtype=object), "n": np.array([1.0] * 4)})

    assert [(one.name, one.kind, list(one.categories)) for one in described] == [
        ("word", CATEGORICAL, ["a", "b"]),
        ("n", NUMERIC, []),
    ]


def test_a_code_of_minus_one_is_read_as_missing() -> None:
    codes = pack(np.array([-1, 0]), "i4")
    column = columns_pb2.Column(name="a", categorical=columns_pb2.CategoricalColumn(dictionary=["x"], codes=codes))

    assert decode([column])["a"].tolist() == [None, "x"]
