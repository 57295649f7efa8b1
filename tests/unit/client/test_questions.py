from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from remission.columns import LengthsDifferError
from remission.questions import read_question
from scipy.sparse import csr_matrix


def test_rows_get_ids_that_nobody_had_before() -> None:
    first, second = (read_question([[1.0], [2.0]], [], [], []) for _ in range(2))

    assert len({*first.prediction_ids, *second.prediction_ids}) == 4
    assert first.unit_ids == ["", ""]


@pytest.mark.parametrize(
    "ids", [[7, 8], (7, 8), np.array([7, 8]), np.array(["7", "8"]), pd.Series([7, 8]), map(str, [7, 8])]
)
def test_ids_of_any_kind_are_read(ids: Any) -> None:
    question = read_question([[1.0], [2.0]], [], ids, ["u", None])

    assert question.fault is None
    assert question.prediction_ids == ["7", "8"]
    assert question.unit_ids == ["u", ""]


@pytest.mark.parametrize(
    ("rows", "ids", "units"),
    [
        ([[1.0], [2.0]], ["only one"], []),
        ([[1.0], [2.0]], [], ["a", "b", "c"]),
        ([[1.0], [2.0]], [], ["a", "\ud800"]),
        ([[1.0], [2.0]], ["a", "\udfff"], []),
        ([[1.0], [2.0, 3.0]], [], []),
        ([[1.0, 2.0]], [], []),
        (csr_matrix(np.eye(2)), [], []),
        (pd.Series(["a text", "another"]), [], []),
        (7, [], []),
        (object(), [], []),
        ({"x": [1.0], "y": [1.0, 2.0]}, [], []),
    ],
)
def test_what_cannot_be_reported_is_a_question_with_a_fault_and_raises_nothing(rows: Any, ids: Any, units: Any) -> None:
    question = read_question(rows, ["x"], ids, units)

    assert question.fault is not None
    assert question.rows.given is rows
    assert question.rows.columns == {}


def test_a_fault_says_what_is_wrong() -> None:
    fault = read_question([[1.0], [2.0]], ["x"], ["only one"], []).fault

    assert isinstance(fault, LengthsDifferError)
    assert (fault.name, fault.expected, fault.actual) == ("prediction_ids", 2, 1)


@pytest.mark.parametrize(
    "subjects",
    [
        ["ann", None],
        ("ann", ""),
        ["ann", " \t "],
        np.array(["ann", None], dtype=object),
        np.array(["ann", ""]),
        pd.Series(["ann", np.nan], dtype=object),
        pd.Series(["ann", pd.NA], dtype="string"),
        iter(["ann", pd.NaT]),
    ],
)
def test_a_row_whose_subject_is_blank_or_missing_is_about_nobody(subjects: Any) -> None:
    question = read_question([[1.0], [2.0]], [], [], [], subjects)

    assert question.fault is None
    assert question.subject_ids == ["ann", ""]


def test_without_subjects_every_row_is_about_nobody() -> None:
    assert read_question([[1.0], [2.0]], [], [], []).subject_ids == ["", ""]


@pytest.mark.parametrize(
    ("subjects", "said"),
    [
        (["ann", 7], "subject_ids[1] is of type int; text is accepted"),
        ([7.0, "ann"], "subject_ids[0] is of type float; text is accepted"),
        (pd.Series([7, 8]), "subject_ids[0] is of type int; text is accepted"),
        ([b"ann", "bob"], "subject_ids[0] is of type bytes; text is accepted"),
        (["ann", "x" * 129], "subject_ids[1] has 129 characters; up to 128 are accepted"),
        (["ann", "b\nb"], "subject_ids[1] holds a control character; others are accepted"),
        (["ann", "b\x85b"], "subject_ids[1] holds a control character; others are accepted"),
        (["ann"], "Column 'subject_ids' has 1, expected 2"),
        ([None, None, None], "Column 'subject_ids' has 3, expected 2"),
        (["ann", "\ud800"], "subject_ids[1]; whole characters are accepted"),
        (7, "not iterable"),
    ],
)
def test_a_subject_that_cannot_be_read_is_a_fault_that_says_which_and_why(subjects: Any, said: str) -> None:
    question = read_question([[1.0], [2.0]], [], [], [], subjects)

    assert said in str(question.fault)
    assert question.rows.columns == {}  # so nothing of it is reported, least of all as rows of nobody


def test_the_longest_subject_is_taken_as_it_is() -> None:
    assert read_question([[1.0]], [], [], [], [" " + "é" * 127]).subject_ids == [" " + "é" * 127]
