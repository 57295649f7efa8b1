"""A model whose record cannot be read any more keeps no other from its turn."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from server.jobs.vigil import LEASE_US
from server.service import Service
from statemachine.coding import UnknownEvent
from store.ports import Unit
from tests.fixtures.events import an_event
from tests.fixtures.jobs import FAR_US, leased
from tests.fixtures.services import a_model, a_service


@pytest.fixture
def service() -> Iterator[Service]:
    """Give a service with two models, of which a remedy is sought for each."""
    with a_service() as made:
        for name in ("broken", "whole"):
            made.create_model(a_model(name)).result()
            made.start_retraining(name, "", "", []).result()
        yield made


def later(service: Service) -> None:
    """Record an event as a later release does, which serves the same log."""

    def work(unit: Unit) -> None:
        unit.append("broken", unit.version("broken"), [an_event("of-later")])

    service.do(work).result()


def test_timers_of_the_others_fire(service: Service) -> None:
    later(service)

    broken, whole = service.fire_timers(FAR_US)

    assert isinstance(broken.exception(), UnknownEvent)
    assert whole.result() == 1


def test_leases_of_the_others_expire(service: Service) -> None:
    leased(service, "first")
    leased(service, "second")
    later(service)

    service.expire_leases(0)
    broken, whole = service.expire_leases(LEASE_US)

    assert isinstance(broken.exception(), UnknownEvent)
    assert whole.result()


def test_jobs_of_the_others_are_given_to_workers(service: Service) -> None:
    later(service)

    found = service.lease_job("worker").result()

    assert found is not None
    assert found.model == "whole"
