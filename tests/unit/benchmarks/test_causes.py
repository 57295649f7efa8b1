"""Claims about the benchmark of causes: what counts as named, and what is counted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from benchmarks.causes import clocks
from benchmarks.causes.anew import counts, held_back
from benchmarks.causes.asking import place
from benchmarks.causes.catalogue import CAUSES
from benchmarks.causes.faults import mirrored, swapped
from benchmarks.causes.ground import Sick, entity_in
from benchmarks.causes.planting import Planted
from benchmarks.causes.scores import Score, aims_missed, told
from monitoring.profiles.reference import Ints

NO_ROWS = Sick(np.zeros((0, 1)), np.zeros(0), np.zeros(0))
FAULT = Planted(sick=NO_ROWS, kinds=("data_quality",), features=("a", "its twin"))


def cause(kind: str, *features: str) -> dict[str, Any]:
    return {"kind": kind, "features": list(features)}


def answer(name: str, place: int | None) -> dict[str, Any]:
    return {
        "stream": "s", "cause": name, "kinds": ["data_quality"], "features": ["a"],
        "place": place, "place_before": None, "first_feature": place == 1, "named": [["serving", [], 1.0]],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("causes", "expected"),
    [
        ([cause("data_quality", "a")], 1),
        ([cause("data_quality", "b", "its twin")], 1),
        ([cause("data_quality", "b")], None),
        ([cause("upstream_change", "a"), cause("data_quality", "a")], 2),
        ([], None),
    ],
)
def test_a_cause_is_named_where_kind_and_a_feature_are_right(
    causes: list[dict[str, Any]], expected: int | None
) -> None:
    assert place(FAULT, causes) == expected


def test_a_cause_in_no_feature_is_named_by_its_kind_alone() -> None:
    assert place(Planted(sick=NO_ROWS, kinds=("serving",)), [cause("serving", "b")]) == 1


def test_a_control_is_not_counted_and_a_place_behind_the_third_is_none_of_three() -> None:
    found = Score.of(
        [answer("unit", 1), answer("unit", 3), answer("unit", 4), answer("unit", None), answer("nothing", 1)]
    )

    assert (found.planted, found.first, found.among_three) == (4, 1, 2)


def test_both_aims_are_missed_by_a_judge_that_is_right_half_of_the_time() -> None:
    assert aims_missed(Score.of([answer("unit", 1), answer("unit", None)])) == 2
    assert aims_missed(Score.of([answer("unit", 1)] * 9 + [answer("unit", 2)])) == 0


def test_what_is_not_named_first_is_told_with_what_was_named() -> None:
    assert list(told([answer("unit", 1), answer("unit", 2)])) == ["s, unit: data_quality in a; named: serving 1.00 "]


def look(*, right: bool, held_back: bool = False) -> dict[str, bool]:
    return {"right": right, "held_back": held_back}


def test_of_each_look_it_is_counted_how_the_next_one_changed_it() -> None:
    right, wrong, spared, kept = (
        look(right=True), look(right=False), look(right=True, held_back=True), look(right=False, held_back=True),
    )  # fmt: skip
    pairs = [
        (right, right),
        (right, wrong),
        (wrong, right),
        (kept, right),
        (kept, kept),
        (spared, spared),
        (spared, wrong),
    ]
    answers = [{**answer("unit", 1), "looks": list(pair)} for pair in pairs]
    control = {**answer("nothing", 1), "looks": [right, wrong]}

    assert counts([*answers, control], 0) == (4, 2, 3, 2, 2, 1, 2, 1)


@pytest.mark.parametrize(
    ("kind", "share", "held"), [("serving", 1.0, True), ("serving", 0.3, False), ("unknown", 1.0, False)]
)
def test_answers_that_are_to_blame_for_most_of_a_rise_hold_back_what_could_be_trained(
    kind: str, share: float, *, held: bool
) -> None:
    assert held_back([{"kind": kind, "share": share}]) is held


def test_at_least_twelve_causes_are_planted_besides_controls() -> None:
    assert sum(not each.control for each in CAUSES.values()) >= 12


TIMES = np.arange(6, dtype=np.int64) * 60_000_000


@pytest.mark.parametrize(
    ("clock", "minutes"),
    [
        (clocks.hour_behind, [-60, -59, -58, -57, -56, -55]),
        (clocks.hour_ahead, [60, 61, 62, 63, 64, 65]),
        (clocks.backwards, [1, 0, 3, 2, 5, 4]),
        (clocks.standing, [0, 0, 0, 0, 0, 0]),
    ],
)
def test_a_faulty_clock_tells_other_times(clock: clocks.Clock, minutes: list[int]) -> None:
    assert (clock(TIMES, 2) // 60_000_000).tolist() == minutes


@pytest.mark.parametrize(
    ("column", "found"),
    [
        (np.arange(100) % 4, 0),  # four stations, as many rows of each
        (np.arange(100), None),  # each row has a value of its own
        (np.zeros(100), None),
        (np.arange(100) % 2, None),  # of two that have half of the rows each, neither is one of many
    ],
)
def test_a_column_says_whose_a_row_is_where_it_has_a_few_values_and_none_has_most_rows(
    column: Ints, found: int | None
) -> None:
    assert entity_in(column[:, None].astype(float)) == found


def test_a_mirror_and_swapped_codes_keep_what_is_missing_and_the_values_that_there_are() -> None:
    values, chance = np.array([2.0, np.nan, 0.0, 1.0, 1.0]), np.random.default_rng(1)
    for turn in (mirrored, swapped):
        found = turn(values, values, chance)

        assert np.isnan(found[1])
        assert set(found[~np.isnan(found)]) <= {0.0, 1.0, 2.0}
        assert (found != values).sum() > 1
