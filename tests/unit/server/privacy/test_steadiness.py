"""Claims about hours in which nobody has set the clock."""

from __future__ import annotations

import pytest

from server.privacy.steadiness import SET_US, SteadyHours

HOUR_US = 3_600 * 1_000_000
DAY_US = 24 * HOUR_US


def test_an_hour_is_told_once_when_it_is_over() -> None:
    hours = SteadyHours(0, DAY_US, HOUR_US)

    assert [hours.set_by_us(at_us, DAY_US + at_us) for at_us in (1, HOUR_US - 1, HOUR_US, HOUR_US + 1)] == [
        None, None, 0, None,
    ]  # fmt: skip


@pytest.mark.parametrize("by_us", [-HOUR_US, DAY_US, -3 * SET_US])
def test_a_clock_that_was_set_is_told_once_and_is_the_clock_from_then_on(by_us: int) -> None:
    hours = SteadyHours(0, DAY_US, HOUR_US)
    told = [hours.set_by_us(hour * HOUR_US, DAY_US + hour * HOUR_US + by_us) for hour in (1, 2)]

    assert told == [by_us, 0]
    assert abs(by_us) > SET_US
