"""Failures in a row are waited out longer and longer, within bounds, and not shorter than was asked for."""

from __future__ import annotations

from providers.pace import Pace


def test_the_wait_doubles_up_to_five_minutes() -> None:
    pace = Pace()

    assert [pace.failed() for _ in range(8)] == [5, 10, 20, 40, 80, 160, 300, 300]


def test_whoever_asks_for_more_gets_it() -> None:
    pace = Pace()

    assert (pace.failed(900.0), pace.failed(1.0)) == (900.0, 10.0)


def test_after_a_success_it_begins_anew() -> None:
    pace = Pace()
    pace.failed()
    pace.failed()
    pace.succeeded()

    assert pace.failed() == 5.0


def test_it_never_grows_out_of_bounds() -> None:
    pace = Pace()

    assert max(pace.failed() for _ in range(5_000)) == 300.0
