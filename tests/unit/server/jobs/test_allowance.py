"""Claims about what may be uploaded under one lease, taken together."""

from __future__ import annotations

import pytest

from server.act import Caller
from server.errors import LeaseUsedUp, NotTheHolder
from server.jobs.allowance import MOST_ARTIFACT_BYTES, MOST_BYTES, MOST_UPLOADS, Progress, progress_of
from server.jobs.manifests import MOST_MANIFEST_BYTES
from server.service import Service
from server.views import JobView
from statemachine.errors import StaleLease
from tests.fixtures.jobs import a_report, hand_in, leased

STRANGER = Caller(actor=f"actor_{'b' * 24}", authentication="mtls", name="bob")


@pytest.fixture
def job(service: Service) -> JobView:
    return leased(service)


def counted(service: Service) -> tuple[int, int]:
    """Give how many uploads count under the lease, and of how many bytes."""
    lease = service.store.read(lambda reader: reader.lease("m-1"))
    had = progress_of(lease) if lease else Progress()
    return had.uploads, had.upload_bytes


def announce(service: Service, job: JobView, *sizes: int) -> None:
    for size in sizes:
        service.jobs.begin_upload(job.job, job.attempt, size).result()


def test_the_largest_result_goes_twice_and_not_a_byte_more(service: Service, job: JobView) -> None:
    announce(service, job, *[MOST_ARTIFACT_BYTES, MOST_MANIFEST_BYTES] * 2)

    with pytest.raises(LeaseUsedUp, match="of these are left: 0, and 1 were announced") as caught:
        announce(service, job, 1)
    assert caught.value.field == "header.size_bytes"
    assert counted(service) == (4, MOST_BYTES) == (4, 2_112 << 20)


def test_what_is_left_can_be_used_to_the_last_byte(service: Service, job: JobView) -> None:
    announce(service, job, MOST_BYTES - 7)

    with pytest.raises(LeaseUsedUp, match="left: 7, and 8 were announced"):
        announce(service, job, 8)
    announce(service, job, 7)


def test_no_more_than_so_many_uploads_are_taken_however_small(service: Service, job: JobView) -> None:
    announce(service, job, *[1] * MOST_UPLOADS)

    with pytest.raises(LeaseUsedUp, match=f"{MOST_UPLOADS} uploads are accepted together") as caught:
        announce(service, job, 1)
    assert caught.value.field == "header"


def test_what_came_to_nothing_counts_no_more(service: Service, job: JobView) -> None:
    announce(service, job, 10, MOST_BYTES - 10)
    service.jobs.drop_upload(job.job, job.attempt, MOST_BYTES - 10).result()

    assert counted(service) == (1, 10)


def test_signs_of_life_leave_the_count_as_it_is(service: Service, job: JobView) -> None:
    announce(service, job, 10)
    service.jobs.heartbeat(job.job, job.attempt, 5_000, "half").result()
    announce(service, job, 20)

    assert counted(service) == (2, 30)


def test_the_next_attempt_begins_anew_and_is_given_nothing_by_the_last(service: Service, job: JobView) -> None:
    announce(service, job, MOST_BYTES)
    service.jobs.fail(job.job, job.attempt, "CRASHED", "").result()
    service.jobs.drop_upload(job.job, job.attempt, MOST_BYTES).result()
    again = leased(service)
    announce(service, again, 10)
    service.jobs.drop_upload(job.job, job.attempt, 10).result()

    assert (again.attempt, counted(service)) == (2, (1, 10))


def test_a_stranger_uses_nothing_up(service: Service, job: JobView) -> None:
    with pytest.raises(NotTheHolder, match="upload"):
        service.jobs.begin_upload(job.job, job.attempt, 1, STRANGER).result()

    assert counted(service) == (0, 0)


def test_nothing_is_uploaded_for_a_job_that_was_handed_in(service: Service, job: JobView) -> None:
    hand_in(service, job, a_report(job))

    with pytest.raises(StaleLease, match="has handed the job in"):
        announce(service, job, 1)
