"""An incident is laid beside those that are over: what was tried then, and what ended them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from server.errors import ThingMissing
from server.history.cases import Cases
from server.history.folding import Step
from server.history.precedents import LEAST, Precedents, cure
from server.requests import MetricsBatch, Point, ReferenceRows
from server.service import Service
from statemachine.replay import projection
from tests.fixtures.services import MINUTE_US, a_model, a_service
from tests.fixtures.steps import of_lines, of_scenario, scenario
from tests.scenarios.lines import read
from tests.scenarios.script import script
from tests.scenarios.service_stage import on_stage

CALM, SHORT, LASTING = [0.1] * 12, [0.5] * 2, [0.5] * 12


@pytest.fixture(scope="module")
def cured() -> Iterator[Service]:
    """A model that was ill and was cured by another version, and is ill again."""
    with on_stage() as stage:
        lasting = [line.text for line in script(scenario("service", "lasting_decline")).lines]
        for line in (*lasting, "rows 120 wrong=0.1 v1=0.6", "rows 120 wrong=0.6", "rows 120 wrong=0.6"):
            stage.play(read(line))
        yield stage.service


@pytest.fixture
def several() -> Iterator[Service]:
    """Three models of which a metric rose: of `passed` for a while, of `ill` and `also` for good."""
    with a_service() as service:
        for name, risen in (("also", LASTING), ("ill", LASTING), ("passed", SHORT)):
            service.create_model(a_model(name)).result()
            metric(service, name, [*CALM, *risen])
        metric(service, "passed", CALM, start=100)
        yield service


def metric(service: Service, model: str, values: list[float], start: int = 0) -> None:
    points = [
        Point(name="errors", time_us=(start + i) * MINUTE_US, value=value, higher_is_worse=True, tolerance=0.2)
        for i, value in enumerate(values)
    ]
    service.ingest_metrics(MetricsBatch(model=model, request_id=f"at-{start}", points=points)).result()


def found(service: Service, model: str, position: int = 0, most: int = 5, *, own: bool = False) -> Precedents:
    return service.precedents(model, position, most, own=own)


def test_what_cured_the_model_before_is_told_with_what_it_cost_and_what_the_remedy_saved(cured: Service) -> None:
    told = found(cured, "m")
    (before,) = told.found

    assert not told.asked.over
    assert before.cure == "remedy-1 was promoted: trained anew"
    (attempt,) = before.case.attempts
    assert before.case.losses is not None
    assert before.case.losses.after > before.case.losses.before
    assert attempt.losses is not None
    assert attempt.losses.after < attempt.losses.before


def test_an_incident_that_is_over_is_not_its_own_precedent(cured: Service) -> None:
    first = found(cured, "m").found[0].case.position

    assert first not in [one.case.position for one in found(cured, "m", first).found]
    assert found(cured, "m", first).asked.position == first


def test_incidents_of_other_models_come_with_what_they_share_and_how_they_ended(several: Service) -> None:
    told = found(several, "ill")

    assert [(one.case.model, one.cure) for one in told.found] == [
        ("passed", "nothing: later data showed that it had passed")
    ]
    assert (told.models_read, told.models_left_out) == (2, 0)
    assert {part.name: part.told for part in told.found[0].parts}["subject"] == "errors in both"


def test_those_of_the_model_itself_come_first_and_others_can_be_left_out(several: Service) -> None:
    several.create_model(a_model("another")).result()
    for name in ("passed", "another"):
        metric(several, name, [*CALM, *SHORT, *CALM], start=200)
    metric(several, "passed", LASTING, start=300)

    assert [one.case.model for one in found(several, "passed").found] == ["passed", "passed", "another"]
    assert [one.case.model for one in found(several, "passed", own=True).found] == ["passed", "passed"]
    assert found(several, "ill", own=True).found == ()


def test_what_is_little_alike_is_left_out_and_no_more_are_told_than_were_asked_for(several: Service) -> None:
    assert all(one.similarity >= LEAST for one in found(several, "ill").found)
    assert found(several, "ill", most=0).found == ()


def test_nothing_is_recorded_by_looking(several: Service) -> None:
    before = [several.events("ill", 0, 1_000), stored(several, "ill")]
    found(several, "ill")

    assert [several.events("ill", 0, 1_000), stored(several, "ill")] == before


def stored(service: Service, model: str) -> bytes:
    return projection(service.store.read(lambda reader: service.desk.health(reader, model)))


def test_models_of_another_task_are_not_compared(several: Service) -> None:
    labels = replace(several_reference(), labels=several_reference().labels * 1.5)
    several.create_model(replace(a_model("price"), task="regression", reference=labels)).result()

    assert found(several, "ill").models_read == 2


def several_reference() -> ReferenceRows:
    reference = a_model().reference
    assert reference is not None
    return reference


@pytest.mark.parametrize("position", [1, 10_000])
def test_an_incident_that_is_not_there_is_refused_with_those_that_are(several: Service, position: int) -> None:
    newest = found(several, "ill").asked.position

    with pytest.raises(ThingMissing, match=f"no incident of 'ill' began at {position}; its newest began at {newest}"):
        found(several, "ill", position)


def test_a_model_that_was_never_ill_has_no_incident_to_compare(several: Service) -> None:
    several.create_model(a_model("well")).result()

    with pytest.raises(ThingMissing, match="no incident of 'well' is on record"):
        found(several, "well")


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        (of_scenario("ladder_with_fallback"), "the version before served again"),
        (of_scenario("quality_repaired"), "nothing was changed in the model: it did well again"),
        (of_lines("register", "alarm loss", "confirm loss", "retire"), "the model was retired"),
        (of_lines("register", "alarm loss"), ""),
    ],
)
def test_an_end_without_a_promotion_is_told_in_words(steps: list[Step], said: str) -> None:
    heard = Cases()
    for step in steps:
        heard.take(step)

    assert cure(heard.told()[0]) == said
