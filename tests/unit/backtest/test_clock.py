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
        ("02.01.1970", "03.01.1970"),
        ("02.01.1970 00:00", "3.1.1970"),
        (19700102, 19700103),
    ],
)
def test_dates_are_read_however_they_are_written(values: Sequence[Any]) -> None:
    assert times(*values) == [DAY_US, 2 * DAY_US]


def test_one_day_that_can_be_no_month_has_all_days_stand_first() -> None:
    assert times("02/01/1970", "03/01/1970 01:00", "13/01/1970", "1970-02-01") == [
        DAY_US, 2 * DAY_US + 3_600_000_000, 12 * DAY_US, 31 * DAY_US
    ]  # fmt: skip
    assert times("01/02/1970", "01/03/1970", "01/13/1970") == [DAY_US, 2 * DAY_US, 12 * DAY_US]


def test_months_and_years_alone_are_their_first_days() -> None:
    assert times(197001, 197002) == [0, 31 * DAY_US]
    assert times(1970, 1971) == [0, 365 * DAY_US]


def test_numbers_count_seconds() -> None:
    assert times(0, 1.5) == [EPOCH_US, EPOCH_US + 1_500_000]


def test_numbers_as_large_as_a_clock_of_unix_tells_count_from_1970() -> None:
    assert times(1_609_459_200, 1_609_459_200.5) == [1_609_459_200_000_000, 1_609_459_200_500_000]
    assert times(946_684_799, 946_684_800)[0] == EPOCH_US + 946_684_799_000_000


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
        (("2020-01-01", "12:30"), "row 1 of 'when' is '12:30', no time"),
        (("2020-01-01", "today"), "row 1 of 'when' is 'today', no time"),
        (("13/01/2020", "01/13/2020"), "row 1 of 'when' is '01/13/2020', no time"),
        ((True, False), "'when' holds true and false"),
    ],
)
def test_what_is_no_time_is_named_by_its_row(values: Sequence[Any], told: str) -> None:
    with pytest.raises(StreamInvalid) as refused:
        times(*values)

    assert str(refused.value).startswith(f"--time: {told}")
    assert "are accepted" in str(refused.value)
