"""Claims about the one door: whom it lets in, what it writes of an event, and how far it trusts what it remembers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from server.act import Caller, Folds
from server.service import Service
from statemachine import timers
from statemachine.record.canonical import digest
from tests.fixtures.jobs import WORKER
from tests.fixtures.services import a_model, a_service


@pytest.fixture
def made() -> Iterator[Service]:
    """Give a service with a model that a person has asked a remedy for."""
    with a_service() as service:
        service.create_model(a_model()).result()
        service.start_retraining("m", "", "try", [], WORKER).result()
        yield service


def test_the_id_of_an_event_follows_from_its_place_and_its_name(made: Service) -> None:
    for event in made.events("m", 0, 100):
        assert event.event_id == digest(f"m|{event.version}|{event.type}".encode())[:32]


def test_the_first_fact_of_an_answer_has_caused_the_others(made: Service) -> None:
    told = {event.event_id: event.causation_id for event in made.events("m", 0, 100)}
    causes = {cause for cause in told.values() if cause is not None}

    assert causes
    assert all(told[cause] is None for cause in causes)


def test_a_fold_that_is_ahead_of_the_log_is_made_anew(made: Service) -> None:
    folds = Folds()
    health = made.store.read(lambda reader: folds.health(reader, "m"))
    folds.keep("m", replace(health, version=health.version + 1, champion="ghost"))

    assert made.store.read(lambda reader: folds.health(reader, "m")) == health


def test_a_fold_that_is_as_new_as_the_log_is_not_made_again(made: Service) -> None:
    folds = Folds()
    health = made.store.read(lambda reader: folds.health(reader, "m"))

    assert made.store.read(lambda reader: folds.health(reader, "m")) is health


def test_one_timer_of_a_place_is_kept_and_it_is_the_live_one(made: Service) -> None:
    health = made.store.read(lambda reader: Folds().health(reader, "m"))
    live = timers.live(health)

    kept = made.store.read(lambda reader: reader.timers("m"))

    assert live is not None
    assert [(one.name, one.due_us, one.visit) for one in kept] == [(live.name, live.due_us, live.visit)]


def test_who_has_a_certificate_acts_under_an_opaque_id_and_not_under_a_name() -> None:
    opaque = "actor_" + "0123456789ab" * 2

    assert Caller(actor=opaque, authentication="mtls").actor == opaque
    with pytest.raises(ValueError, match="opaque id"):
        Caller(actor="ann", authentication="mtls")
