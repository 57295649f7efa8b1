"""Claims about whose a lease is, and of those that an earlier release gave, whose holders are not on record."""

from __future__ import annotations

from dataclasses import replace

import pytest

from server.act import Caller
from server.errors import NotTheHolder
from server.service import Service
from server.views import JobView
from store.records import Lease

ANN = Caller(actor=f"actor_{'a' * 24}", authentication="mtls", name="ann")
BOB = Caller(actor=f"actor_{'b' * 24}", authentication="mtls", name="bob")
CHANCE = "0123456789abcdef" * 2  #: as an earlier release wrote in the place of a holder


def lease_of(service: Service) -> Lease:
    found = service.store.read(lambda reader: reader.lease("m-1"))
    assert found is not None
    return found


def leased_by(service: Service, caller: Caller) -> JobView:
    job = service.jobs.lease("w", caller=caller).result()
    assert job is not None
    return job


@pytest.fixture
def old(service: Service) -> JobView:
    """Give a job that a server of an earlier release has leased."""
    job, lease = leased_by(service, ANN), lease_of(service)
    service.do(lambda unit: unit.put(replace(lease, token=CHANCE, progress=b'{"progress_bp":5,"message":""}'))).result()
    return job


def beat(service: Service, job: JobView, caller: Caller) -> bool:
    """Say whether a worker that gives a sign of life is to give up."""
    return service.jobs.heartbeat(job.job, job.attempt, 0, "", caller).result()[1]


def test_a_lease_is_kept_under_an_id_that_tells_no_name(service: Service) -> None:
    leased_by(service, ANN)

    assert lease_of(service).token == f"mtls/actor_{'a' * 24}"


def test_a_caller_of_this_machine_is_none_with_a_certificate(service: Service) -> None:
    job = leased_by(service, Caller(actor="local", authentication="loopback"))

    with pytest.raises(NotTheHolder, match="heartbeat"):
        beat(service, job, ANN)


def test_an_old_lease_is_of_who_gives_the_first_sign_of_life(service: Service, old: JobView) -> None:
    assert not beat(service, old, ANN)

    with pytest.raises(NotTheHolder):
        beat(service, old, BOB)
    assert not beat(service, old, ANN)


def test_an_old_lease_is_of_who_asks_for_it_again_under_its_own_name(service: Service, old: JobView) -> None:
    assert leased_by(service, ANN).attempt == old.attempt

    with pytest.raises(NotTheHolder):
        beat(service, old, BOB)


def test_the_result_of_an_old_lease_is_taken_from_whoever_has_it(service: Service, old: JobView) -> None:
    assert service.jobs.fail(old.job, old.attempt, "CRASHED", "", BOB).result()


def test_a_job_that_goes_back_into_the_queue_is_nobodys(service: Service) -> None:
    job = leased_by(service, ANN)
    service.jobs.fail(job.job, job.attempt, "CRASHED", "", ANN).result()

    assert lease_of(service).token == ""
    assert leased_by(service, BOB).attempt == job.attempt + 1
    assert beat(service, job, ANN)
