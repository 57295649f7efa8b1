"""Servers that share one database: what one of them remembers is never older, or other, than what is on record."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest

from server import ingestion
from server.act import CERTIFICATE, SERVICE, Caller
from server.aside import MOST_BEHIND
from server.errors import LeaseUsedUp, NotTheHolder
from server.intake.admission import Intake
from server.jobs.allowance import MOST_UPLOADS
from server.models import registration
from server.requests import MetricsBatch, Point, Receipt
from server.service import Service
from server.settings import Settings
from server.watching.watch import Watch
from server.wiring import build
from statemachine.commands import FireTimer
from statemachine.errors import StaleLease
from store import Unit, migrate
from store.answers import Answer
from tests.fixtures.jobs import FAR_US, WORKER, expire, hand_in, leased, won
from tests.fixtures.postgres import Postgres
from tests.fixtures.services import REFERENCE_ROWS, Feed, a_model

CUT = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid != pg_backend_pid()"
)
Replica = Callable[[], Service]


@pytest.fixture
def url(postgres: Postgres) -> str:
    """Give a migrated database."""
    address = postgres.new_database()
    migrate.upgrade(address)
    return address


@pytest.fixture
def replica(url: str, postgres: Postgres, tmp_path: Path) -> Iterator[Replica]:
    """Give servers of one database and one vault."""
    vault, made = postgres.new_database(), list[Service]()

    def make() -> Service:
        settings = Settings(
            database=url,
            vault=vault,
            artifacts=f"memory://{tmp_path.name}",
            clock="stream",
            signing_key=str(tmp_path / "log.key"),
        )
        made.append(build(settings))
        return made[-1]

    yield make
    for service in made:
        service.store.close()


def cut(url: str) -> None:
    """Take every connection from everybody, as the database does from who holds the head for too long."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(CUT)


def owner(service: Service) -> str:
    return service.model("m").owner


def test_work_that_is_done_again_sees_what_another_server_has_written_meanwhile(url: str, replica: Replica) -> None:
    first, second = replica(), replica()
    first.create_model(a_model()).result()
    seen: list[str] = []

    def work(unit: Unit) -> None:
        seen.append(first.desk.health(unit, "m").owner)
        registration.update_model(first.desk, unit, "m", "", f"first-{len(seen)}", None, None, SERVICE)
        if len(seen) == 1:
            cut(url)
            second.update_model("m", "", "second", None, None).result()

    first.do(work).result()

    assert seen == ["risk", "second"]
    assert owner(first) == owner(second) == "first-2"
    assert [event.version for event in first.events("m", 0, 100)] == [1, 2, 3, 4]


def test_points_that_were_never_acknowledged_are_forgotten_when_another_server_takes_their_place(
    url: str, replica: Replica
) -> None:
    first, second = replica(), replica()
    first.create_model(a_model()).result()
    intake(first)  # so that the work need not wait for it
    runs: list[int] = []

    def work(unit: Unit) -> Receipt:
        runs.append(unit.feed_head("m").seq)
        answer = ingestion.ingest_metrics(first.desk, unit, points(at_us=9))
        if len(runs) == 1:
            cut(url)
            second.ingest_metrics(points(at_us=5)).result()
        return answer

    receipt = first.do(work).result()

    assert (receipt.accepted, runs[1] - runs[0]) == (1, 1)
    assert [point_times(one) for one in (first, second)] == [{"rate": 9}] * 2


def test_a_model_that_was_never_created_leaves_no_schema_behind(url: str, replica: Replica) -> None:
    first, second = replica(), replica()
    other = replace(a_model(), request_id="other", features=a_model().features[:1])
    assert other.reference is not None
    other.reference.columns.pop("colour")
    runs: list[int] = []

    def work(unit: Unit) -> int:
        runs.append(unit.version("m"))
        if len(runs) == 1:
            registration.create_model(first.desk, unit, a_model(), SERVICE)
            cut(url)
            second.create_model(other).result()
        return len(first.desk.schema(unit, "m").features)

    assert first.do(work).result() == 1
    assert runs == [0, 2]


