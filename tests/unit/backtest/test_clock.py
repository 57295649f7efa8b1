from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest

from backtest.clock import EPOCH_US, REFERENCE_US, paced, times_of
from backtest.errors import StreamInvalid

DAY_US = 86_400_000_000


def times(*values: Any) -> list[int]:
    return list(times_of(pd.Series(values, name="when")))


def test_a_stream_without_times_gets_a_reference_of_thirty_days() -> None:
    clock = paced(500, 100)

    assert clock[0] == EPOCH_US
    assert clock[100] - clock[0] == REFERENCE_US
    assert len(set(np.diff(clock))) == 1


@pytest.mark.parametrize(
    "values",
    [
        ("1970-01-02", "1970-01-03"),
        ("01/02/1970", "01/03/1970"),
        ("1970-01-02T00:00:00Z", "1970-01-03T01:00:00+01:00"),
        (pd.Timestamp("1970-01-02"), pd.Timestamp("1970-01-03")),
    ],
)
def test_dates_are_read_however_they_are_written(values: Sequence[Any]) -> None:
    assert times(*values) == [DAY_US, 2 * DAY_US]


def test_numbers_count_seconds() -> None:
    assert times(0, 1.5) == [EPOCH_US, EPOCH_US + 1_500_000]


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (("2020-01-01", "soon"), "row 1 of 'when' is 'soon', no time"),
        (("2020-01-01", None), "row 1 of 'when' is missing"),
        ((0.0, float("nan")), "row 1 of 'when' is missing"),
        ((0.0, float("inf")), "row 1 of 'when' is 'inf', no time"),
        ((-1e12, 0.0), "row 0 of 'when' is"),
        ((1.7e18, 1.7e18), "row 0 of 'when' is '1.7e+18', no time"),
        (("1950-01-01", "2020-01-01"), "row 0 of 'when' is '1950-01-01', no time from 1970"),
        ((True, False), "'when' holds true and false"),
    ],
)
def test_what_is_no_time_is_named_by_its_row(values: Sequence[Any], told: str) -> None:
    with pytest.raises(StreamInvalid) as refused:
        times(*values)

    assert str(refused.value).startswith(f"--time: {told}")
    assert "are accepted" in str(refused.value)
