"""Claims about changes of unit: named by the right conversion where one happened, and not where a world only moves."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import orjson
import pytest

from monitoring.profiles.reference import Column
from monitoring.quality.facts import LEVELS, Facts, facts
from monitoring.quality.habits import learn_habits
from monitoring.quality.units import CONVERSIONS, Bands, Conversion, Converted, UnitWatch, learn_bands
from statemachine.policies.sections import Quality
from statemachine.record.canonical import canonical

Floats = npt.NDArray[np.float64]
World = Callable[[np.random.Generator, int], Floats]
WINDOW, REFERENCE = 100, 2_000


def warm(chance: np.random.Generator, rows: int) -> Floats:
    return chance.normal(20, 3, rows)


def skewed(chance: np.random.Generator, rows: int) -> Floats:
    return chance.lognormal(1.0, 1.0, rows)


def dragging(chance: np.random.Generator, rows: int) -> Floats:
    """An AR(1) of 0.9 around 50, of which windows wander."""
    found, steps = np.full(rows, 50.0), chance.normal(size=rows)
    for k in range(1, rows):
        found[k] = 50 + 0.9 * (found[k - 1] - 50) + steps[k]
    return found


def daily(chance: np.random.Generator, rows: int) -> Floats:
    """A day that is longer than a window: each window sees a part of it."""
    return 100 + 60 * np.sin(np.arange(rows) * 2 * np.pi / 240) + chance.normal(0, 4, rows)


WORLDS: list[World] = [warm, skewed, dragging, daily]


def watched(rows: Floats) -> list[tuple[Converted, ...]]:
    """Learn from the first rows of one feature; give what each window behind them brings."""
    habits = learn_habits([Column(name="x")], rows[:REFERENCE, None], WINDOW)
    watch, found = UnitWatch.start(habits.bands, Quality()), []
    for first in range(REFERENCE, len(rows) - WINDOW + 1, WINDOW):
        watch, now = watch.observe(first, habits.facts(rows[first : first + WINDOW, None]))
        found.append(now)
    return found


@pytest.mark.parametrize("world", WORLDS)
def test_a_world_that_goes_on_changes_no_unit_in_two_thousand_windows(world: World) -> None:
    alarms = [one for seed in range(4) for one in watched(world(np.random.default_rng(seed), REFERENCE + 500 * WINDOW))]

    assert len(alarms) == 2_000
    assert not any(alarms)


@pytest.mark.parametrize("shift", [1.0, 2.0, 3.0, 4.0, 5.0])
def test_a_world_that_moves_by_so_many_deviations_is_hardly_ever_called_a_change_of_unit(shift: float) -> None:
    called = 0
    for seed in range(20):
        rows = warm(np.random.default_rng(seed), REFERENCE + 20 * WINDOW)
        rows[REFERENCE:] += shift * 3
        called += any(watched(rows))

    assert called <= 1


@pytest.mark.parametrize("place", range(len(CONVERSIONS)), ids=[one.name for one in CONVERSIONS])
def test_each_conversion_is_named_within_three_windows_and_dated(place: int) -> None:
    rows = warm(np.random.default_rng(5), REFERENCE + 8 * WINDOW)
    start = REFERENCE + 3 * WINDOW
    rows[start:] = [CONVERSIONS[place].there(value) for value in rows[start:].tolist()]

    found = watched(rows)

    assert not any(found[:4])
    assert [(one.conversion.name, one.onset_row) for one in found[5]] == [(CONVERSIONS[place].name, start)]


@pytest.mark.parametrize("conversion", CONVERSIONS, ids=[one.name for one in CONVERSIONS])
def test_the_way_back_undoes_the_way_there(conversion: Conversion) -> None:
    again = [conversion.back(conversion.there(value)) for value in (0.5, 1.0, 20.0, 37.5)]

    assert all(math.isclose(one, value, rel_tol=1e-9) for one, value in zip(again, (0.5, 1.0, 20.0, 37.5), strict=True))


def test_where_windows_wander_as_far_as_a_conversion_goes_nothing_is_named() -> None:
    rows = daily(np.random.default_rng(1), REFERENCE + 8 * WINDOW)
    rows[REFERENCE:] *= 1.609344

    assert not any(watched(rows))


def test_a_conversion_that_ended_is_forgotten_at_once() -> None:
    rows = warm(np.random.default_rng(5), REFERENCE + 12 * WINDOW)
    rows[REFERENCE : REFERENCE + 5 * WINDOW] *= 1_000

    found = watched(rows)

    assert sum(map(bool, found[1:5])) >= 3
    assert not any(found[5:])


def test_one_window_alone_names_nothing() -> None:
    rows = warm(np.random.default_rng(5), REFERENCE + 6 * WINDOW)
    rows[REFERENCE : REFERENCE + WINDOW] *= 1_000

    assert not any(watched(rows))


@pytest.mark.parametrize("seed", range(5))
def test_levels_do_not_depend_on_the_order_of_rows_and_cut_them_into_equal_parts(seed: int) -> None:
    chance = np.random.default_rng(seed)
    rows = chance.normal(size=(320, 1))
    rows[chance.permutation(320)[:60]] = np.nan

    (levels,) = facts(rows).levels

    assert facts(rows[chance.permutation(320)]).levels == (levels,)
    below = [int((rows < level).sum()) for level in levels]
    assert all(abs(count - 260 * (2 * j + 1) / (2 * LEVELS)) <= 1 for j, count in enumerate(below))


def test_a_feature_that_is_mostly_missing_has_no_levels_and_says_nothing() -> None:
    rows = warm(np.random.default_rng(5), REFERENCE + 4 * WINDOW)
    rows[REFERENCE:] *= 1_000
    rows[REFERENCE:][np.arange(4 * WINDOW) % 5 > 1] = np.nan

    assert facts(rows[REFERENCE:, None]).levels == ((),)
    assert not any(watched(rows))


def test_a_reference_of_few_windows_lets_nothing_be_judged() -> None:
    levels = facts(warm(np.random.default_rng(5), WINDOW)[:, None]).levels[0]
    bands = learn_bands([levels] * 4)
    watch, _ = UnitWatch.start((bands,), Quality()).observe(0, of(levels, 1_000))

    assert not watch.observe(WINDOW, of(levels, 1_000))[1]


def test_bands_and_suspicions_are_read_back_from_what_is_recorded() -> None:
    seen = [facts(warm(np.random.default_rng(seed), WINDOW)[:, None]).levels[0] for seed in range(20)]
    bands = learn_bands(seen)
    begun = UnitWatch.start((bands,), Quality())
    watch, _ = begun.observe(0, of(seen[0], 1_000))

    assert Bands.from_json(orjson.loads(canonical(bands.to_json()))) == bands
    assert begun.restored(orjson.loads(canonical(watch.to_json()))) == watch
    assert watch.suspicions[0] is not None


def of(levels: tuple[float, ...], factor: float) -> Facts:
    return Facts(rows=WINDOW, repeated=((),), levels=(tuple(one * factor for one in levels),))
