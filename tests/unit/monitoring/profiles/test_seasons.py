"""Seasons: a Monday is compared with Mondays, and a month that nobody has seen says nothing."""

import math
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from monitoring.drift import compiled
from monitoring.drift.detector import judge
from monitoring.drift.promises import DriftThresholds
from monitoring.drift.seasonal import SeasonalDictionary
from monitoring.drift.straying import learn_seasons
from monitoring.drift.watches import DriftFinding, DriftWatch
from monitoring.profiles.alternatives import NATS
from monitoring.profiles.counting import ArrayCounter
from monitoring.profiles.learning import learn
from monitoring.profiles.profile import Profile, profile
from monitoring.profiles.reference import Column, Reference
from monitoring.profiles.seasons import (
    DAY_US,
    HOUR_US,
    LEAST_ROWS,
    NUMBERS,
    Calendar,
    Cells,
    Seasons,
    by_cell,
    cells_from_json,
    cells_to_json,
)

Ints = NDArray[np.int64]
COLUMNS = [Column(name="a"), Column(name="b")]
WINDOW = 100
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
YEAR_US = round(365.25 * DAY_US)


class World:
    """Rows of two features, the first of which swings with the day or the year; the reference is their beginning."""

    def __init__(
        self, seed: int, *, days: tuple[int, int], a_day: int, period_us: int = DAY_US, swing: float = 2.0
    ) -> None:
        chance = np.random.default_rng(seed)
        self.learned, total = days[0] * a_day, sum(days) * a_day
        self.times_us = np.arange(total) * (DAY_US // a_day)
        self.rows = chance.normal(size=(total, 2))
        self.rows[:, 0] += swing * np.sin(2 * np.pi * self.times_us / period_us)
        self.reference = learn(COLUMNS, self.rows[: self.learned], np.zeros(self.learned))

    def seasons(self, *names: str) -> Seasons:
        past = slice(0, self.learned)
        placed = self.reference.place(self.rows[past], np.zeros(self.learned)) - np.array(self.reference.starts[:-1])
        return learn_seasons(self.reference, Calendar.of(names, 0), placed, self.times_us[past])

    def cells(self, known: Seasons, at: slice | Ints, shift: float = 0.0) -> Cells:
        """Count some rows by season."""
        rows = self.rows[at] + shift
        return by_cell(known.calendar, rows, np.zeros(len(rows)), self.times_us[at], ArrayCounter(self.reference))

    def window(self, at: slice, known: Seasons | None) -> Profile:
        """Count some rows as a watch is shown them."""
        if known is None:
            return profile(self.reference, self.rows[at], np.zeros(len(self.rows[at])))
        return known.laid(self.cells(known, at))

    def watched(self, *names: str) -> list[tuple[int, DriftFinding]]:
        """Give what was found in the windows behind the reference, by their number; with no names, without seasons."""
        known = self.seasons(*names) if names else None
        watch, found = DriftWatch.start(self.reference, POLICY, seasons=known), []
        for number, start in enumerate(range(self.learned, len(self.rows) - WINDOW + 1, WINDOW)):
            window = self.window(slice(start, start + WINDOW), known)
            watch, finding = watch.observe(start, window, POLICY)
            found.append((number, finding))
        return found


POLICY = DriftThresholds()


def hourly(seed: int, *, shift: float = 0.0, swing: float = 2.0, served: int = 10) -> World:
    """Its reference is of 30 days, ten rows an hour."""
    world = World(seed, days=(30, served), a_day=240, swing=swing)
    world.rows[world.learned :, 0] += shift
    return world


def yearly(seed: int, *, shift: float = 0.0) -> World:
    """Its reference ends with July; what is served are two years."""
    world = World(seed, days=(212, 730), a_day=10, period_us=YEAR_US, swing=1.0)
    world.rows[world.learned :, 0] += shift
    return world


def alarms(found: list[tuple[int, DriftFinding]]) -> list[int]:
    return [number for number, finding in found if finding.verdict == "alarm"]


@given(st.integers(-(10**16), 10**16), st.sampled_from([-480, 0, 345]))
def test_seasons_are_those_of_the_calendar(time_us: int, offset: int) -> None:
    local = (EPOCH + timedelta(microseconds=time_us)).astimezone(timezone(timedelta(minutes=offset)))

    found = Calendar.of(tuple(NUMBERS), offset).cells(np.array([time_us]))

    hour, weekday = local.hour, local.weekday()
    assert [*found] == [(hour, hour // 4, weekday, int(weekday >= 5), local.month - 1)]


def test_cells_divide_a_reference_and_each_window_and_the_order_of_rows_changes_no_bit() -> None:
    world = hourly(0)
    known, order = world.seasons("hour", "weekend"), np.random.default_rng(1).permutation(WINDOW)

    window, mixed = world.cells(known, slice(WINDOW)), world.cells(known, order)

    plain = world.window(slice(WINDOW), None)
    assert np.sum(known.counts, axis=0).tolist() == [n for each in world.reference.features for n in each.counts]
    assert sum(each.rows for each in window.values()) == WINDOW
    assert np.sum([each.counts for each in window.values()], axis=0).tolist() == plain.counts.tolist()
    assert orjson.dumps(cells_to_json(window)) == orjson.dumps(cells_to_json(mixed))


def test_what_is_on_record_is_read_as_it_was() -> None:
    world = hourly(0)
    known = world.seasons("hour", "weekend")
    cells = world.cells(known, slice(9))

    again = cells_from_json(orjson.loads(orjson.dumps(cells_to_json(cells))))

    assert again == cells
    assert Seasons.from_json(orjson.loads(orjson.dumps(known.to_json()))) == known


def test_in_every_cell_evidence_has_mean_at_most_1_under_all_that_is_tolerated() -> None:
    world = hourly(0)
    dictionary = SeasonalDictionary.across(world.reference, world.seasons("hour"), POLICY.tolerance)
    ends = np.cumsum([0, *map(len, dictionary.names)])
    for tables, laws in zip(dictionary.cells, dictionary.laws, strict=True):
        whole = tables.dot(np.eye(world.reference.starts[-1], dtype=np.int64)).T
        for k, law in enumerate(laws):
            a, b = world.reference.starts[k : k + 2]
            for evidence in whole[ends[k] : ends[k + 1], a:b].tolist():
                ratio = [math.exp(units / NATS) for units in evidence]
                best, worst = max(ratio), ratio.index(min(ratio))
                moved = min(POLICY.tolerance, law.shares[worst])
                mean = math.fsum(x * r for x, r in zip(law.shares, ratio, strict=True))

                assert mean + moved * (best - ratio[worst]) <= 1 + 1e-5


def test_those_who_have_numba_are_told_the_same_of_seasons() -> None:
    world = hourly(0)
    known = world.seasons("hour")
    dictionary = SeasonalDictionary.across(world.reference, known, POLICY.tolerance)
    counts = [known.laid(world.cells(known, slice(begin, begin + WINDOW))).counts for begin in (0, WINDOW)]

    assert compiled.together([dictionary] * 2).dot(counts).tolist() == dictionary.evidence(counts).tolist()


def test_a_swing_of_the_day_raises_no_more_alarms_than_promised() -> None:
    """5 references, 3,600 windows, at least 1,000 between alarms on average: more than 8 come in one case of 85."""
    found = [alarms(hourly(seed, served=300).watched("hour")) for seed in range(5)]

    assert sum(map(len, found)) <= 8


def test_a_shift_on_top_of_a_swing_is_found_as_soon_as_on_a_still_stream_and_without_seasons_not_at_all() -> None:
    seeds = range(4)
    still = [alarms(hourly(seed, shift=0.5, swing=0.0).watched())[0] for seed in seeds]

    with_seasons = [alarms(hourly(seed, shift=0.5).watched("hour"))[0] for seed in seeds]
    without = [alarms(hourly(seed, shift=0.5).watched()) for seed in seeds]

    assert sum(with_seasons) <= sum(still) + len(seeds)
    assert without == [[]] * len(seeds)


def test_a_shift_on_top_of_a_swing_is_confirmed_and_dated_and_its_feature_is_named() -> None:
    world = hourly(1, shift=0.5)
    found = [finding for _, finding in world.watched("hour") if finding.verdict != "none"]

    assert [each.verdict for each in found] == ["alarm", "confirmed"]
    assert found[0].onset_row == world.learned
    assert [each["name"] for each in found[1].features] == ["a"]


def test_months_that_the_reference_has_not_seen_say_nothing_while_without_seasons_they_alarm() -> None:
    for seed in range(3):
        assert alarms(yearly(seed).watched("month")) == []
        assert alarms(yearly(seed).watched()) != []


def test_a_shift_in_months_that_nobody_knows_is_found_when_known_ones_return() -> None:
    world = yearly(0, shift=0.8)
    january = next(k for k, time in enumerate(world.times_us) if k > world.learned and time >= YEAR_US)
    returns = (january - world.learned) // WINDOW

    first = alarms(world.watched("month"))[0]

    assert returns <= first <= returns + 2


def test_a_window_of_which_nothing_is_expected_changes_nothing() -> None:
    world = yearly(0)
    known = world.seasons("month")
    watch = DriftWatch.start(world.reference, POLICY, seasons=known)
    august = slice(world.learned + 300, world.learned + 300 + WINDOW)

    after, finding = watch.observe(world.learned, known.laid(world.cells(known, august, shift=9.0)), POLICY)

    assert after.to_json() == watch.to_json()
    assert finding.verdict == "none"


@pytest.mark.parametrize("rows", [LEAST_ROWS - 1, LEAST_ROWS])
def test_a_cell_of_few_rows_expects_nothing(rows: int) -> None:
    chance = np.random.default_rng(0)
    values = chance.normal(size=(rows + 200, 1))
    times = np.where(np.arange(rows + 200) < rows, 0, HOUR_US)
    reference: Reference = learn([Column(name="a")], values, np.zeros(len(values)))

    placed = reference.place(values, np.zeros(len(values))) - np.array(reference.starts[:-1])
    known = learn_seasons(reference, Calendar.of(("hour",), 0), placed, times)

    assert [known.cells[k] for k in known.known] == [(0,), (1,)][rows < LEAST_ROWS :]


def test_effects_are_told_against_what_the_season_expects() -> None:
    world = hourly(0)
    known = world.seasons("hour")
    night = world.times_us % DAY_US // HOUR_US == 5
    at = np.flatnonzero(night)[:WINDOW]
    cells = world.cells(known, at)
    watches = DriftWatch.start(world.reference, POLICY), DriftWatch.start(world.reference, POLICY, seasons=known)

    plain = watches[0].dictionary.effects(0, cells[5,].counts)
    in_season = watches[1].dictionary.effects(0, known.laid(cells).counts)

    assert in_season["ks"] < 0.2 < plain["ks"]


def test_recorded_windows_give_the_same_finding_again_and_without_seasons_another() -> None:
    world = hourly(2, shift=0.6)
    known = world.seasons("hour")
    parts = {start: slice(start, start + WINDOW) for start in range(world.learned, world.learned + 3 * WINDOW, WINDOW)}
    recorded = [
        {
            "start_row": start,
            "profile": world.window(part, None).to_json(),
            "cells": cells_to_json(world.cells(known, part)),
        }
        for start, part in parts.items()
    ]
    inputs = {"reference": world.reference.to_json(), "seasons": known.to_json(), "windows": recorded}
    policy, watch = DriftThresholds(seasons=("hour",)), DriftWatch.start(world.reference, POLICY, seasons=known)
    for start, part in parts.items():
        watch, finding = watch.observe(start, world.window(part, known), policy)

    again, plain = (judge(orjson.loads(orjson.dumps(inputs)), asked) for asked in (policy, POLICY))

    assert orjson.dumps(again.to_json()) == orjson.dumps(finding.to_json())
    assert again.log_evidence != plain.log_evidence
