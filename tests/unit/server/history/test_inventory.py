"""The inventory says what validated the champion, what is open, and when to look again."""

from __future__ import annotations

from typing import Any

import pytest

from server.history.folding import Step
from server.history.inventory import DAY_US, REVIEW_DAYS, Inventory
from tests.fixtures.steps import of_lines, of_scenario


def told(steps: list[Step]) -> dict[str, Any]:
    heard = Inventory()
    for step in steps:
        heard.take(step)
    return heard.told()


def test_a_new_model_is_validated_by_its_registration() -> None:
    found = told(of_lines("+1h register"))

    assert (found["champion"], found["validation"]["how"], found["validation"]["position"]) == ("v1", "registration", 1)
    assert found["validation"]["at_us"] == found["registered_us"] == 3_600_000_000
    assert found["findings"] == []


@pytest.mark.parametrize("tier", [1, 2, 3])
def test_the_next_review_follows_the_validation_by_as_many_days_as_the_tier_has(tier: int) -> None:
    found = told(of_lines(f"+1h register policy='{{\"tier\": {tier}}}'"))

    assert found["tier"] == tier
    assert found["next_review"]["at_us"] == found["registered_us"] + REVIEW_DAYS[tier] * DAY_US


def test_a_promoted_champion_is_validated_by_the_gates_that_let_it_in() -> None:
    steps = of_scenario("lasting_decline")
    (gates,) = [step.recorded for step in steps if step.recorded.type == "gates_judged"]
    found = told(steps)

    assert (found["champion"], found["validation"]) == (
        "remedy-1",
        {"how": "gates", "position": gates.position, "at_us": gates.occurred_us, "gates": {"pass": 4}},
    )


def test_a_champion_that_serves_again_has_the_validation_that_it_had() -> None:
    found = told(of_scenario("ladder_with_fallback"))

    assert (found["champion"], found["validation"]["how"]) == ("v1", "registration")


def test_what_is_open_makes_the_review_due_since_it_is_open() -> None:
    found = told(of_lines("register", "+1h alarm loss", "+1h confirm loss", "diagnose concept_change", "timer", "hold"))

    assert [(one["what"], one["about"]) for one in found["findings"]] == [
        ("incident", "loss concept_change"), ("escalation", "level 1 of 3"), ("held", "a person decides"),
    ]  # fmt: skip
    assert found["next_review"] == {"at_us": 3_600_000_000, "why": "incident"}


def test_a_retired_model_is_looked_at_no_more() -> None:
    found = told(of_scenario("retire"))

    assert (found["state"], found["next_review"], found["findings"]) == ("retired", None, [])