def test_a_server_reads_on_where_another_has_written_and_adds_up_the_same(replica: Replica) -> None:
    first, second = replica(), replica()
    first.create_model(a_model()).result()
    feeds = [Feed(first), Feed(second)]
    known = [(intake(one), watch(one)) for one in (first, second)]

    for turn in range(6):
        feed = feeds[turn % 2]
        feed.skip_to(REFERENCE_ROWS + 20 * turn)
        feed.labels(feed.rows(20), [0.0, 1.0] * 10)

    third = replica()
    for one, (before, looked) in zip((first, second), known, strict=True):
        assert intake(one) is before
        assert watch(one) is looked
        assert intake(one).row_of == intake(third).row_of
        assert intake(one).label_of == intake(third).label_of
        assert watch(one).blocks == watch(third).blocks != []
        assert [w.to_json() for w in watch(one).windows] == [w.to_json() for w in watch(third).windows] != []


@pytest.mark.parametrize(
    ("turns", "order"),
    [(MOST_BEHIND // 2, ["m", "n"]), (MOST_BEHIND // 2 + 1, ["n", "m"])],
    ids=["a_little", "much"],
)
@pytest.mark.parametrize("asks", ["a batch", "its windows"])
def test_what_another_server_has_written_much_of_is_read_on_beside_the_writer(
    replica: Replica, turns: int, order: list[str], asks: str
) -> None:
    first, second = replica(), replica()
    for name in ("m", "n"):
        first.create_model(a_model(name)).result()
    Feed(second, "n").rows(5)
    before = intake(second), watch(second)
    written, sends = Feed(first), Feed(second)
    for _ in range(turns):
        written.labels(written.rows(10), [0.0, 1.0] * 5)
    sends.skip_to(written.next_row)
    batch = sends.a_batch(5)

    def ask() -> Answer[Any]:
        return second.ingest(batch) if asks == "a batch" else second.do(lambda unit: second.desk.watch(unit, "m"))

    found = answered(second, ask)

    assert found == order
    assert (intake(second) is before[0], watch(second) is before[1]) == (True, True)  # read on, and not made anew
    third = replica()
    assert (intake(second).row_of, intake(second).label_of) == (intake(third).row_of, intake(third).label_of)
    assert watch(second).blocks == watch(third).blocks != []
    assert [w.to_json() for w in watch(second).windows] == [w.to_json() for w in watch(third).windows] != []


def answered(service: Service, ask: Callable[[], Answer[Any]]) -> list[str]:
    """Name in the order of their answers what is asked of `m`, and a batch of `n` that comes behind it."""
    order, feed = list[str](), Feed(service, "n")

    def noted(name: str, _: Answer[Any]) -> None:
        order.append(name)

    feed.skip_to(service.state("n").row)
    batch = feed.a_batch(5)

    def both(_: Unit) -> list[Answer[Any]]:
        answers = {"m": ask(), "n": service.ingest(batch)}
        for name, answer in answers.items():
            answer.add_done_callback(partial(noted, name))
        return list(answers.values())

    for answer in service.store.submit(both).result():
        answer.result(30)
    return order


def test_an_attempt_is_refused_once_another_server_has_given_its_job_to_somebody_else(replica: Replica) -> None:
    first, second = replica(), replica()
    first.create_model(a_model()).result()
    first.start_retraining("m", "", "try", [], WORKER).result()
    stale = leased(first, "slow")
    assert expire(second) == 1
    fresh = leased(second, "quick")

    assert (stale.job, stale.attempt, fresh.attempt) == (fresh.job, 1, 2)
    assert first.jobs.heartbeat(stale.job, stale.attempt, 0, "").result()[1]
    with pytest.raises(StaleLease, match="attempt 2 does"):
        hand_in(first, stale, won(stale))
    with pytest.raises(StaleLease, match="attempt 2 does"):
        first.jobs.fail(stale.job, stale.attempt, "crashed", "").result()
    assert second.jobs.heartbeat(fresh.job, fresh.attempt, 0, "").result()[1] is False


def test_a_lease_belongs_to_who_took_it_at_every_server(replica: Replica) -> None:
    first, second = replica(), replica()
    first.create_model(a_model()).result()
    first.start_retraining("m", "", "try", [], WORKER).result()
    ann, bob = (
        Caller(actor=one.privacy.actors.of(name), authentication=CERTIFICATE, name=name)
        for one, name in ((first, "ann"), (second, "bob"))
    )
    job = first.jobs.lease("w", caller=ann).result()
    assert job is not None

    with pytest.raises(NotTheHolder):
        second.jobs.heartbeat(job.job, job.attempt, 0, "", bob).result()
    with pytest.raises(NotTheHolder):
        second.jobs.begin_upload(job.job, job.attempt, 1, bob).result()
    at_second = Caller(actor=second.privacy.actors.of("ann"), authentication=CERTIFICATE, name="ann")
    assert not second.jobs.heartbeat(job.job, job.attempt, 0, "", at_second).result()[1]
    for number in range(MOST_UPLOADS):
        (first, second)[number % 2].jobs.begin_upload(job.job, job.attempt, 1, ann).result()
    with pytest.raises(LeaseUsedUp):
        second.jobs.begin_upload(job.job, job.attempt, 1, ann).result()


def test_workers_that_ask_two_servers_at_once_get_no_job_twice(replica: Replica) -> None:
    servers = [replica(), replica()]
    for name in ("m", "n", "o"):
        servers[0].create_model(a_model(name)).result()
        servers[0].start_retraining(name, "", "try", [], WORKER).result()

    asked = [servers[number % 2].jobs.lease(f"w-{number}") for number in range(6)]
    found = [job for one in asked if (job := one.result()) is not None]

    assert sorted(job.model for job in found) == ["m", "n", "o"]
    assert {job.attempt for job in found} == {1}


def test_the_clockworks_of_two_servers_fire_a_timer_once(replica: Replica) -> None:
    servers = [replica(), replica()]
    for name in ("m", "n", "o"):
        servers[0].create_model(a_model(name)).result()
        servers[0].start_retraining(name, "", "try", [], WORKER).result()
    due = max(timer.due_us for timer in servers[0].store.read(lambda reader: reader.timers_due(FAR_US)))
    before = len(servers[0].events("", 0, 1_000))

    fired = [one for number in range(6) for one in servers[number % 2].fire_timers(due)]
    events = [one.result() for one in fired]

    told = [event for event in servers[1].events("", 0, 1_000)[before:] if event.type == "state_changed"]
    assert sorted(event.stream for event in told) == ["m", "n", "o"]
    assert sum(events) == len(servers[0].events("", 0, 1_000)) - before


def test_a_timer_of_a_visit_that_another_server_has_ended_does_nothing(replica: Replica) -> None:
    first, second = replica(), replica()
    first.create_model(a_model()).result()
    first.start_retraining("m", "", "try", [], WORKER).result()
    (timer,) = first.store.read(lambda reader: reader.timers("m"))
    second.operate("abort", "m", "", "", WORKER).result()
    stale = FireTimer(name=timer.name, visit=timer.visit, at_row=0)

    before = len(first.events("m", 0, 100))
    done = first.do(lambda unit: first.desk.act(unit, "m", stale, timer.due_us)).result()

    assert (done, len(first.events("m", 0, 100))) == ((), before)


def test_rows_that_a_dead_server_took_in_are_looked_at_by_another(replica: Replica) -> None:
    first, second = replica(), replica()
    for name in ("m", "n"):
        first.create_model(a_model(name)).result()
    assert second.followers.send_to_neglected() == []
    first.do(lambda unit: ingestion.ingest_metrics(first.desk, unit, points(at_us=5))).result()
    assert second.followers.send_to_neglected() == []  # its own server may be on the way

    (followed,) = second.followers.send_to_neglected()

    followed.result()
    assert watch(second).seq == intake(second).next_seq - 1
    assert [second.followers.send_to_neglected() for _ in range(2)] == [[], []]


def intake(service: Service) -> Intake:
    return service.do(lambda unit: service.desk.intake(unit, "m")).result()


def watch(service: Service) -> Watch:
    return service.do(lambda unit: service.desk.watch(unit, "m")).result()


def points(at_us: int) -> MetricsBatch:
    point = Point(name="rate", time_us=at_us, value=0.1, higher_is_worse=True, tolerance=0.2)
    return MetricsBatch(model="m", request_id=f"at-{at_us}", points=[point])


def point_times(service: Service) -> dict[str, int]:
    return {name: one.reached_us for name, one in intake(service).series.items()}
