"""How the live timer is computed belongs to the machine: another way is another machine version beside the old one."""

from __future__ import annotations

import msgspec
import pytest

from statemachine import timers
from statemachine.health import ModelHealth, Route
from statemachine.moves import MACHINE_VERSION, TABLES
from statemachine.words import HEALTHY, PLACES, RETIRED, Automation, Place

ARMED_US = 5_000_000
#: A thousand rows came in a million seconds, and labels 50 rows behind them.
HEALTH = ModelHealth(
    model="m", reference_rows=1_000, seconds_per_row=1_000.0, label_delay_rows=50, visit=3, armed_us=ARMED_US,
    route=Route(ttl_seconds=30),
)  # fmt: skip
#: What runs in each place, and for how many seconds, as machine 1 has computed it ever since.
OF_MACHINE_1 = {
    "healthy": ("silence", 600_000.0),  # ten windows of fifty rows, and twice the delay of labels
    "suspect": ("suspect", 1_000_000.0),
    "degraded": ("degraded", 1_000_000.0),
    "retraining.scoping": ("scoping", 3_600.0),
    "retraining.awaiting_approval": ("approval", 259_200.0),
    "retraining.queued": ("queued", 86_400.0),
    "retraining.leased": ("leased", 86_400.0),
    "retraining.validating": ("validating", 3_600.0),
    "canary.shadow": ("shadow", 1_000_000.0),
    "canary.rung": ("rung", 1_000_000.0),
    "canary.promoting": ("promoting", 1_000_000.0),
    "canary.aborting": ("aborting", 30.0),
    "rolled_back": ("rolled_back", 600.0),
}


def test_every_machine_that_events_name_has_its_formula() -> None:
    assert timers.FORMULAS.keys() == TABLES.keys()
    assert timers.FORMULAS[MACHINE_VERSION] is timers.live


@pytest.mark.parametrize("place", [place for place in PLACES if place != RETIRED], ids=str)
def test_machine_1_computes_timers_as_it_ever_did(place: Place) -> None:
    found = timers.FORMULAS["1"](msgspec.structs.replace(HEALTH, place=place))

    name, seconds = OF_MACHINE_1[str(place)]
    assert found == timers.Timer(name=name, due_us=ARMED_US + int(seconds * 1_000_000), visit=3)


def test_machine_1_tells_people_again_while_one_is_in_charge_and_nothing_of_who_is_retired_or_not_yet_born() -> None:
    held = msgspec.structs.replace(HEALTH, place=HEALTHY, automation=Automation.HELD)
    gone = msgspec.structs.replace(HEALTH, place=RETIRED)

    assert timers.FORMULAS["1"](held) == timers.Timer(name="notify_again", due_us=ARMED_US + 86_400_000_000, visit=3)
    assert timers.FORMULAS["1"](gone) is None
    assert timers.FORMULAS["1"](ModelHealth()) is None
