"""A model whose record cannot be read any more keeps no other from its turn."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest

from server.history.changes import Changed, Changes, Untold
from server.jobs.vigil import LEASE_US
from server.service import Service
from statemachine.events import StateChanged
from statemachine.record.coding import UnknownEvent, encode
from store.ports import Unit
from store.records import Job
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


def moved_on(service: Service) -> None:
    """Record a move of the model that cannot be read, as a later release does, and have both models told to stop."""

    def work(unit: Unit) -> None:
        move = StateChanged(source="healthy", dest="suspect", trigger="raise_alarm", reason="ALARM")
        for turn in ("one", "two"):
            recorded = msgspec.structs.replace(an_event(f"moved-{turn}"), type=move.name, payload=encode(move))
            unit.append("broken", unit.version("broken"), [recorded])

    service.do(work).result()
    service.operate("abort", "whole", "", "").result()


def watched(service: Service, watcher: Changes, limit: int = 1_000) -> list[Changed | Untold]:
    return service.store.read(lambda reader: watcher.following(reader, limit))


def test_changes_of_the_others_are_told_and_who_cannot_be_read_is_named_once(service: Service) -> None:
    before = watched(service, Changes(0))
    later(service)
    moved_on(service)

    found = watched(service, Changes(0))

    new = found[len(before) :]
    [named] = [one for one in new if isinstance(one, Untold)]
    assert found[: len(before)] == before
    assert (named.model.model, type(named.model.error)) == ("broken", UnknownEvent)
    assert service.events("broken", named.position - 1, 1)[0].event_id == "moved-one"
    assert {one.state.model for one in new if isinstance(one, Changed)} == {"whole"}


@pytest.mark.parametrize("models", [(), ("broken", "whole")])
def test_a_watcher_in_small_steps_names_once_who_cannot_be_read(service: Service, models: tuple[str, ...]) -> None:
    later(service)
    moved_on(service)
    watcher, found = Changes(0, models), list[Changed | Untold]()
    position = -1
    while watcher.position != position:
        position = watcher.position
        found += watched(service, watcher, limit=1)

    assert [one.model.model for one in found if isinstance(one, Untold)] == ["broken"]
    assert isinstance(found[-1], Changed)
    assert found[-1].state == watched(service, Changes(0))[-1].state  # type: ignore[union-attr]


def test_timers_of_the_others_fire(service: Service) -> None:
    later(service)

    broken, whole = service.fire_timers(FAR_US)

    assert isinstance(broken.exception(), UnknownEvent)
    assert whole.result() == 1


def test_leases_of_the_others_expire(service: Service) -> None:
    leased(service, "first")
    leased(service, "second")
    later(service)

    service.jobs.expire(0)
    broken, whole = service.jobs.expire(LEASE_US)

    assert isinstance(broken.exception(), UnknownEvent)
    assert whole.result()


def test_jobs_of_the_others_are_given_to_workers(service: Service) -> None:
    later(service)

    found = service.jobs.lease("worker").result()

    assert found is not None
    assert found.model == "whole"


def test_a_job_of_a_model_that_is_not_on_record_keeps_none_from_workers(service: Service) -> None:
    left = Job(job_id="ghost-1", stream="ghost", kind="remedy", status="queued", spec=b"{}", created_us=0, visit=0)
    service.do(lambda unit: unit.put(left)).result()

    found = service.jobs.lease("worker").result()

    assert found is not None
    assert found.model in ("broken", "whole")
