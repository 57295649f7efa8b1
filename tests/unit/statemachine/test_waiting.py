"""How long each place waits, by the policy and by the pace of the model's own rows."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from statemachine import timers
from statemachine.externals import ExternalSignal
from statemachine.health import ModelHealth, Route
from statemachine.words import (
    ABORTING,
    DEGRADED,
    HEALTHY,
    PROMOTING,
    QUEUED,
    RETIRED,
    RUNG,
    SHADOW,
    SUSPECT,
    Automation,
    Place,
)
from tests.unit.statemachine.laws import born

SLOW = 600.0  #: seconds between rows, so that the reference of 1,000 took nearly a week
DAY, PACE = 86_400.0, 600_000.0
ALL_DAY = {f"{name}_seconds": DAY for name in ("suspect", "degraded", "shadow", "rung", "promoting", "queued")}


def waits(health: ModelHealth) -> float:
    """Give the seconds until the live timer runs out."""
    live = timers.live(health)
    assert live is not None
    return (live.due_us - health.armed_us) / timers.SECOND_US


@pytest.mark.parametrize("place", [SUSPECT, DEGRADED, SHADOW, RUNG, PROMOTING])
def test_what_waits_for_data_waits_as_long_as_the_reference_took_and_no_less_than_the_policy_says(place: Place) -> None:
    quick = replace(born(timers=ALL_DAY), place=place)

    assert [waits(one) for one in (quick, replace(quick, seconds_per_row=SLOW))] == [DAY, PACE]


def test_what_waits_for_no_data_waits_as_the_policy_says_whatever_the_pace() -> None:
    assert waits(replace(born(timers=ALL_DAY), place=QUEUED, seconds_per_row=SLOW)) == DAY


def test_an_abort_waits_for_its_route_to_expire() -> None:
    assert waits(replace(born(), place=ABORTING, route=Route(ttl_seconds=7))) == 7


def test_rows_may_stay_away_for_ten_windows_and_labels_for_twice_their_delay_more_but_a_day_at_least() -> None:
    health = replace(born(), place=HEALTHY)
    window = health.policy.windows.rows_for(health.reference_rows)

    assert waits(health) == DAY
    assert waits(replace(health, seconds_per_row=SLOW)) == SLOW * (10 * window + 2 * health.label_delay_rows)
    assert waits(born(timers={"silence_seconds": 5.0})) == 5


def test_where_a_person_is_in_charge_the_timer_asks_again() -> None:
    held = replace(born(timers={**ALL_DAY, "notify_again_seconds": 9}), automation=Automation.HELD)

    assert [waits(replace(held, place=place)) for place in (HEALTHY, DEGRADED, RUNG)] == [9, 9, DAY]


def test_a_signal_is_awaited_whose_silence_counts_until_it_is_silent_or_the_model_retired() -> None:
    told = {
        name: ExternalSignal(name=name, interval_seconds=1.5, silent_after=after)
        for name, after in (("a", 2), ("b", 0), ("c", 4))
    }
    health = replace(born(), signals=told)

    assert timers.awaited(health) == {"a": 3_000_000, "c": 6_000_000}
    assert timers.awaited(replace(health, silent=("c",))) == {"a": 3_000_000}
    assert timers.awaited(replace(health, place=RETIRED)) == {}
