"""Claims about scope: whatever is asked, entrants know only what came before the holdout."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retraining.choice import WEIGHT
from retraining.scope import SINCE_CHANGE, Entrant, Spec, challengers, holdout_rows, remedies, with_holdout
from tests.fixtures.bakeoffs import a_spec

ROWS = st.integers(1, 100_000)
TASKS = st.sampled_from(["binary", "multiclass", "regression"])


@given(st.integers(-1, 200_000), ROWS, ROWS, TASKS, st.sampled_from(["", "v0"]), st.integers(1, 9))
def test_no_entrant_knows_a_row_from_the_mark_on(
    onset_row: int, mark: int, reference: int, task: str, pinned: str, most: int
) -> None:
    found = remedies(
        onset_row=onset_row, mark=mark, reference_rows=reference, task=task, pinned=pinned, most=most
    )  # fmt: skip

    assert 0 < len(found) <= most
    assert all(0 <= first < end == mark for one in found for first, end in one.rows)
    assert [WEIGHT[one.remedy] for one in found] == sorted(WEIGHT[one.remedy] for one in found)
    assert len({one.name for one in found}) == len(found)


@given(ROWS, ROWS)
def test_challengers_know_only_what_came_before(mark: int, reference: int) -> None:
    found = challengers(mark, reference)

    assert all(0 <= first < end == mark for one in found for first, end in one.rows)
    assert max(end - first for first, end in found[0].rows) <= reference


def test_challengers_have_as_many_rows_as_the_champion_had_or_all() -> None:
    assert [[one.rows for one in challengers(mark, 1_000)] for mark in (900, 1_250, 1_251)] == [
        [((0, 900),)], [((250, 1_250),)], [((251, 1_251),), ((0, 1_251),)],
    ]  # fmt: skip


def test_each_entrant_learns_from_the_rows_that_its_name_says() -> None:
    found = [
        one
        for onset_row in (-1, 2_700)
        for one in remedies(onset_row=onset_row, mark=3_000, reference_rows=1_000, task="binary", pinned="v0", most=9)
    ]

    assert {one.name: one.rows for one in found} == {
        "recalibrate": ((2_750, 3_000),), "restore": (), "half": ((2_500, 3_000),), "recent": ((2_000, 3_000),),
        "all": ((0, 3_000),), "since_change": ((2_700, 3_000),),
    }  # fmt: skip


def names(onset_row: int, reference: int = 1_000, mark: int = 3_000, task: str = "binary") -> list[str]:
    found = remedies(onset_row=onset_row, mark=mark, reference_rows=reference, task=task, pinned="", most=9)
    return [one.name for one in found]


@pytest.mark.parametrize(
    ("onset_row", "enters"), [(2_949, True), (2_950, False), (2_201, True), (2_200, False), (0, False), (-1, False)]
)
def test_rows_since_the_change_enter_when_they_are_enough_and_not_all(onset_row: int, *, enters: bool) -> None:
    assert ("since_change" in names(onset_row)) == enters
    assert ("half" in names(onset_row)) != enters


@pytest.mark.parametrize(("onset_row", "enters"), [(579, True), (580, False)])
def test_of_a_small_reference_more_than_twenty_rows_since_the_change_enter(onset_row: int, *, enters: bool) -> None:
    assert ("since_change" in names(onset_row, reference=200, mark=600)) == enters


def test_classes_are_not_recalibrated() -> None:
    assert "recalibrate" in names(0, task="regression")
    assert "recalibrate" not in names(0, task="multiclass")


def test_half_of_a_small_reference_is_no_entrant() -> None:
    assert names(-1, reference=400, mark=400) == ["recalibrate", "recent"]


@given(st.integers(-1, 5_000), st.integers(100, 5_000), st.integers(1, 1_000))
def test_who_has_won_learns_up_to_the_holdouts_end_and_no_further(onset_row: int, mark: int, held: int) -> None:
    for one in remedies(onset_row=onset_row, mark=mark, reference_rows=800, task="binary", pinned="", most=9):
        (before,), (after,) = one.rows, with_holdout(one, (mark, mark + held)).rows

        assert after[1] == mark + held
        assert after[0] == (before[0] + held if before[0] and one.name != SINCE_CHANGE else before[0])


def test_who_learned_from_rows_since_a_change_forgets_none_of_them_for_the_holdouts() -> None:
    since = Entrant(name="since_change", remedy="refit", rows=((2_800, 3_000),))

    assert with_holdout(since, (3_000, 3_150)).rows == ((2_800, 3_150),)


@given(st.integers(1, 10_000), st.integers(1, 100_000))
def test_a_change_that_is_seen_leaves_half_of_its_rows_to_learn_from(size: int, since: int) -> None:
    held = holdout_rows(size, since)

    assert size // 2 <= held <= size
    assert since - held >= min(since // 2, since - size // 2)


def test_without_a_change_the_whole_holdout_is_held_out() -> None:
    assert [holdout_rows(200, since) for since in (0, 400, 4_000)] == [200, 200, 200]


def test_a_restored_version_learns_nothing() -> None:
    archived = Entrant(name="restore", remedy="restore", version="v0")

    assert with_holdout(archived, (10, 20)) == archived


def test_a_spec_survives_its_own_json() -> None:
    spec = a_spec(2_000, pinned="v0")

    assert Spec.from_json(spec.to_json()) == spec
    assert spec.limits["minimum_isolation"] == "limits"
