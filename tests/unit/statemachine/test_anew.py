"""Claims about when an open incident is diagnosed anew."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from statemachine import anew
from statemachine.health import ModelHealth
from statemachine.words import DEGRADED, HEALTHY, QUEUED, ROLLED_BACK, SUSPECT, Place
from tests.unit.statemachine.laws import born

ONSET, SEEN, WINDOW = 1_000, 100, 30


def diagnosed(place: Place = DEGRADED, cause: str = "serving", **policy: object) -> ModelHealth:
    """Give a model of which a cause was named after `SEEN` rows."""
    return replace(born(**policy), place=place, cause=cause, onset_row=ONSET, diagnosed_row=ONSET + SEEN)


def looks(health: ModelHealth, rows: int, window: int = WINDOW) -> list[int]:
    """Give the rows since the onset at which a look is due, of so many in windows."""
    ends = range(window, rows + 1, window)
    return [end for end in ends if anew.is_due(health, ONSET + end - window, ONSET + end)]


def test_a_look_is_due_with_the_window_that_doubles_the_rows_and_each_time_that_they_double_again() -> None:
    assert looks(diagnosed(), 2_000) == [210, 420, 810, 1_620]


def test_looks_are_few_however_many_rows_come() -> None:
    assert len(looks(diagnosed(), 100 << 12, window=50)) == 12


@pytest.mark.parametrize("window", [1, 7, 64, 1_000])
def test_the_next_look_is_due_at_the_row_that_is_told_and_at_none_before_it(window: int) -> None:
    health = diagnosed()
    for end in range(ONSET + SEEN, ONSET + 50 * SEEN, window):
        told = anew.next_row(health, end)
        assert told is not None
        assert told > end
        assert not anew.is_due(health, end, told - 1)
        assert anew.is_due(health, end, told)


def test_a_window_that_doubles_the_rows_more_than_once_is_one_look() -> None:
    assert looks(diagnosed(), 4_000, window=1_000) == [1_000, 2_000, 4_000]


def test_a_diagnosis_that_has_seen_no_row_since_the_onset_counts_as_one_of_one_row() -> None:
    assert looks(replace(diagnosed(), diagnosed_row=ONSET), 20, window=1) == [2, 4, 8, 16]


@pytest.mark.parametrize("place", [HEALTHY, SUSPECT, QUEUED, ROLLED_BACK])
def test_a_model_that_is_not_degraded_is_not_diagnosed_anew(place: Place) -> None:
    health = diagnosed(place)

    assert (looks(health, 2_000), anew.next_row(health, ONSET)) == ([], None)


def test_a_policy_may_ask_for_one_diagnosis_alone() -> None:
    health = diagnosed(diagnosis={"anew": False})

    assert (looks(health, 2_000), anew.next_row(health, ONSET)) == ([], None)


def test_a_diagnosis_that_did_not_note_what_it_saw_stands_alone() -> None:
    health = replace(diagnosed(), diagnosed_row=0)

    assert (looks(health, 2_000), anew.next_row(health, ONSET)) == ([], None)


def test_without_a_diagnosis_there_is_none_to_make_anew() -> None:
    assert looks(replace(diagnosed(), cause=""), 2_000) == []
