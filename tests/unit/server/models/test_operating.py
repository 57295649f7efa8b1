"""Claims about what people order: who may, against which version, and what a remedy is kept to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from server.act import Caller
from server.errors import EtagMismatch, Invalid, ModelMissing
from server.models.operating import ORDERS, REMEDIES, STOPS
from server.service import Service
from statemachine.errors import Refused
from tests.fixtures.services import a_model, a_service

ANN = Caller(actor="ann", authentication="tests")
STALE = '"0"'


@pytest.fixture
def service() -> Iterator[Service]:
    with a_service() as made:
        made.create_model(a_model()).result()
        yield made


def order(service: Service, what: str, etag: str = "") -> str:
    return service.operate(what, "m", etag, f"{what} it", ANN).result().automation


def payloads(service: Service, kind: str) -> list[dict[str, Any]]:
    return [orjson.loads(event.payload or b"{}") for event in service.events("m", 0, 1_000) if event.type == kind]


def test_a_person_takes_the_wheel_and_gives_it_back(service: Service) -> None:
    assert [order(service, what) for what in ("hold", "release", "freeze", "unfreeze", "release")] == [
        "held", "auto", "frozen", "held", "auto",
    ]  # fmt: skip
    assert payloads(service, "held")[0] == {"reason": "OPERATOR", "note": "hold it"}


def test_the_one_who_ordered_stands_in_the_log(service: Service) -> None:
    order(service, "hold")

    last = service.events("m", 0, 1_000)[-1]
    assert (last.actor, last.authentication) == ("ann", "tests")


@pytest.mark.parametrize("what", sorted(set(ORDERS) - STOPS))
def test_what_goes_on_needs_the_version_that_the_caller_saw(service: Service, what: str) -> None:
    order(service, "hold")

    with pytest.raises(EtagMismatch) as caught:
        order(service, what, STALE)

    assert caught.value.actual == service.state("m").etag
    assert "OPERATOR" not in caught.value.latest  # it tells the latest move, and a hold is none


@pytest.mark.parametrize("what", ["hold", "freeze"])
def test_a_stop_wins_whatever_version_the_caller_saw(service: Service, what: str) -> None:
    assert order(service, what, STALE) in ("held", "frozen")


def test_stops_of_a_remedy_need_no_version(service: Service) -> None:
    service.start_retraining("m", "", "", [], ANN).result()

    service.operate("abort", "m", STALE, "", ANN).result()

    assert service.state("m").state == "healthy"


@pytest.mark.parametrize("what", ["approve", "reject", "release", "unfreeze", "abort", "roll_back"])
def test_an_order_that_makes_no_sense_here_is_refused_and_leaves_no_trace(service: Service, what: str) -> None:
    before = service.state("m")

    with pytest.raises(Refused):
        order(service, what)

    assert service.state("m") == before


@pytest.mark.parametrize("what", sorted(ORDERS))
def test_a_model_that_nobody_knows_takes_no_orders(service: Service, what: str) -> None:
    with pytest.raises(ModelMissing):
        service.operate(what, "ghost", "", "").result()


def test_a_person_starts_a_remedy_in_their_own_name(service: Service) -> None:
    view = service.start_retraining("m", service.state("m").etag, "please", [], ANN).result()

    assert (view.state, payloads(service, "remediation_started")[0]["requested_by"]) == ("retraining", "ann")


def test_without_a_name_a_remedy_is_asked_for_by_an_operator(service: Service) -> None:
    service.start_retraining("m", "", "", []).result()

    assert payloads(service, "remediation_started")[0]["requested_by"] == "operator"


def test_a_remedy_is_not_started_against_an_older_version(service: Service) -> None:
    with pytest.raises(EtagMismatch):
        service.start_retraining("m", STALE, "", [], ANN).result()


@pytest.mark.parametrize("remedies", [["prayer"], ["nothing"], ["reweight"], ["recent", "all"], [""]])
def test_remedies_that_no_bake_off_has_are_refused_with_those_it_has(service: Service, remedies: list[str]) -> None:
    with pytest.raises(Invalid, match="at most one of recalibrate, restore, refit"):
        service.start_retraining("m", "", "", remedies, ANN).result()


def test_nothing_can_be_restored_before_anything_was_replaced(service: Service) -> None:
    with pytest.raises(Invalid, match="no earlier version"):
        service.start_retraining("m", "", "", ["restore"], ANN).result()


@pytest.mark.parametrize(
    ("asked", "entrants"),
    [
        ([], ["nothing", "recalibrate", "recent"]),
        (["recalibrate"], ["nothing", "recalibrate"]),
        (["refit"], ["nothing", "recent"]),
        (["recent"], ["nothing", "recent"]),
    ],
)
def test_the_bake_off_is_kept_to_the_remedy_that_was_asked_for(
    service: Service, asked: list[str], entrants: list[str]
) -> None:
    service.start_retraining("m", "", "", asked, ANN).result()

    assert payloads(service, "scope_proposed")[0]["entrants"] == entrants


@pytest.mark.parametrize("asked", ["since_change", "half", "all"])
def test_a_remedy_that_cannot_be_tried_now_is_abandoned_with_the_reason(service: Service, asked: str) -> None:
    assert asked in REMEDIES

    service.start_retraining("m", "", "", [asked], ANN).result()

    assert (service.state("m").state, service.state("m").reason) == ("healthy", "NOTHING_TO_TRAIN")
    assert payloads(service, "state_changed")[-1]["note"] == f"{asked} cannot be tried now"
