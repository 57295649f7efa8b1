"""What looks like a mistake in a table is told by its column, and what is in order is passed over."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from backtest.doubts import doubts_of
from backtest.stream import stream_of
from tests.fixtures.tables import ROWS, plain

NUMBERS = [f"{number / 7:.4f}" for number in range(ROWS)]


def told(**columns: Any) -> list[str]:
    return doubts_of(stream_of(plain().assign(**columns), "table", "label"))


def test_a_table_in_order_raises_no_doubt() -> None:
    assert (
        told(z=["a", "b"] * (ROWS // 2), flag=[1, 2] * (ROWS // 2), zip=[f"{i % 30:05d}x" for i in range(ROWS)]) == []
    )


@pytest.mark.parametrize(
    ("values", "doubt"),
    [
        ([np.nan] * ROWS, "the column 'z' is missing in every row"),
        (range(ROWS), "the column 'z' counts rows; if it is an index"),
        (range(7, ROWS + 7), "the column 'z' counts rows"),
        (["?", *NUMBERS[1:]], "the column 'z' holds numbers, but is read as words because of '?'"),
        ([f"u{i}" for i in range(ROWS)], "the column 'z' has 400 different words in 400 rows"),
    ],
)
def test_what_looks_like_a_mistake_is_told_by_its_column(values: Any, doubt: str) -> None:
    (found,) = told(z=values)

    assert found.startswith(doubt)


def test_a_class_of_one_row_is_told() -> None:
    (found,) = told(label=[*([0, 1] * (ROWS // 2))[1:], 600])

    assert found.startswith("the class '600' is the truth of one row alone")
