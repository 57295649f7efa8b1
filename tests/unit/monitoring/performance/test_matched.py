"""Rows that are compared have their seasons in equal shares."""

from __future__ import annotations

import numpy as np

from monitoring.performance.matched import matched
from monitoring.profiles.reference import Ints
from monitoring.profiles.seasons import HOUR_US, Calendar

HOURLY = Calendar(("hour",))


def at(*hours: tuple[int, int]) -> Ints:
    """Give the times of so many rows in each hour, in order."""
    return np.concatenate([np.full(rows, hour * HOUR_US) for hour, rows in hours])


def shares(times_us: Ints) -> list[float]:
    hours = np.bincount(times_us // HOUR_US % 24, minlength=24)
    return [float(share) for share in hours / max(len(times_us), 1)]


def test_a_night_is_compared_with_nights_in_equal_shares_and_with_the_newest_rows() -> None:
    before, after = at((1, 400), (2, 100), (12, 900)), at((1, 30), (2, 10))

    old, new = matched(HOURLY, before, after)

    assert len(new) == 40
    assert shares(before[old]) == shares(after[new])
    assert old.tolist() == [*range(100, 500)]


def test_a_season_that_was_not_there_before_is_left_out_and_so_is_one_that_is_hardly_there() -> None:
    before, after = at((1, 400), (2, 1), (3, 100)), at((1, 80), (2, 5), (3, 10), (4, 50))

    old, new = matched(HOURLY, before, after)

    assert set((after[new] // HOUR_US).tolist()) == {1, 3}
    assert len(old) > 400


def test_no_more_than_a_tenth_of_the_rows_is_left_out_of_which_hardly_any_were_there_before() -> None:
    before = at((1, 900), (2, 1))

    found = [matched(HOURLY, before, at((1, 90), (2, rare))) for rare in (10, 11)]

    assert [len(new) for _, new in found] == [90, 101]


def test_of_a_season_with_few_rows_since_the_newest_row_before_is_taken() -> None:
    old, _ = matched(HOURLY, at((1, 1), (2, 100)), at((1, 10), (2, 5)))

    assert old.tolist() == [0, 100]


def test_where_no_season_was_there_before_nothing_can_be_compared() -> None:
    assert [len(each) for each in matched(HOURLY, at((1, 50)), at((2, 50)))] == [0, 0]
    for before, after in (((1, 50), (2, 0)), ((1, 0), (1, 50)), ((1, 0), (1, 0))):
        assert [len(each) for each in matched(HOURLY, at(before), at(after))] == [0, 0]
