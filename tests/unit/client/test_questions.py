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
