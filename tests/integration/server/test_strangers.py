"""A worker with a valid certificate that turns on the jobs of others: it ends none, and learns no more than it knew."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import pytest
from remission import Client
from remission.errors import CallError, FailedPreconditionError, PermissionDeniedError
from remission.v1 import training_pb2

from tests.fixtures.authority import Authority
from tests.fixtures.secured import secured
from tests.integration.server.life import QUIET, Life

TRAINER, RIVAL = "trainer.ops.example", "rival.elsewhere.example"
BYTES = b"no model, but of as many bytes as it says"


@dataclass
class Shop:
    """A server that asks for certificates, and two parties who have one."""

    target: str
    known: dict[str, grpc.ChannelCredentials]
    numbers: Iterator[int] = field(default_factory=lambda: iter(range(100)))

    def as_one(self, name: str) -> Client:
        """Give a client of this party."""
        return Client(self.target, tls=self.known[name], timeout=20.0)

    def leased(self, client: Client) -> Life:
        """Give a model of its own, whose remedy this client has begun to train."""
        life = Life(client, QUIET, model=f"m-{next(self.numbers)}")
        life.decline()
        life.lease(life.model)
        return life


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def shop(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    known = {name: authority.machine(name) for name in (TRAINER, RIVAL)}
    tls = authority.path("server").parent
    with secured(tmp_path_factory.mktemp("shop"), tls, known[TRAINER], REMISSION_CLOCK="stream") as target:
        yield Shop(target, known)


@pytest.fixture
def trainer(shop: Shop) -> Iterator[Client]:
    with shop.as_one(TRAINER) as client:
        yield client


@pytest.fixture
def rival(shop: Shop) -> Iterator[Client]:
    with shop.as_one(RIVAL) as client:
        yield client


def turned_on(life: Life, client: Client) -> Life:
    """Give the same job in the hands of another client, which knows all that there is to know of it."""
    other = copy(life)
    other.client = client
    return other


ATTACKS: dict[str, Callable[[Life], object]] = {
    "heartbeat": lambda life: life.client.training.heartbeat(life.job),
    "upload": lambda life: life.client.training.upload(BYTES, training_pb2.ARTIFACT_KIND_MODEL, life.job),
    "complete": lambda life: life.hand_in(life.report()),
    "fail": lambda life: life.fail(),
}


def refused(attack: Callable[[Life], object], life: Life) -> CallError:
    with pytest.raises(PermissionDeniedError) as caught:
        attack(life)
    assert caught.value.reason == "NOT_THE_HOLDER"
    return caught.value


@pytest.mark.parametrize("attack", ATTACKS)
def test_nobody_else_ends_a_job_or_speaks_for_its_worker(
    shop: Shop, trainer: Client, rival: Client, attack: str
) -> None:
    life = shop.leased(trainer)
    before = list(trainer.history())

    error = refused(ATTACKS[attack], turned_on(life, rival))

    assert [one.field for one in error.violations] == ["job_id"]
    assert attack in str(error)
    assert list(trainer.history()) == before
    assert not trainer.training.heartbeat(life.job).abandon
    life.complete()
    assert life.place == "canary.shadow"


def test_the_refusal_tells_a_stranger_of_nobody(shop: Shop, trainer: Client, rival: Client) -> None:
    life = shop.leased(trainer)
    actor = next(event.actor for event in trainer.history(life.model) if event.type == "job_leased")

    error = refused(ATTACKS["heartbeat"], turned_on(life, rival))

    assert actor.startswith("actor_")
    assert not any(word in repr(vars(error)) + str(error) for word in (actor, TRAINER))
    life.complete()


def test_who_calls_itself_as_another_worker_does_not_get_its_job(shop: Shop, trainer: Client, rival: Client) -> None:
    life = shop.leased(trainer)

    assert rival.training.lease(life.model) is None
    assert trainer.training.lease(life.model) == life.job
    life.complete()


def test_a_job_that_was_handed_in_is_told_to_nobody_else(shop: Shop, trainer: Client, rival: Client) -> None:
    life = shop.leased(trainer)
    life.complete()

    refused(ATTACKS["complete"], turned_on(life, rival))
    refused(ATTACKS["fail"], turned_on(life, rival))
    life.hand_in(life.report())


def test_a_lease_outlives_the_certificate_under_whose_name_it_was_taken(
    shop: Shop, trainer: Client, authority: Authority
) -> None:
    life, first = shop.leased(trainer), authority.serial(TRAINER)
    renewed = authority.machine(TRAINER)

    with Client(shop.target, tls=renewed) as client:
        again = turned_on(life, client)
        assert not client.training.heartbeat(life.job).abandon
        again.complete()

    assert authority.serial(TRAINER) != first
    assert life.place == "canary.shadow"


def test_who_takes_a_job_over_fences_off_who_held_it_and_is_safe_from_it(
    shop: Shop, trainer: Client, rival: Client
) -> None:
    first = shop.leased(trainer)
    first.fail()
    second = turned_on(first, rival)
    second.lease("second")

    assert (second.job.job_id, second.job.attempt) == (first.job.job_id, 2)
    assert trainer.training.heartbeat(first.job).abandon
    with pytest.raises(FailedPreconditionError, match="attempt 2 does") as caught:
        first.fail()
    assert caught.value.reason == "LEASE_LOST"
    for attack in ATTACKS.values():
        refused(attack, turned_on(second, trainer))
    second.complete()
    assert second.place == "canary.shadow"


def test_a_restart_changes_nothing_about_whose_a_lease_is(authority: Authority, tmp_path: Path) -> None:
    known = {name: authority.machine(name) for name in (TRAINER, RIVAL)}
    tls = authority.path("server").parent
    with secured(tmp_path, tls, known[TRAINER], REMISSION_CLOCK="stream") as target:
        shop = Shop(target, known)
        with shop.as_one(TRAINER) as client:
            before = shop.leased(client)

    with secured(tmp_path, tls, known[TRAINER], REMISSION_CLOCK="stream") as target:
        shop = Shop(target, known)
        with shop.as_one(TRAINER) as trainer, shop.as_one(RIVAL) as rival:
            for attack in ATTACKS.values():
                refused(attack, turned_on(before, rival))
            assert not trainer.training.heartbeat(before.job).abandon
            turned_on(before, trainer).complete()
            assert trainer.audit.verify(before.model).replay_equal
