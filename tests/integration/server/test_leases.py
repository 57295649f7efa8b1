"""What becomes of a lease whose remedy was stopped, or whose worker fell silent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest
from remission import Client
from remission.errors import FailedPreconditionError

from server.service import Service
from server.settings import Settings
from server.wiring import build
from tests.fixtures.jobs import expire
from tests.fixtures.listeners import listening
from tests.integration.server.life import QUIET, Life


@pytest.fixture
def service() -> Service:
    return build(Settings(database="memory://", artifacts=f"memory://{uuid4().hex}", clock="stream", port=0))


@pytest.fixture
def client(service: Service) -> Iterator[Client]:
    with listening(service, Settings(port=0)) as target, Client(target, timeout=10.0) as made:
        yield made


@pytest.fixture
def leased(client: Client) -> Life:
    """Give an ill model whose remedy a worker has begun to train."""
    life = Life(client, QUIET)
    life.decline()
    life.lease()
    return life


def test_a_worker_keeps_its_lease_while_its_remedy_is_under_way(leased: Life) -> None:
    assert not leased.client.training.heartbeat(leased.job).abandon


def test_a_worker_whose_remedy_was_stopped_is_told_to_give_up(leased: Life) -> None:
    leased.client.operations.abort(leased.model)

    assert leased.client.training.heartbeat(leased.job).abandon


def test_a_worker_whose_remedy_was_stopped_gets_no_dead_job_again(leased: Life) -> None:
    leased.client.operations.abort(leased.model)

    assert leased.client.training.lease("worker") is None


def test_a_worker_that_lost_the_answer_gets_its_job_again(leased: Life) -> None:
    assert leased.client.training.lease("worker") == leased.job


def test_a_result_of_a_stopped_remedy_is_refused_and_changes_nothing(leased: Life) -> None:
    leased.client.operations.abort(leased.model)
    before = list(leased.client.history())

    with pytest.raises(FailedPreconditionError) as caught:
        leased.complete()

    assert caught.value.reason == "LEASE_LOST"
    assert list(leased.client.history()) == before


def test_a_job_of_a_silent_worker_goes_to_another_one_and_the_first_is_fenced_off(
    leased: Life, service: Service
) -> None:
    assert expire(service) > 0

    second = leased.client.training.lease("another")
    assert second is not None
    assert (second.job_id, second.attempt) == (leased.job.job_id, leased.job.attempt + 1)
    with pytest.raises(FailedPreconditionError):
        leased.complete()


STOPS: dict[str, Callable[[Life], object]] = {
    "abort": lambda life: life.client.operations.abort(life.model),
    "freeze": lambda life: life.client.operations.freeze(life.model),
    "retire": lambda life: life.client.models.retire(life.model),
}


@pytest.mark.parametrize("stop", STOPS)
def test_a_stopped_remedy_keeps_no_other_lease_from_running_out(leased: Life, service: Service, stop: str) -> None:
    STOPS[stop](leased)
    other = Life(leased.client, QUIET, model="other")
    other.decline()
    other.lease("another")

    assert expire(service) > 0

    again = leased.client.training.lease("third")
    assert again is not None
    assert (again.model, again.attempt) == ("other", 2)


def test_a_model_that_is_held_or_awaits_approval_gives_no_job_away(client: Client) -> None:
    held, asked = Life(client, QUIET), Life(client, {**QUIET, "approvals": {"required": True}}, model="asked")
    held.decline()
    asked.decline()
    client.operations.hold(held.model)

    assert client.training.lease("worker") is None

    client.operations.release(held.model)
    found = client.training.lease("worker")
    assert found is not None
    assert found.model == held.model
