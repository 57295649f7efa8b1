"""Claims about values that stand still, entity by entity: how long is too long, and that no cut of the rows matters."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.quality.frozen import Frozen, FrozenWatch
from monitoring.quality.stillness import LEAST_RUN, MOST_ENTITIES, OpenRuns, Stillness
from statemachine.policies.sections import Quality

Floats = npt.NDArray[np.float64]
REFERENCE, WINDOW, STATIONS = 2_000, 100, 20
HOSTILE = st.sampled_from([0.0, -0.0, 1.5, -3.0, 7.0, math.nan, math.inf, -math.inf, 5e-324, 1.7e308])
ROWS = st.lists(st.tuples(st.sampled_from([0.0, 1.0, 2.0, -0.0, math.nan, math.inf]), HOSTILE, HOSTILE), max_size=60)


def stations(count: int) -> Floats:
    return (np.arange(count) % STATIONS).astype(np.float64)


def measured(kind: str, count: int, seed: int) -> Floats:
    """Give values of one feature of all stations, in turn."""
    chance = np.random.default_rng(seed)
    if kind == "rain":
        return np.where(chance.uniform(size=count) < 0.8, 0.0, chance.exponential(5, count).round(1))
    if kind == "rounded":
        return chance.normal(20, 3, count).round(1)
    moves = chance.uniform(size=count) > np.linspace(0, 0.7, STATIONS)[np.arange(count) % STATIONS]
    values = chance.normal(0, 100, count).round(1)
    for row in range(STATIONS, count):
        values[row] = values[row] if moves[row] else values[row - STATIONS]
    return values


def learned(values: Floats) -> OpenRuns:
    return OpenRuns.of(stations(len(values)), values[:, None], np.arange(len(values)), [0])


def frozen_in(trail: OpenRuns, values: Floats, first: int, limits: dict[int, int]) -> list[tuple[float, int, int, int]]:
    """Give entity, length, first and last row of what is frozen in any window of the rows from *first* on."""
    found, station = [], stations(len(values))
    for begin in range(first, len(values), WINDOW):
        rows = slice(begin, begin + WINDOW)
        trail, long = trail.after(station[rows], values[rows, None], np.arange(len(values))[rows], limits)
        found += [
            each for _, runs in long for each in zip(runs.entity, runs.length, runs.first, runs.last, strict=True)
        ]
    return [(float(a), int(b), int(c), int(d)) for a, b, c, d in found]


@pytest.mark.parametrize("kind", ["rain", "rounded", "sticky"])
def test_sound_sensors_are_frozen_in_fewer_windows_than_the_policy_accepts(kind: str) -> None:
    policy, loud, windows = Quality(false_alarm_windows=100), 0, 0
    for seed in range(6):
        values = measured(kind, REFERENCE + 100 * WINDOW, seed)
        trail = learned(values[:REFERENCE])
        limits = FrozenWatch.start(trail.still, policy, 0).limits
        loud += len(frozen_in(trail, values, REFERENCE, limits))
        windows += 100

    assert loud <= windows / policy.false_alarm_windows


def test_beyond_the_record_a_geometric_law_is_no_rarer_than_evidence_says() -> None:
    chance = np.random.default_rng(1)
    still = Stillness(feature=0, record=6, held=299, reached=998)
    beyond = chance.geometric(
        1 - 0.3, 200_000
    )  # rows more of runs that have reached the record, of which 3 in 10 go on

    for nats in (2.0, 4.0, 6.0):
        rows = still.limit(nats) - still.record
        assert (beyond > rows).mean() <= math.exp(-nats) * 1.1


def test_one_station_of_twenty_that_freezes_is_found_by_its_name_and_rows_and_no_other() -> None:
    values = measured("rounded", REFERENCE + 6 * WINDOW, 3)
    values[REFERENCE + 7 : REFERENCE + 400 : STATIONS] = 19.9
    trail = learned(values[:REFERENCE])
    limits = FrozenWatch.start(trail.still, Quality(), 0).limits

    found = frozen_in(trail, values, REFERENCE, limits)

    assert {entity for entity, *_ in found} == {7.0}
    assert {first for _, _, first, _ in found} <= {REFERENCE + 7, REFERENCE + 7 - STATIONS}
    assert max(length for _, length, *_ in found) in (20, 21)


def test_a_value_that_many_rows_have_may_last() -> None:
    values = measured("rain", REFERENCE + 6 * WINDOW, 3)
    values[REFERENCE:] = 0.0
    trail = learned(values[:REFERENCE])

    assert frozen_in(trail, values, REFERENCE, {0: LEAST_RUN}) == []


def test_a_feature_of_few_values_or_of_too_few_runs_is_not_judged() -> None:
    assert learned(np.arange(REFERENCE, dtype=np.float64) % 60).still == ()
    assert learned(np.arange(19, dtype=np.float64)).still == ()
    assert learned(np.full(REFERENCE, np.nan)).still == ()


def test_more_entities_than_are_remembered_are_forgotten_by_when_they_last_came() -> None:
    count = MOST_ENTITIES + 500
    entity = np.arange(count, dtype=np.float64)
    trail = OpenRuns.of(entity, entity[:, None], np.arange(count), [0])

    (runs,) = trail.runs
    assert runs.entity.tolist() == entity[500:].tolist()


@given(rows=ROWS, cuts=st.lists(st.integers(0, 60), max_size=4))
def test_whatever_comes_the_cut_of_the_rows_changes_no_run(rows: list[tuple[float, ...]], cuts: list[int]) -> None:
    table = np.array(rows, dtype=np.float64).reshape(-1, 3)
    begun = OpenRuns.of(stations(200), np.arange(400.0).reshape(200, 2), np.arange(200), [0, 1])
    numbers = 200 + np.arange(len(table))
    whole, long = begun.after(table[:, 0], table[:, 1:], numbers, {0: 3, 1: 3})
    parted, last = begun, dict[tuple[int, float, int], int]()
    for part in np.split(np.arange(len(table)), sorted(cuts)):
        parted, some = parted.after(table[part, 0], table[part, 1:], numbers[part], {0: 3, 1: 3})
        last |= {(k, e, f): n for k, r in some for e, n, f in zip(r.entity + 0.0, r.length, r.first, strict=True)}

    for one, other in zip(whole.runs, parted.runs, strict=True):
        assert [c.tolist() for c in (one.entity, one.value, one.length, one.first, one.last)] == [
            c.tolist() for c in (other.entity, other.value, other.length, other.first, other.last)
        ]
    assert last == {(k, e, f): n for k, r in long for e, n, f in zip(r.entity + 0.0, r.length, r.first, strict=True)}


@given(rows=ROWS)
def test_runs_are_those_that_counting_row_by_row_gives(rows: list[tuple[float, ...]]) -> None:
    table = np.array(rows, dtype=np.float64).reshape(-1, 3)
    begun = OpenRuns.of(stations(200), np.arange(400.0).reshape(200, 2), np.arange(200), [0])
    _, long = begun.after(table[:, 0], table[:, 1:], 200 + np.arange(len(table)), {0: 2})
    expected, now = [], {e: (float(v), 1) for e, v in zip(range(STATIONS), np.arange(360.0, 400.0, 2), strict=True)}
    for entity, value, _ in rows:
        if math.isfinite(entity) and math.isfinite(value):
            before = now.get(int(entity), (math.nan, 0))
            now[int(entity)] = (value, before[1] + 1 if value == before[0] else 1)
            expected += [(int(entity), now[int(entity)][1])] if now[int(entity)][1] > 1 else []

    found = [(int(e), int(n)) for _, runs in long for e, n in zip(runs.entity, runs.length, strict=True)]

    assert set(found) <= set(expected)
    assert max((n for _, n in found), default=0) == max((n for _, n in expected), default=0)


def test_a_spell_keeps_its_first_row_until_it_has_been_quiet_for_long() -> None:
    still = Stillness(feature=2, record=3, held=10, reached=1_000)
    watch = FrozenWatch.start([still], Quality(clear_windows=2), 5)
    one, other = (Frozen(feature=2, entity="7", length=n, slot=9, rows=rows) for n, rows in ((8, (40, 44)), (9, (50,))))
    watch, first = watch.observe([one])
    watch, _ = watch.observe([])
    watch, second = watch.observe([other])
    quiet, _ = watch.observe([])
    quiet, none = quiet.observe([])

    assert (first[2][1], second[2][1], none) == (40, 40, {})
    assert second[2][0] == round(6 * still.nats, 6)
    assert quiet.observe([other])[1][2][1] == 50
    assert watch.restored(watch.to_json()) == watch
    assert watch.anew().spells == {}


def test_a_sensor_shares_false_alarms_with_all_that_is_looked_for_beside_it() -> None:
    some = [Stillness(feature=k, record=3, held=290, reached=300) for k in range(2)]

    among_ten = FrozenWatch.start(some, Quality(false_alarm_windows=100), 8)
    alone = FrozenWatch.start(some[:1], Quality(false_alarm_windows=1_000), 0)

    assert among_ten.limits[0] == alone.limits[0]
    assert among_ten.limits[0] > FrozenWatch.start(some[:1], Quality(false_alarm_windows=100), 0).limits[0]


def test_what_was_frozen_is_read_back_from_evidence() -> None:
    still = Stillness(feature=2, record=3, held=10, reached=1_000)
    one = Frozen(feature=2, entity="7", length=8, slot=9, rows=(40, 44))

    assert Stillness.from_json(still.to_json()) == still
    assert Frozen.from_json(one.to_json()) == one
