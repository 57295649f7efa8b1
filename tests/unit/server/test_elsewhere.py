"""What needs a model that is not in memory has it read beside the writer, and keeps no other model waiting."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import pytest

from retraining.scope import Spec
from server.models import windows
from server.requests import Completion
from server.service import Service
from server.settings import Settings
from server.wiring import build
from store import StoreClosed, Unit, migrate
from store.answers import Answer
from tests.fixtures.jobs import FAR_US, a_report, events, leased
from tests.fixtures.services import Feed, a_model

Ask = Callable[[Service], Answer[Any]]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Name a database with two models, `m` and `n`."""
    made = Settings(database=f"sqlite:///{tmp_path}/log.db", artifacts=str(tmp_path / "blobs"), clock="stream")
    migrate.upgrade(made.database)
    with closing(build(made)) as service:
        for name in ("m", "n"):
            service.create_model(a_model(name)).result()
            Feed(service, name).rows(25)
    return made


@pytest.fixture
def service(settings: Settings) -> Iterator[Service]:
    """Give a service that has just started, and knows `n` alone by heart."""
    with closing(build(settings)) as started:
        going_on(started, "n").rows(5)
        yield started


@pytest.fixture
def training(settings: Settings) -> Iterator[Service]:
    """Give the same, where a worker trains for `m`."""
    with closing(build(settings)) as before:
        before.start_retraining("m", "", "", []).result()
        leased(before)
    with closing(build(settings)) as started:
        going_on(started, "n").rows(5)
        yield started


def going_on(service: Service, model: str) -> Feed:
    feed = Feed(service, model)
    feed.skip_to(service.state(model).row)
    return feed


def a_batch(service: Service) -> Answer[Any]:
    return service.ingest(going_on(service, "m").a_batch(5))


def its_timers(service: Service) -> Answer[Any]:
    return next(turn.done for turn in service.fire_timers(FAR_US) if turn.model == "m")


def an_order(service: Service) -> Answer[Any]:
    return service.start_retraining("m", "", "", [])


def a_result(service: Service) -> Answer[Any]:
    job = service.store.read(lambda reader: reader.job("m-1"))
    assert job is not None
    report = a_report(Spec.from_json(orjson.loads(job.spec)))
    return service.jobs.complete(Completion(job="m-1", attempt=1, report=report, isolation="sealed"))


def its_windows(service: Service) -> Answer[Any]:
    return service.do(lambda unit: windows.taken(service.desk, unit, "m", 1))


def settled(service: Service, ask: Ask) -> list[str]:
    """Name in the order in which they were answered what is asked of `m`, and a batch of `n` that came behind it."""
    order: list[str] = []

    def noted(name: str, _: Answer[Any]) -> None:
        order.append(name)

    batch = going_on(service, "n").a_batch(5)

    def both(_: Unit) -> list[Answer[Any]]:
        answers = {"m": ask(service), "n": service.ingest(batch)}
        for name, answer in answers.items():
            answer.add_done_callback(partial(noted, name))
        return list(answers.values())

    for answer in service.store.submit(both).result():
        answer.result(30)
    return order


@pytest.mark.parametrize("ask", [a_batch, its_timers, an_order, its_windows])
def test_what_needs_a_model_that_is_not_in_memory_keeps_no_other_waiting(service: Service, ask: Ask) -> None:
    before = service.desk.knows("m")

    assert (before, settled(service, ask), service.desk.knows("m")) == (False, ["n", "m"], True)


def test_a_result_of_a_worker_keeps_no_other_waiting(training: Service) -> None:
    assert settled(training, a_result) == ["n", "m"]
    assert "gates_judged" in events(training)


def test_a_model_that_is_in_memory_is_answered_in_its_turn(service: Service) -> None:
    going_on(service, "m").rows(5)

    assert settled(service, its_windows) == ["m", "n"]


def test_a_model_of_another_policy_is_read_beside_the_writer(service: Service) -> None:
    going_on(service, "m").rows(5)
    service.update_model("m", "", None, None, json.dumps({"windows": {"rows": 30}})).result()

    assert settled(service, its_windows) == ["n", "m"]
    assert service.store.read(lambda reader: service.desk.watch(reader, "m")).window_rows == 30


def test_a_model_that_was_retired_is_read_beside_the_writer(service: Service) -> None:
    service.retire_model("m", "", "").result()

    assert settled(service, its_windows) == ["n", "m"]


def test_many_who_need_one_model_have_it_read_once(service: Service) -> None:
    def ask(unit: Unit) -> list[Answer[Any]]:
        del unit
        return [service.do(lambda unit: service.desk.watch(unit, "m")) for _ in range(10)]

    found = [answer.result(30) for answer in service.store.submit(ask).result()]

    assert len({id(watch) for watch in found}) == 1


def test_a_server_that_ends_reads_no_model_again(service: Service) -> None:
    service.recall.leave()

    assert isinstance(a_batch(service).exception(30), StoreClosed)
    going_on(service, "n").rows(5)
