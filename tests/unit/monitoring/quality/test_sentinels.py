"""Claims about sentinel codes: found and dated where they were planted, and not where a world repeats itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import orjson
import pytest

from monitoring.profiles.reference import Column
from monitoring.quality.facts import CODES, LEAST_SHARE, MOST_VALUES, Facts, facts
from monitoring.quality.habits import Habits, learn_habits
from monitoring.quality.sentinels import Sentinel, SentinelWatch
from statemachine.policies.sections import Quality
from statemachine.record.canonical import canonical

Floats = npt.NDArray[np.float64]
World = Callable[[np.random.Generator, int], Floats]
WINDOW, REFERENCE = 100, 2_000


def smooth(chance: np.random.Generator, rows: int) -> Floats:
    return chance.normal(size=rows)


def tied(chance: np.random.Generator, rows: int) -> Floats:
    """Whole numbers, a few of which most rows have."""
    return np.minimum(chance.zipf(1.6, rows), 200).astype(float)


def rainy(chance: np.random.Generator, rows: int) -> Floats:
    return np.where(chance.uniform(size=rows) < 0.6, 0.0, chance.exponential(size=rows))


def dragging(chance: np.random.Generator, rows: int) -> Floats:
    """An AR(1) of 0.9, read to one decimal."""
    found, steps = np.zeros(rows), chance.normal(size=rows)
    for k in range(1, rows):
        found[k] = 0.9 * found[k - 1] + steps[k]
    return found.round(1)


def seasonal(chance: np.random.Generator, rows: int) -> Floats:
    return (20 + 10 * np.sin(np.arange(rows) * 2 * np.pi / 240) + chance.normal(size=rows)).round(1)


WORLDS: list[World] = [smooth, tied, rainy, dragging, seasonal]


def watched(rows: Floats) -> list[tuple[Sentinel, ...]]:
    """Learn from the first rows of one feature; give what each window behind them brings."""
    habits = learn_habits([Column(name="x")], rows[:REFERENCE, None], WINDOW)
    watch, found = SentinelWatch.start(habits.repeating, Quality()), []
    for first in range(REFERENCE, len(rows) - WINDOW + 1, WINDOW):
        watch, now = watch.observe(first, habits.facts(rows[first : first + WINDOW, None]))
        found.append(now)
    return found


@pytest.mark.parametrize("world", WORLDS)
def test_a_world_that_repeats_itself_raises_nothing_in_six_thousand_windows(world: World) -> None:
    alarms = [
        one for seed in range(6) for one in watched(world(np.random.default_rng(seed), REFERENCE + 1_000 * WINDOW))
    ]

    assert len(alarms) == 6_000
    assert not any(alarms)


@pytest.mark.parametrize("world", [smooth, tied, dragging, seasonal])
@pytest.mark.parametrize("code", [-1.0, 999.0, 20.5])
def test_a_code_in_three_rows_of_ten_is_named_within_three_windows_and_dated(world: World, code: float) -> None:
    chance = np.random.default_rng(11)
    rows = world(chance, REFERENCE + 10 * WINDOW)
    start = REFERENCE + 4 * WINDOW
    rows[start:][chance.uniform(size=6 * WINDOW) < 0.3] = code

    found = watched(rows)

    assert not any(found[:4])
    assert [(one.value, one.onset_row) for one in found[6]] == [(code, start)]


def test_a_value_of_the_reference_can_become_a_code() -> None:
    chance = np.random.default_rng(3)
    rows = chance.normal(size=REFERENCE + 10 * WINDOW)
    rows[REFERENCE:][chance.uniform(size=10 * WINDOW) < 0.3] = rows[:REFERENCE].min()

    assert [one.value for one in watched(rows)[2]] == [rows[:REFERENCE].min()]


def test_a_code_that_ended_is_soon_forgotten() -> None:
    chance = np.random.default_rng(3)
    rows = chance.normal(size=REFERENCE + 20 * WINDOW)
    rows[REFERENCE : REFERENCE + 5 * WINDOW][chance.uniform(size=5 * WINDOW) < 0.5] = -1.0

    found = watched(rows)

    assert all(found[2:5])
    assert not any(found[5:])


def test_nothing_is_out_of_place_where_the_reference_has_a_bin_for_each_value() -> None:
    rows = np.random.default_rng(3).integers(0, 40, REFERENCE + 10 * WINDOW).astype(float)
    rows[REFERENCE:] = 99.0

    assert not any(watched(rows))


def test_words_have_no_codes_but_themselves() -> None:
    rows = np.random.default_rng(3).integers(0, 500, (REFERENCE, 1)).astype(float)

    assert learn_habits([Column(name="word", kind="categorical", categories=500)], rows, WINDOW).columns == ()


def test_habits_are_read_back_from_what_is_recorded() -> None:
    rows = np.column_stack([dragging(np.random.default_rng(1), REFERENCE), tied(np.random.default_rng(2), REFERENCE)])
    habits = learn_habits([Column(name="x"), Column(name="y")], rows, WINDOW)

    assert Habits.from_json(orjson.loads(canonical(habits.to_json()))) == habits


def test_what_few_rows_have_is_no_fact_of_a_window() -> None:
    rows = np.arange(1_000.0)[:, None]
    rows[:9] = 5.5

    assert facts(rows).repeated == ((),)


def test_one_window_alone_names_nothing() -> None:
    rows = np.random.default_rng(3).normal(size=REFERENCE + 6 * WINDOW)
    rows[REFERENCE : REFERENCE + WINDOW] = -1.0

    assert not any(watched(rows))


@pytest.mark.parametrize("seed", range(5))
def test_facts_do_not_depend_on_the_order_of_rows(seed: int) -> None:
    chance = np.random.default_rng(seed)
    rows = chance.integers(0, 9, (300, 3)).astype(float)

    assert facts(rows[chance.permutation(300)]) == facts(rows)


def test_facts_are_read_back_from_what_is_recorded() -> None:
    found = facts(np.random.default_rng(1).integers(0, 9, (300, 3)).astype(float))

    assert Facts.from_json(found.to_json()) == found


def test_facts_count_what_counting_counts() -> None:
    rows = np.random.default_rng(1).integers(0, 30, (300, 1)).astype(float)

    (found,) = facts(rows).repeated

    assert len(found) == MOST_VALUES
    assert all(count == int((rows == value).sum()) for value, count in found)
    assert min(count for _, count in found) >= max(
        int((rows == value).sum()) for value in set(range(30)) - {value for value, _ in found}
    )


def told_by_counting(values: Floats) -> tuple[tuple[float, int], ...]:
    """Give what is kept of a feature, by a count of every value."""
    counted = Counter(value + 0.0 for value in values.tolist() if np.isfinite(value))
    often = [(value, count) for value, count in counted.items() if count >= max(2, LEAST_SHARE * len(values))]
    return tuple(sorted(often, key=lambda pair: (-pair[1], pair[0]))[:MOST_VALUES])


@pytest.mark.parametrize("rows", [0, 1, 2, 150, 1_000, 5_000])
@pytest.mark.parametrize("share", [0.005, 0.01, 0.02, 0.5])
def test_no_value_that_enough_rows_have_goes_unseen(rows: int, share: float) -> None:
    chance = np.random.default_rng(rows)
    drawn = np.column_stack([chance.normal(size=rows), chance.integers(0, 120, rows), chance.random(rows).round(2)])
    for value in (7.5, -0.0, 0.0, np.nan, np.inf, -np.inf):
        drawn[chance.choice(rows, int(share * rows), replace=False)] = value

    assert facts(drawn, (CODES,)).repeated == tuple(told_by_counting(values) for values in drawn.T)
