"""Claims about remedies that are stopped under a worker's hands: nobody waits for them, and nothing comes of them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from server.service import Service
from statemachine.errors import Refused
from tests.fixtures.jobs import (
    WORKER,
    events,
    expire,
    hand_in,
    leased,
    trained,
    won,
)
from tests.fixtures.services import a_model


def stop_abort(service: Service) -> None:
    service.operate("abort", "m", "", "").result()


def stop_freeze(service: Service) -> None:
    service.operate("freeze", "m", "", "").result()


def stop_overdue(service: Service) -> None:
    wait = service.state("m").wait
    assert wait is not None
    sum(one.result() for one in service.fire_timers(wait.due_us))


def stop_retire(service: Service) -> None:
    service.retire_model("m", "", "").result()


STOPS = pytest.mark.parametrize("stop", [stop_abort, stop_freeze, stop_overdue, stop_retire])


@STOPS
def test_a_worker_whose_remedy_was_stopped_is_told_to_give_up(
    service: Service, stop: Callable[[Service], None]
) -> None:
    job = leased(service)
    stop(service)

    assert service.jobs.heartbeat(job.job, job.attempt, 0, "").result()[1]


@STOPS
def test_what_a_stopped_remedy_still_hands_in_is_refused(service: Service, stop: Callable[[Service], None]) -> None:
    job = leased(service)
    stop(service)
    before = events(service)

    with pytest.raises(Refused):
        hand_in(service, job, won(job), trained(service, job))
    with pytest.raises(Refused):
        service.jobs.fail(job.job, job.attempt, "CRASHED", "").result()
    assert events(service) == before


@STOPS
def test_the_job_of_a_stopped_remedy_keeps_no_other_from_its_worker(
    service: Service, stop: Callable[[Service], None]
) -> None:
    leased(service)
    stop(service)
    service.create_model(a_model("n")).result()
    service.start_retraining("n", "", "", [], WORKER).result()

    assert leased(service).model == "n"  # the same worker does not get the stopped job again
    expire(service)

    assert service.state("n").phase == "queued"
    assert service.store.read(lambda reader: {job.job_id: job.status for job in reader.jobs()}) == {
        "m-1": "failed", "n-1": "queued",
    }  # fmt: skip
