"""What is remembered of routes, of the candidate that they try, and of what became of it."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from statemachine import events as e
from statemachine.health import Route
from tests.unit.statemachine.laws import EVIDENCE, born, folded

CONFIRMED = e.PromotionConfirmed(at_row=60, champion="v2", rollback_target="v1", evidence=EVIDENCE)


def route(generation: int, candidate: str, exposure_bp: int, at_row: int) -> e.RouteIntended:
    return e.RouteIntended(
        generation=generation, exposure_bp=exposure_bp, ttl_seconds=30, salt=f"s-{generation}", at_row=at_row,
        champion="v1", candidate=candidate, shadows=[candidate] if candidate else [],
    )  # fmt: skip


def test_a_canary_counts_its_rows_and_its_exposures_from_the_route_that_first_named_its_candidate() -> None:
    alone = folded(born(), route(1, "", 0, 10))
    climbed = folded(alone, route(2, "v2", 100, 20), route(3, "v2", 500, 30))
    over = folded(climbed, route(4, "", 0, 40))
    again = folded(over, route(5, "v3", 100, 50))

    assert alone.canary_row == 0
    assert (climbed.canary_row, climbed.exposures) == (20, ((2, 100), (3, 500)))
    assert (over.canary_row, over.exposures) == (20, ((2, 100), (3, 500), (4, 0)))
    assert (again.canary_row, again.exposures) == (50, ((5, 100),))


def test_routers_are_asked_for_the_last_route_alone_and_have_not_acknowledged_it_yet() -> None:
    told = folded(born(), route(2, "v2", 100, 20), e.RouteAcknowledged(generation=2, exposure_bp=100, router="r"))
    later = folded(told, route(3, "v2", 500, 30), at_us=70)

    assert told.route.acknowledged
    assert later.route == Route(
        generation=3, candidate="v2", exposure_bp=500, issued_us=70, since_row=30, ttl_seconds=30, salt="s-3"
    )
    assert later.shadows == ("v2",)


@pytest.mark.parametrize(("generation", "heard"), [(1, False), (2, True), (3, False)])
def test_a_word_on_another_route_acknowledges_nothing(generation: int, *, heard: bool) -> None:
    word = e.RouteAcknowledged(generation=generation, exposure_bp=100, router="r")

    assert folded(born(), route(2, "v2", 100, 20), word).route.acknowledged is heard


def test_challengers_may_be_tried_on_no_row_that_a_canary_judged_and_on_all_that_its_winner_served_alone() -> None:
    verdict = e.CanaryJudged(
        verdict="climb", reason="", exposure_bp=500, lower=0.0, upper=0.0, sample=1, at_row=25, evidence=EVIDENCE
    )
    judged = folded(born(), route(2, "v2", 100, 20), verdict)
    promoted = folded(judged, route(3, "", 0, 40), CONFIRMED)

    assert judged.judged_row == 25
    assert (promoted.judged_row, promoted.epoch_row) == (40, 60)


@pytest.mark.parametrize(
    ("version", "serves", "target", "epoch"), [("", "v2", "v1", 1), ("v2", "v2", "v1", 1), ("v1", "v1", "v2", 2)]
)
def test_a_rollback_to_another_version_makes_it_the_champion_and_the_one_before_its_target(
    version: str, serves: str, target: str, epoch: int
) -> None:
    better = replace(folded(born(), CONFIRMED), improvement=True)
    back = folded(better, e.RolledBack(reason="HARM", version=version, cooldown_until_us=9))

    assert (back.champion, back.rollback_target, back.epoch) == (serves, target, epoch)
    assert (back.improvement, back.failures, back.cooldown_until_us) == (False, 1, 9)
