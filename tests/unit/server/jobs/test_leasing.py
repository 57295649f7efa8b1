"""Claims about leases: one worker a job, an attempt that fences, and a way back when it fails or falls silent."""

from __future__ import annotations

from typing import Any

import pytest

from server.act import Caller
from server.clock import steady_us
from server.jobs import leasing
from server.jobs.vigil import LEASE_US
from server.service import Service
from statemachine.errors import StaleLease
from store import Unit
from tests.fixtures.asked import Asked
from tests.fixtures.jobs import (
    WORKER,
    a_report,
    events,
    expire,
    hand_in,
    leased,
    place,
    trained,
    won,
)
from tests.fixtures.services import a_model, a_service


def test_a_job_is_leased_once(service: Service) -> None:
    job = leased(service)

    assert (job.job, job.kind, job.model, job.attempt) == ("m-1", "remedy", "m", 1)
    assert place(service) == "retraining.leased"
    assert service.jobs.lease("another").result() is None


def test_a_worker_that_asks_again_gets_the_job_that_it_holds(service: Service) -> None:
    first, before = leased(service), events(service)

    assert leased(service) == first
    assert events(service) == before


def test_leases_that_others_hold_are_one_question_for_a_worker_that_asks(service: Service) -> None:
    for number in range(5):
        service.create_model(a_model(f"n-{number}")).result()
        service.start_retraining(f"n-{number}", "", "try", [], WORKER).result()

    def asked(unit: Unit) -> dict[str, int]:
        reader: Any = Asked(unit)
        leasing.lease_job(service.desk, reader, "another", (), 0, WORKER)
        return {name: reader.counts[name] for name in ("leases", "lease", "job")}

    for number in range(5):
        assert service.jobs.lease(f"w-{number}").result() is not None

    assert service.do(asked).result() == {"leases": 1, "lease": 0, "job": 0}


def test_a_job_says_all_that_its_result_depends_on(service: Service) -> None:
    job = leased(service)

    assert job.spec["spec"]["dataset"] == job.datasets[0]
    assert service.desk.blobs.exists(job.datasets[0])
    assert job.spec["policy"]["bakeoff"]["least_lead"] == 1.0
    assert job.spec["base_manifest"] == ""


def test_the_job_of_a_held_model_waits_for_no_worker(service: Service) -> None:
    before = service.state("m").job
    service.operate("hold", "m", "", "").result()
    held, given = service.state("m").job, service.jobs.lease("w").result()
    service.operate("release", "m", "", "").result()

    assert (before, held, given, service.state("m").job) == ("m-1", "", None, "m-1")


@pytest.mark.parametrize(("kinds", "given"), [(("challenge",), False), (("remedy",), True), ((), True)])
def test_a_worker_gets_only_the_kinds_that_it_asks_for(
    service: Service, kinds: tuple[str, ...], *, given: bool
) -> None:
    assert (service.jobs.lease("w", kinds).result() is not None) == given


def test_nothing_is_leased_before_a_person_has_agreed() -> None:
    with a_service() as service:
        new = a_model()
        new.policy["approvals"] = {"required": True}
        service.create_model(new).result()
        service.start_retraining("m", "", "", [], WORKER).result()
        waiting = service.jobs.lease("w").result()
        service.operate("approve", "m", "", "", Caller(actor="ann")).result()

        assert waiting is None
        assert leased(service).job == "m-1"


def test_the_job_of_a_stopped_remedy_is_never_leased(service: Service) -> None:
    service.operate("abort", "m", "", "").result()

    assert service.jobs.lease("w").result() is None
    assert service.store.read(lambda reader: [job.status for job in reader.jobs()]) == ["failed"]


def test_a_heartbeat_keeps_the_lease(service: Service) -> None:
    job = leased(service)

    until_us, give_up = service.jobs.heartbeat(job.job, job.attempt, 5_000, "half").result()

    assert until_us >= job.lease_deadline_us
    assert not give_up
    assert expire(service, LEASE_US - 1) == 0


@pytest.mark.parametrize(("job", "attempt"), [("ghost", 1), ("m-1", 0), ("m-1", 2)])
def test_who_does_not_hold_the_job_is_told_to_give_up(service: Service, job: str, attempt: int) -> None:
    leased(service)

    assert service.jobs.heartbeat(job, attempt, 0, "").result()[1]


def test_a_heartbeat_after_the_end_is_told_to_give_up(service: Service) -> None:
    job = leased(service)
    hand_in(service, job, a_report(job))

    assert service.jobs.heartbeat(job.job, job.attempt, 0, "").result()[1]


def test_a_failed_attempt_is_tried_again_under_a_higher_number(service: Service) -> None:
    job = leased(service)

    again = service.jobs.fail(job.job, job.attempt, "CRASHED", "boom").result()

    assert again
    assert (leased(service, "another").attempt, place(service)) == (2, "retraining.leased")
    with pytest.raises(StaleLease):
        hand_in(service, job, won(job), trained(service, job))


def test_after_the_last_attempt_the_remedy_is_abandoned(service: Service) -> None:
    answers = []
    for _ in range(3):
        job = leased(service)
        answers.append(service.jobs.fail(job.job, job.attempt, "OUT_OF_MEMORY", "").result())

    assert answers == [True, True, False]
    assert (place(service), service.state("m").reason) == ("healthy.", "TRAIN_FAILED")
    assert service.jobs.lease("w").result() is None


def test_a_failure_of_a_job_that_was_handed_in_changes_nothing(service: Service) -> None:
    job = leased(service)
    hand_in(service, job, won(job), trained(service, job))
    before = events(service)

    assert not service.jobs.fail(job.job, job.attempt, "CRASHED", "").result()
    assert events(service) == before


def test_the_job_of_a_silent_worker_goes_back_to_the_queue(service: Service) -> None:
    job = leased(service)

    early, late, again = (expire(service, after_us) for after_us in (LEASE_US - 1_000_000, LEASE_US, 2 * LEASE_US))

    assert (early, late, again) == (0, 1, 0)
    assert place(service) == "retraining.queued"
    assert leased(service, "another").attempt == 2
    assert service.jobs.heartbeat(job.job, 1, 0, "").result()[1]


def test_a_worker_lost_three_times_ends_the_remedy(service: Service) -> None:
    for _ in range(3):
        leased(service)
        expire(service)

    assert (place(service), service.state("m").reason) == ("healthy.", "TRAIN_FAILED")
    assert events(service).count("lease_expired") == 3


def test_a_lease_lasts_a_minute_from_its_last_sign_of_life(service: Service) -> None:
    job = leased(service)

    until_us = service.jobs.heartbeat(job.job, job.attempt, 0, "").result()[0]

    assert until_us - job.lease_deadline_us < LEASE_US


def test_a_sign_of_life_begins_a_new_minute(service: Service) -> None:
    job, begun_us = leased(service), steady_us()
    first = service.jobs.expire(begun_us)
    service.jobs.heartbeat(job.job, job.attempt, 0, "").result()
    second, third = service.jobs.expire(begun_us + LEASE_US), service.jobs.expire(begun_us + 2 * LEASE_US - 1)

    assert first == second == third == []
    assert [one.result() for one in service.jobs.expire(begun_us + 2 * LEASE_US)] == [True]
