"""Claims about what is told of a wait: what happens then is what the pure machine does then."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from server.views import wait_of
from statemachine import commands as c
from statemachine import timers
from statemachine.decide import decide
from statemachine.evolve import evolve
from statemachine.health import ModelHealth
from statemachine.words import DEGRADED, SUSPECT, Place
from tests.unit.statemachine.laws import born


def told(place: Place, escalation: int = 0, rollback_target: str = "", **policy: object) -> tuple[str, list[str]]:
    """Give what is told to happen when the time in *place* is up, and the events that it brings."""
    health: ModelHealth = replace(
        born(**policy), place=place, escalation=escalation, rollback_target=rollback_target, reason="ALARM"
    )
    live, found = timers.live(health), wait_of(health)
    assert live is not None
    assert found is not None
    assert found.due_us == live.due_us
    command = c.FireTimer(name=live.name, visit=live.visit, at_row=1, note="", evidence="")
    facts = decide(health, command, live.due_us)
    for fact in facts:
        health = evolve(health, fact, live.due_us)
    return found.outcome, [fact.name for fact in facts]


@pytest.mark.parametrize(
    ("tier", "outcome", "first"),
    [
        (1, "it counts as degraded, unconfirmed", "state_changed"),
        (2, "the model is held, and a person decides", "held"),
    ],
)
def test_a_doubt_ends_as_the_tier_has_it(tier: int, outcome: str, first: str) -> None:
    assert told(SUSPECT, tier=tier) == (outcome, [first, *(["escalated"] if first == "held" else [])])


def test_people_are_called_until_the_ladder_ends() -> None:
    assert told(DEGRADED, 0) == ("people are called", ["escalated"])
    assert told(DEGRADED, 9) == ("the model is held, since there is no fallback", ["held"])


def test_a_fallback_is_told_where_one_is_declared_and_there() -> None:
    outcome, facts = told(DEGRADED, 9, "v0", fallback="previous_version")

    assert outcome == "v0 serves, the fallback that the policy declares"
    assert "rolled_back" in facts
    assert told(DEGRADED, 9, "", fallback="previous_version")[0] == "the model is held, since there is no fallback"
