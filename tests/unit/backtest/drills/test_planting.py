"""Claims about what is planted: it is what its scenario says, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from backtest.drills import planting as p
from backtest.drills.ground import by_chance, taken
from backtest.drills.scenario import Kind, Scenario
from backtest.drills.scenarios import SCENARIOS
from backtest.drills.world import REGIONS, world
from backtest.stream import Stream
from tests.fixtures.drills import a_plan, picked

PLAN = a_plan()


def quiet(task: str = "binary") -> Stream:
    pool = world(task, 0)
    return taken(pool, by_chance(pool, PLAN, np.random.default_rng(0)), PLAN.reference_rows)


def test_a_prior_shift_moves_the_share_of_an_outcome_by_its_step() -> None:
    pool, rows = picked("binary", p.rows_by_label)
    labels = pool.labels[rows]

    risen = labels[PLAN.change :].mean() - labels[: PLAN.change].mean()
    assert abs(risen) == pytest.approx(p.PRIOR_STEP, abs=0.05)


@pytest.mark.parametrize("label", [0.0, 1.0])
def test_a_prior_shift_keeps_what_rows_of_an_outcome_look_like(label: float) -> None:
    pool, rows = picked("binary", p.rows_by_label)
    mine = pool.labels[rows] == label

    for column in pool.columns:
        before, after = (
            column.values[rows][part & mine]
            for part in (np.arange(PLAN.rows) < PLAN.change, PLAN.change <= np.arange(PLAN.rows))
        )
        spread = np.hypot(before.std() / len(before) ** 0.5, after.std() / len(after) ** 0.5)
        assert abs(before.mean() - after.mean()) < 4 * spread


def test_a_turned_concept_keeps_the_distribution_of_each_number_and_every_label() -> None:
    stream = quiet()

    turned = p.turned(stream)
    assert np.array_equal(turned.labels, stream.labels)
    for old, new in zip(stream.columns, turned.columns, strict=True):
        assert np.array_equal(np.sort(old.values), np.sort(new.values))


def test_a_turned_concept_turns_what_numbers_tell() -> None:
    stream = quiet()

    before, after = (np.corrcoef(one.columns[0].values, one.labels)[0, 1] for one in (stream, p.turned(stream)))
    assert before > 0.4
    assert after < -0.4


def test_turning_twice_gives_the_stream_again() -> None:
    stream = quiet()

    again = p.turned(p.turned(stream))
    assert all(np.array_equal(a.values, b.values) for a, b in zip(stream.columns, again.columns, strict=True))


def test_missing_values_stay_missing_where_the_concept_turns() -> None:
    stream = p.broken(quiet(), p.between(PLAN, (0, 1)), lambda x: np.full_like(x, np.nan)).stream

    holes = np.isnan(stream.columns[0].values)
    assert holes.sum() == PLAN.window
    assert np.array_equal(np.isnan(p.turned(stream).columns[0].values), holes)


def test_a_ramp_goes_from_nothing_to_everything() -> None:
    marked = p.ramp(PLAN, 10, np.random.default_rng(0))

    tenths = marked[PLAN.change : PLAN.after(10)].reshape(2, -1).mean(axis=1)
    assert not marked[: PLAN.change].any()
    assert tenths[0] < 0.4
    assert tenths[1] > 0.6
    assert marked[PLAN.after(10) :].all()


def test_a_segment_is_one_region() -> None:
    stream = quiet()

    part = p.segment(stream)
    regions = stream.columns[4].values
    assert REGIONS[int(regions[part][0])] == "north"
    assert set(regions[part]).isdisjoint(regions[~part])


def test_without_words_a_segment_is_a_part_of_a_number() -> None:
    stream = quiet()
    numbers = Stream(
        name="n", task="binary", columns=stream.columns[:4], labels=stream.labels, classes=stream.classes,
        times_us=stream.times_us, reference_rows=stream.reference_rows,
    )  # fmt: skip

    assert p.segment(numbers).mean() == pytest.approx(p.BEST_PART, abs=0.01)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: one.name)
def test_nothing_is_planted_before_the_change(scenario: Scenario) -> None:
    stream = quiet()

    planted = scenario.plant(stream, PLAN, np.random.default_rng(0))
    assert not planted.touched[: PLAN.change].any()
    for old, new in zip(stream.columns, planted.stream.columns, strict=True):
        assert np.array_equal(old.values[: PLAN.change], new.values[: PLAN.change])
    assert np.array_equal(stream.labels[: PLAN.change], planted.stream.labels[: PLAN.change])


@pytest.mark.parametrize("scenario", [one for one in SCENARIOS if one.kind == Kind.FAULT], ids=lambda one: one.name)
def test_a_fault_touches_its_own_column_alone_and_is_repaired(scenario: Scenario) -> None:
    stream = quiet()

    planted = scenario.plant(stream, PLAN, np.random.default_rng(0))
    touched = {
        old.name
        for old, new in zip(stream.columns, planted.stream.columns, strict=True)
        if not np.array_equal(old.values, new.values, equal_nan=True)
    }
    whole = {"@row": {one.name for one in stream.columns}, "@label": set[str](), "@time": set[str]()}
    assert touched == whole.get(planted.feature, {planted.feature})
    assert not planted.touched[PLAN.after(6) :].any()
    assert planted.touched[PLAN.change : PLAN.after(6)].mean() > 0.4


def test_a_row_that_is_sent_twice_equals_the_one_before_it_and_its_label_too() -> None:
    stream = quiet()
    where = np.zeros(PLAN.rows, dtype=np.bool_)
    where[PLAN.change + 3] = True

    spoilt = p.sent_twice(stream, where).stream
    assert all(one.values[PLAN.change + 3] == one.values[PLAN.change + 2] for one in spoilt.columns)
    assert spoilt.labels[PLAN.change + 3] == stream.labels[PLAN.change + 2]


def test_a_number_with_a_common_value_is_not_fit_to_be_stuck() -> None:
    rain = np.where(np.arange(1_000) % 2, 0.0, np.arange(1_000.0))

    assert not p.varied(rain)
    assert p.varied(np.arange(1_000.0))
    assert not p.varied(np.full(1_000, np.nan))


def test_rows_that_come_again_come_in_another_order() -> None:
    pool = world("binary", 0)
    few = taken(pool, np.arange(50), 10)

    picked = by_chance(few, PLAN, np.random.default_rng(0))

    first, second = picked[:50], picked[50:100]
    assert sorted(first) == sorted(second) == list(range(50))
    assert not np.array_equal(first, second)
    assert len(picked) == PLAN.rows
