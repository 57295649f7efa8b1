"""Cases hold what marks an incident, and what was tried within it."""

from __future__ import annotations

from server.history.cases import Case, Cases, with_losses
from server.history.folding import Step
from tests.fixtures.services import a_service
from tests.fixtures.steps import of_lines, of_scenario


def told(steps: list[Step]) -> list[Case]:
    heard = Cases()
    for step in steps:
        heard.take(step)
    return heard.told()


def test_a_case_names_its_cause_and_the_remedy_that_was_promoted() -> None:
    (found,) = told(of_scenario("lasting_decline"))

    assert (found.cause, found.over, found.causes[0]["share"]) == ("concept_change", True, 0.9)
    assert [(one.remedy, one.candidate, one.end, one.reason) for one in found.attempts] == [
        ("refit", "remedy-1", "promoted", "")
    ]


def test_a_remedy_that_did_harm_is_told_with_the_reason_and_the_next_one_is_under_way() -> None:
    (found,) = told(of_scenario("harm_then_relapse"))

    assert [(one.end, one.reason) for one in found.attempts] == [("turned_back", "HARM"), ("", "")]
    assert not found.over


def test_a_case_says_when_the_model_fell_ill_again() -> None:
    first, second = told(of_scenario("blip"))

    assert (first.next_us, second.next_us) == (second.incident["detected"]["at_us"], None)


def test_a_case_that_is_not_diagnosed_has_no_cause_and_no_features() -> None:
    (found,) = told(of_lines("register", "alarm loss"))

    assert (found.cause, found.causes, found.features, found.rise) == ("", (), (), 0.0)


def test_where_no_evidence_is_left_no_losses_are_told() -> None:
    (found,) = told(of_scenario("lasting_decline"))
    with a_service() as service:
        priced = service.store.read(lambda reader: with_losses(reader, found))

    assert found.evidence
    assert (priced.losses, priced.attempts[0].losses) == (None, None)
