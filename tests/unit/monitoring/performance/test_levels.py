"""Claims about the levels of a loss by season, in simulated worlds with seeds."""

from __future__ import annotations

import numpy as np
import pytest

from measures.losses import SCALE, Ints, fixed
from measures.sums import block, span
from monitoring.performance.decline import alarm
from monitoring.performance.levels import Levels, learn_levels
from monitoring.profiles.seasons import DAY_US, HOUR_US, Calendar
from statemachine.policies.policy import Policy

POLICY, WINDOW = Policy(), 100
#: A calendar, the time between rows so that its cycle is long enough, rows of a reference of some cycles, and of one.
HOURLY = (Calendar(("hour",)), HOUR_US // 20, 9_600, 4_800)
MONTHLY = (Calendar(("month",)), DAY_US // 30, 10_950, 10_950)
World = tuple[Calendar, int, int, int]


def world(
    kind: World, seed: int, rows: int, first: int = 0, swing: float = 0.3, more: float = 0.0
) -> tuple[Ints, Ints]:
    """Give losses, of which some in a hundred are bad, in a quarter of the seasons more; and the times of the rows."""
    calendar, pace_us, _, _ = kind
    chance, times_us = np.random.default_rng(seed), np.arange(first, first + rows) * pace_us
    hard = np.zeros(rows, dtype=np.bool_)
    for (cell,), at in calendar.cells(times_us).items():
        hard[at] = cell % 12 < 3
    return fixed((chance.random(rows) < 0.15 + swing * hard + more).astype(float), 1.0), times_us


def alarms(kind: World, seed: int, *, seasons: bool, more: float = 0.0) -> bool:
    """Say whether rows after a reference raise an alarm, the loss of each held against its season's or not."""
    calendar, _, rows, further = kind
    lost, times_us = world(kind, seed, rows)
    levels = learn_levels(calendar, lost, times_us) if seasons else Levels(calendar, {})
    level = span([block(lost)]).mean * 1.05
    steps = levels.evened(*world(kind, seed + 1_000, further, rows, more=more))
    blocks = [block(steps[at : at + 20]) for at in range(0, len(steps), 20)]
    ends = range(5, len(blocks) + 1, 5)
    looks = ({"blocks": blocks[max(end - 100, 0) : end], "level": level, "window": WINDOW} for end in ends)
    return any(alarm(each, POLICY).raised for each in looks)


def share(kind: World, *, seasons: bool, more: float = 0.0) -> int:
    """Count the alarms in ten worlds."""
    return sum(alarms(kind, seed, seasons=seasons, more=more) for seed in range(10))


def test_hard_months_raise_no_alarm_where_they_are_held_against_months() -> None:
    """10 lives of 109 looks at a run length of 1,000: one alarm is allowed on average."""
    assert share(MONTHLY, seasons=False) >= 8
    assert share(MONTHLY, seasons=True) <= 1


def test_hard_hours_make_the_alarm_less_blind_where_they_are_held_against_hours() -> None:
    """48 looks a life: of a swing by the hour, the blocks' own variance is wide enough to raise no false alarm."""
    assert share(HOURLY, seasons=True) <= 1
    assert share(HOURLY, seasons=True, more=0.06) > share(HOURLY, seasons=False, more=0.06)


def test_where_the_reference_shows_no_season_hardly_anything_is_taken_off() -> None:
    found = [learn_levels(HOURLY[0], *world(HOURLY, seed, 2_400, swing=0.0)).steps.values() for seed in range(40)]

    assert sum(not any(each) for each in found) >= 16
    assert max(abs(step) for each in found for step in each) < 0.1 * SCALE


def test_a_season_that_the_reference_hardly_has_is_not_known() -> None:
    lost, times_us = world(HOURLY, 1, 20 * 24)
    levels = learn_levels(HOURLY[0], lost, times_us)

    assert not levels.known(times_us).any()
    assert np.array_equal(levels.evened(lost, times_us), lost)


def test_no_rows_have_no_levels() -> None:
    nothing = np.empty(0, np.int64)
    levels = learn_levels(HOURLY[0], nothing, nothing)

    assert not levels.steps
    assert len(levels.known(nothing)) == len(levels.evened(nothing, nothing)) == 0


def test_a_season_that_is_known_alone_has_nothing_to_differ_from() -> None:
    """49 rows of another hour are too few for a level: how hours vary is not known, and nothing is taken off."""
    hours = np.repeat([0, 1], [200, 49])

    assert learn_levels(HOURLY[0], fixed(1.0 - hours, 1.0), hours * HOUR_US).steps == {(0,): 0}


def test_levels_are_drawn_together_as_dersimonian_and_laird_say() -> None:
    """Cells of unequal rows, by their formula of moments with numpy; one more row of variance is what `span` adds."""
    chance, hours = np.random.default_rng(7), np.repeat(np.arange(6), [60, 80, 120, 200, 300, 500])
    values = np.round(chance.normal(np.array([0.2, 0.5, 0.3, 0.4, 0.25, 0.35])[hours], 0.8), 3)

    found = learn_levels(HOURLY[0], fixed(values, 1.0), hours * HOUR_US)

    means = np.array([values[hours == hour].mean() for hour in range(6)])
    rows = np.bincount(hours)
    errors = np.array(
        [(((values - means[hours]) ** 2)[hours == hour].sum() + 1) / rows[hour] ** 2 for hour in range(6)]
    )
    weights = 1 / errors
    spread = (weights * (means - np.average(means, weights=weights)) ** 2).sum()
    between = (spread - 5) / (weights.sum() - (weights**2).sum() / weights.sum())
    expected = (means - values.mean()) * between / (between + errors)
    assert between > 0
    assert np.array(list(found.steps.values())) / SCALE == pytest.approx(expected, rel=1e-3)
