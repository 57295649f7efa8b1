"""Claims about absurd values: named at once where one was planted, and not where a world only has a long tail."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import orjson
import pytest

from monitoring.profiles.reference import FAR_OVER, FAR_UNDER, Column
from monitoring.quality.absurd import Absurd, AbsurdWatch
from monitoring.quality.facts import Facts
from monitoring.quality.habits import Habits, learn_habits
from statemachine.policies.sections import Quality
from statemachine.record.canonical import canonical

Floats = npt.NDArray[np.float64]
World = Callable[[np.random.Generator, int], Floats]
WINDOW, REFERENCE = 100, 2_000


def skewed(chance: np.random.Generator, rows: int) -> Floats:
    return chance.lognormal(0, 2, rows)


def power(chance: np.random.Generator, rows: int) -> Floats:
    return 1 + chance.pareto(1.5, rows)


def student(chance: np.random.Generator, rows: int) -> Floats:
    return chance.standard_t(3, rows)


def even(chance: np.random.Generator, rows: int) -> Floats:
    return chance.uniform(size=rows)


def warm(chance: np.random.Generator, rows: int) -> Floats:
    return chance.normal(280, 13, rows)


def counted(chance: np.random.Generator, rows: int) -> Floats:
    return chance.negative_binomial(0.5, 0.002, rows).astype(float)


def rainy(chance: np.random.Generator, rows: int) -> Floats:
    return np.where(chance.uniform(size=rows) < 0.9, 0.0, chance.lognormal(0, 1.5, rows)).round(2)


def rising(chance: np.random.Generator, rows: int) -> Floats:
    """A world that leaves its range by forty of its own, row by row."""
    return np.arange(rows) + chance.normal(0, 50, rows)


def wandering(chance: np.random.Generator, rows: int) -> Floats:
    return np.cumsum(chance.normal(size=rows))


SOUND: list[World] = [skewed, power, student, even, warm, counted, rainy]
MOVING: list[World] = [rising, wandering]


def watched(rows: Floats) -> list[tuple[Absurd, ...]]:
    """Learn from the first rows of one feature; give what each window behind them brings."""
    habits = learn_habits([Column(name="x")], rows[:REFERENCE, None], WINDOW)
    watch, found = begun(habits), []
    for first in range(REFERENCE, len(rows) - WINDOW + 1, WINDOW):
        watch, now = watch.observe(told(watch, habits, rows, first))
        found.append(now)
    return found


def begun(habits: Habits) -> AbsurdWatch:
    return AbsurdWatch.start(habits.tails, WINDOW, Quality())


def told(watch: AbsurdWatch, habits: Habits, rows: Floats, first: int) -> Facts:
    numbers = np.arange(first, first + WINDOW)
    return habits.facts(rows[numbers][:, None], (), watch.limits, numbers)


def a_world_with(world: World, *glitches: tuple[int, float]) -> Floats:
    """Give a world in which some rows behind the reference have another value."""
    rows = world(np.random.default_rng(11), REFERENCE + 30 * WINDOW)
    for row, value in glitches:
        rows[REFERENCE + row] = value
    return rows


@pytest.mark.parametrize("world", SOUND + MOVING)
def test_a_long_tail_or_a_world_that_moves_is_not_absurd_in_ten_thousand_windows(world: World) -> None:
    rows = (world(np.random.default_rng(seed), REFERENCE + 500 * WINDOW) for seed in range(20))

    found = [any(one) for each in rows for one in watched(each)]

    assert len(found) == 10_000
    assert sum(found) <= 1


@pytest.mark.parametrize(
    ("world", "value"), [(warm, 0.0), (even, -9_999.0), (rainy, 1e6), (counted, 1e9), (student, -1e7), (skewed, 1e9)]
)
def test_one_absurd_row_is_named_in_its_window_with_its_number(world: World, value: float) -> None:
    found = watched(a_world_with(world, (450, value)))

    assert not any(found[:4] + found[5:])
    (fault,) = found[4]
    assert (fault.numbers, fault.onset_row, fault.share) == ((REFERENCE + 450,), REFERENCE + 450, 0.01)


def test_a_fault_says_on_which_side_it_lies_and_no_value() -> None:
    (fault,) = watched(a_world_with(warm, (410, 0.0), (420, 0.0), (430, 9e9)))[4]

    assert fault.slots == (FAR_UNDER, FAR_OVER)
    assert fault.told == "2 far below all that is known and 1 far above all that is known"


@pytest.mark.parametrize(("next_row", "onset"), [(650, 450), (950, 950)])
def test_a_fault_that_comes_again_is_the_same_until_as_many_windows_passed_as_clear_it(
    next_row: int, onset: int
) -> None:
    found = watched(a_world_with(warm, (450, 0.0), (next_row, 0.0)))

    (again,) = found[next_row // WINDOW]
    assert again.onset_row == REFERENCE + onset


def test_what_the_reference_held_is_not_absurd() -> None:
    rows = a_world_with(warm, (450, 0.0))
    rows[10] = 0.0

    assert not any(watched(rows))


def test_the_facts_of_a_window_name_rows_and_no_values() -> None:
    rows = a_world_with(warm, (450, 0.0))
    habits = learn_habits([Column(name="x")], rows[:REFERENCE, None], WINDOW)

    found = told(begun(habits), habits, rows, REFERENCE + 400)

    assert found.to_json() == {
        "rows": WINDOW, "repeated": [[]], "levels": [[]], "apart": [[[REFERENCE + 450], []]]
    }  # fmt: skip
    assert Facts.from_json(orjson.loads(canonical(found.to_json()))) == found


def test_a_watch_goes_on_from_what_is_recorded() -> None:
    rows = a_world_with(warm, (450, 0.0), (650, 0.0))
    habits = learn_habits([Column(name="x")], rows[:REFERENCE, None], WINDOW)
    watch, _ = begun(habits).observe(told(begun(habits), habits, rows, REFERENCE + 400))

    again = begun(habits).restored(orjson.loads(canonical(watch.to_json())))

    assert again == watch
    later = told(watch, habits, rows, REFERENCE + 600)
    assert again.observe(later)[1][0].onset_row == REFERENCE + 450
    assert again.anew().observe(later)[1][0].onset_row == REFERENCE + 650
