"""Projections see what no single feature shows, cost no more false alarms, and are the same integers for everyone."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from monitoring.drift.detector import judge
from monitoring.drift.promises import DriftThresholds
from monitoring.drift.watches import DriftFinding, DriftWatch
from monitoring.profiles.aims import learn_projections
from monitoring.profiles.compiled import CompiledCounter
from monitoring.profiles.counting import STRETCH, ArrayCounter, Counter
from monitoring.profiles.learning import learn
from monitoring.profiles.profile import profile
from monitoring.profiles.projections import NONE, Projections, Tables, scored
from monitoring.profiles.reference import FIRST_BIN, INVALID, MISSING, NEW, Column, Reference
from statemachine.record.canonical import canonical

Floats = NDArray[np.float64]
POLICY = DriftThresholds(projections=8)
FEATURES, PAST, WINDOW = 6, 2_000, 100
COLUMNS = [*(Column(name=f"f{k}") for k in range(FEATURES)), Column(name="c", kind="categorical", categories=4)]
ODD = [np.nan, np.inf, -np.inf, 0.0, -0.0, 0.5, -1.0, 7.0, 1e300, -1e300, 5e-324]


def rows_of(rng: np.random.Generator, rows: int, correlation: float, pair: tuple[int, int] = (0, 1)) -> Floats:
    """Draw normal features, of which two are correlated, and a category."""
    drawn = rng.normal(size=(rows, FEATURES))
    first, second = pair
    drawn[:, second] = correlation * drawn[:, first] + math.sqrt(1 - correlation**2) * drawn[:, second]
    return np.column_stack([drawn, rng.integers(0, 4, rows)])


def learned(past: Floats, number: int = 8) -> tuple[Reference, Projections]:
    reference = learn(COLUMNS, past, past[:, 2])
    return reference, learn_projections(reference, past, past[:, 2], number)


def watched(reference: Reference, projections: Projections, rows: Floats) -> list[DriftFinding]:
    watch, found = DriftWatch.start(projections.joined(reference), POLICY), []
    counter = ArrayCounter(reference, projections)
    for start in range(0, len(rows), WINDOW):
        part = rows[start : start + WINDOW]
        watch, finding = watch.observe(start, profile(reference, part, part[:, 2], counter), POLICY)
        found.append(finding)
    return found


def numeric_pair(projections: Projections) -> tuple[int, int]:
    """Give two numbers that a projection has put together."""
    first, second, *_ = next(one.columns for one in projections.each if FEATURES not in one.columns)
    return first, second


@pytest.mark.parametrize(("before", "after"), [(0.8, 0.0), (0.8, -0.8), (0.0, 0.8)])
def test_a_correlation_that_changes_is_seen_with_projections_and_never_without(before: float, after: float) -> None:
    for seed in range(6):
        rng = np.random.default_rng([seed, 1])
        reference, projections = learned(rows_of(rng, PAST, before))
        # What had nothing to do with each other is seen where chance has put it together.
        pair = (0, 1) if before else numeric_pair(projections)
        later = np.concatenate([rows_of(rng, 10 * WINDOW, r, pair) for r in (before, after, after)])
        seen, blind = (watched(reference, some, later) for some in (projections, NONE))

        assert next(k for k, one in enumerate(seen) if one.verdict == "alarm") in range(10, 20)
        assert {one.verdict for one in blind} == {"none"}


def test_what_is_named_is_the_pair_that_goes_together_otherwise_and_its_columns_are_known() -> None:
    rng = np.random.default_rng(5)
    reference, projections = learned(rows_of(rng, PAST, 0.8))
    found = watched(reference, projections, rows_of(rng, 20 * WINDOW, 0.0))
    confirmed = next(one for one in found if one.verdict == "confirmed")

    assert confirmed.features[0]["name"] == "f0 & f1 (joint)"
    assert confirmed.features[0]["change"].startswith("scale")
    assert projections.members(reference)["f0 & f1 (joint)"] == ["f0", "f1"]


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.95])
def test_null_windows_alarm_no_more_often_than_stated_whatever_goes_together(correlation: float) -> None:
    """12 references with 100 windows each, 1,000 windows between alarms on average: more than four come once in 130."""
    alarms = 0
    for seed in range(12):
        rng = np.random.default_rng([seed, 2])
        reference, projections = learned(rows_of(rng, PAST, correlation))
        found = watched(reference, projections, rows_of(rng, 100 * WINDOW, correlation))
        alarms += sum(one.verdict == "alarm" for one in found)

    assert alarms <= 4


RNG = np.random.default_rng(7)
REFERENCE, PROJECTIONS = learned(rows_of(RNG, PAST, 0.6))
COUNTERS: list[Counter] = [ArrayCounter(REFERENCE, PROJECTIONS), CompiledCounter(REFERENCE, PROJECTIONS)]


def by_value(rows: Floats, outputs: Floats) -> list[int]:
    """Count value by value."""
    tables, placed = Tables.of(PROJECTIONS), REFERENCE.place(rows, outputs)
    counts = np.bincount(placed.ravel(), minlength=REFERENCE.starts[-1])
    return [*counts.tolist(), *tables.count(scored(REFERENCE, tables, rows)).tolist()]


@pytest.mark.parametrize("counter", COUNTERS)
def test_rows_of_all_kinds_are_counted_as_value_by_value(counter: Counter) -> None:
    rows = rows_of(np.random.default_rng(1), 3 * STRETCH + 1, 0.2)
    rows[np.random.default_rng(2).random(rows.shape) < 0.05] = np.nan
    rows[: len(ODD) * len(COLUMNS)][np.tile(np.eye(len(COLUMNS), dtype=bool), (len(ODD), 1))] = np.repeat(
        ODD, len(COLUMNS)
    )

    assert counter.count(rows, rows[:, 2]).tolist() == by_value(rows, rows[:, 2])


@pytest.mark.parametrize("counter", COUNTERS)
@settings(max_examples=30)
@given(values=st.lists(st.lists(st.one_of(st.floats(), st.sampled_from(ODD)), min_size=7, max_size=7), max_size=20))
def test_whatever_a_float_can_hold_is_counted_as_value_by_value(counter: Counter, values: list[list[float]]) -> None:
    rows = np.array(values, dtype=np.float64).reshape(-1, len(COLUMNS))

    assert counter.count(rows, rows[:, 2]).tolist() == by_value(rows, rows[:, 2])


@pytest.mark.parametrize("counter", COUNTERS)
def test_parts_add_up_to_the_whole_in_any_order(counter: Counter) -> None:
    rows = rows_of(np.random.default_rng(3), 999, 0.4)
    mixed = np.random.default_rng(4).permutation(rows)
    parts = [profile(REFERENCE, part, part[:, 2], counter) for part in np.array_split(mixed, 13)]
    whole = profile(REFERENCE, rows, rows[:, 2], counter)

    assert sum(parts[1:], parts[0]) == whole


def test_counts_are_parted_and_joined_again() -> None:
    rows = rows_of(np.random.default_rng(3), 50, 0.4)
    whole = profile(REFERENCE, rows, rows[:, 2], COUNTERS[0])
    columns, beside = whole.parted(PROJECTIONS.width)

    assert columns == profile(REFERENCE, rows, rows[:, 2])
    assert columns.beside(beside) == whole
    assert columns.parted(0) == (columns, None)


def test_projections_come_back_from_their_bytes() -> None:
    assert Projections.from_json(orjson.loads(canonical(PROJECTIONS.to_json()))) == PROJECTIONS


def test_a_finding_derives_from_recorded_evidence() -> None:
    rng = np.random.default_rng(9)
    reference, projections = learned(rows_of(rng, PAST, 0.8))
    later = rows_of(rng, 20 * WINDOW, 0.0)
    counter: Counter = ArrayCounter(reference, projections)
    windows = list[dict[str, Any]]()
    for start in range(0, len(later), WINDOW):
        part = later[start : start + WINDOW]
        columns, beside = profile(reference, part, part[:, 2], counter).parted(projections.width)
        assert beside is not None
        windows.append({"start_row": start, "profile": columns.to_json(), "projections": beside.to_json()})
    inputs = {"reference": reference.to_json(), "projections": projections.to_json(), "windows": windows}
    recorded = orjson.loads(canonical(inputs))
    live = watched(reference, projections, later)
    at = next(k for k, one in enumerate(live) if one.verdict == "confirmed")

    assert judge({**recorded, "windows": windows[: at + 1]}, POLICY) == live[at]


def test_half_are_aimed_at_what_goes_together_and_the_others_drawn_so_that_most_pairs_meet() -> None:
    rng = np.random.default_rng(11)
    past = rows_of(rng, PAST, 0.8)
    past[:, 3] -= 2 * past[:, 4]
    _, projections = learned(past, 4)
    made = [(one.columns, one.signs) for one in projections.each]

    assert made[0] == ((3, 4), (1, 1))  # they run against each other
    assert made[2] == ((0, 1), (1, -1))
    assert [len(columns) for columns, _ in (made[1], made[3])] == [4, 4]
    assert len(set(made[1][0]) | set(made[3][0])) == len(COLUMNS)
    assert all(one.feature.slots > FIRST_BIN for one in projections.each)
    assert learned(past, 2)[1].each == projections.first(2).each


def test_what_is_drawn_depends_on_the_reference_alone() -> None:
    past = rows_of(np.random.default_rng(12), PAST, 0.0)
    again = learned(np.asfortranarray(past))[1]

    assert again == learned(past)[1]
    assert again.each[0].columns != learned(past + 1e-9)[1].each[0].columns or again != learned(past + 1e-9)[1]


def test_what_is_missing_invalid_or_new_stands_in_the_middle() -> None:
    assert [by_slot[slot] for _, by_slot in PROJECTIONS.scores for slot in (MISSING, INVALID, NEW)] == [0] * 3 * len(
        PROJECTIONS.scores
    )


def test_one_feature_and_features_that_never_vary_have_no_projections() -> None:
    past = rows_of(np.random.default_rng(13), 200, 0.0)
    past[:, 1:] = 1.0
    reference = learn(COLUMNS, past, past[:, 0])

    assert learn_projections(reference, past, past[:, 0], 8).each == ()


def test_a_name_that_a_column_has_is_not_given_again() -> None:
    past = rows_of(np.random.default_rng(14), PAST, 0.8)
    columns = [replace(one, name="f0 & f1 (joint)") if one.name == "f5" else one for one in COLUMNS]
    reference = learn(columns, past, past[:, 2])

    found = learn_projections(reference, past, past[:, 2], 8)

    assert "f0 & f1 (joint)" not in found.members(reference)
    assert found.each
