"""Servers on one PostgreSQL whose clocks do not agree: nothing that is promised rests on whose clock is right."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import numpy as np
import psycopg
import pytest
from msgspec import structs
from sqlalchemy import make_url

from server import clock
from server.act import SERVICE
from server.history.moments import Moment
from server.jobs.vigil import LEASE_US
from server.models import holding
from server.privacy import erasures
from server.privacy.ageing import Retention
from server.service import Service
from server.settings import Settings
from server.views import JobView
from server.wiring import build
from store import DatabaseUnavailable, migrate
from store.vault import Vault, open_vault
from tests.fixtures.jobs import WORKER, leased
from tests.fixtures.postgres import Postgres
from tests.fixtures.servers import ROOT
from tests.fixtures.services import REFERENCE_ROWS, Feed, a_model

MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US
SPREAD = (-10, 0, 10)  #: minutes by which the clocks of three servers are wrong


def shifted(by_us: int) -> Callable[[], int]:
    """Give a clock that differs from this machine's."""
    return lambda: clock.wall_us() + by_us


@pytest.fixture
def settings(tmp_path: Path, postgres: Postgres) -> Settings:
    database, vault = postgres.new_database(), postgres.new_database()
    migrate.upgrade(database)
    return Settings(
        database=database, vault=vault, artifacts=str(tmp_path / "artifacts"), clock="stream",
        signing_key=str(tmp_path / "log.key"),
    )  # fmt: skip


@pytest.fixture
def pair(settings: Settings) -> Iterator[tuple[Service, Service]]:
    """Two servers on one database and one vault; the clock of the second is ten minutes ahead."""
    with ExitStack() as stack:
        first = stack.enter_context(closing(build(settings)))
        first.create_model(a_model()).result()
        yield first, stack.enter_context(closing(build(settings, time_us=shifted(10 * MINUTE_US))))


@pytest.fixture
def again(settings: Settings) -> Callable[[], int]:
    """Start a server as after a restart, and count the keys that are alive since."""

    def started() -> int:
        with closing(build(settings)) as service:
            service.privacy.destroy_again()
        with closing(open_vault(settings.vault, clock_us=clock.wall_us)) as vault:
            return alive(vault)

    return started


def alive(vault: Vault) -> int:
    return sum(key.destroyed_us is None for key in vault.find("rows"))


def erased(service: Service) -> list[bool]:
    """Say of every row whether it is erased, as a server has it at hand."""
    tape = service.store.read(lambda reader: service.desk.watch(reader, "m")).tape
    return [bool(one) for one in np.isnan(tape.features(REFERENCE_ROWS, tape.end)[:, 0])]


def remedied(service: Service) -> JobView:
    """Have a worker begin to train."""
    service.start_retraining("m", "", "try", [], WORKER).result()
    return leased(service)


def looked(service: Service, at_us: int) -> list[bool]:
    """Have a server look at leases at a moment of its steady clock, and say which workers lost theirs."""
    return [one.result() for one in service.jobs.expire(at_us)]


@pytest.mark.parametrize("gives", [0, 1])
def test_a_lease_is_neither_stolen_nor_kept_by_a_server_whose_clock_differs(
    pair: tuple[Service, Service], gives: int
) -> None:
    giver, other = pair[gives], pair[1 - gives]
    job = remedied(giver)
    first = looked(other, 0), looked(giver, 5)
    told = giver.jobs.heartbeat(job.job, job.attempt, 0, "").result()[1]
    second = looked(other, LEASE_US), looked(giver, 5 + LEASE_US)
    last = looked(other, 2 * LEASE_US), looked(giver, 5 + 2 * LEASE_US)

    assert (first, told, second) == (([], []), False, ([], []))
    assert last == ([True], [])


def test_a_lease_lasts_a_minute_though_the_clock_of_its_server_goes_back_an_hour(settings: Settings) -> None:
    jumped = [0]
    with closing(build(settings, time_us=lambda: clock.wall_us() + jumped[0])) as service:
        service.create_model(a_model()).result()
        job = remedied(service)
        looks = [looked(service, 0)]
        jumped[0] = -HOUR_US
        service.jobs.heartbeat(job.job, job.attempt, 0, "").result()
        looks += [looked(service, at_us) for at_us in (LEASE_US, 2 * LEASE_US - 1, 2 * LEASE_US)]

    assert looks == [[], [], [], [True]]


def let_in(postgres: Postgres, database: str, *, yes: bool) -> None:
    """Have a database let servers in, or be away."""
    name = make_url(database).database
    with psycopg.connect(postgres.uri, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS {yes}".encode())
        if not yes:
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))


def test_a_database_that_was_away_takes_no_lease(settings: Settings, postgres: Postgres) -> None:
    with closing(build(settings)) as service:
        service.create_model(a_model()).result()
        remedied(service)
        first = looked(service, 0)
        let_in(postgres, settings.database, yes=False)
        with pytest.raises(DatabaseUnavailable):
            service.jobs.expire(LEASE_US // 2)
        let_in(postgres, settings.database, yes=True)
        back, early, late = (looked(service, at_us) for at_us in (LEASE_US, 2 * LEASE_US - 1, 2 * LEASE_US))

    assert (first, back, early, late) == ([], [], [], [True])


def test_rows_that_a_server_ahead_took_in_are_erased_by_one_that_is_behind(pair: tuple[Service, Service]) -> None:
    behind, ahead = pair
    Feed(ahead).rows(2, subjects=["ann"])
    found = behind.privacy.erase_subject("ann", "", "e-1")

    assert (found.status, [one.rows for one in found.models]) == (erasures.DONE, [2])
    assert erased(behind) == erased(ahead) == [True, True]


def test_an_actor_whom_a_server_ahead_has_named_is_forgotten_by_one_that_is_behind(
    pair: tuple[Service, Service],
) -> None:
    behind, ahead = pair
    actor = ahead.privacy.actors.of("ann@bank.example")
    behind.privacy.forget_actor(actor, "", "e-1")

    assert [(one.actor, one.name) for one in ahead.privacy.who([actor], [])] == [(actor, None)]


def test_rows_that_come_after_an_erasure_by_a_server_ahead_stay_when_one_starts(
    pair: tuple[Service, Service], again: Callable[[], int]
) -> None:
    behind, ahead = pair
    sender = Feed(behind)
    ahead.privacy.erase_subject("ann", "", "e-1")  # before anything is known of her
    sender.rows(2, subjects=["ann"])
    ahead.privacy.erase_subject("ann", "", "e-2")
    sender.rows(3, subjects=["ann"])

    assert again() == 1
    assert erased(behind) == [True, True, False, False, False]
    assert behind.verify().failures == []


def test_what_the_log_tells_of_an_erasure_of_events_by_a_server_far_ahead_stays_when_one_starts(
    pair: tuple[Service, Service], settings: Settings
) -> None:
    behind, _ = pair
    behind.retire_model("m", "", "").result()
    behind.privacy.erase_old(Retention(events_days=200), shifted(400 * 24 * HOUR_US)())
    with closing(build(settings)) as started:
        started.privacy.destroy_again()
        told = started.events("m", 0, 1_000)

    assert [event.type for event in told if event.payload] == ["erased"]


class Time:
    """What a clock of the tests shows; servers differ from it by as much as they were told."""

    def __init__(self) -> None:
        self.now_us = clock.wall_us()

    def shifted(self, by_us: int) -> Callable[[], int]:
        return lambda: self.now_us + by_us


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def three(settings: Settings, time: Time) -> Iterator[list[Service]]:
    """Three servers on the system's clock, which is ten minutes behind, right, and ten minutes ahead."""
    of_system = structs.replace(settings, clock="system")
    with ExitStack() as stack:
        yield [stack.enter_context(closing(build(of_system, time_us=time.shifted(by * MINUTE_US)))) for by in SPREAD]


def waiting(services: list[Service], names: str) -> int:
    """Have models wait for a worker, each asked of another server; say when the last of their timers is due."""
    for number, name in enumerate(names):
        one = services[number % len(services)]
        one.create_model(a_model(name)).result()
        one.start_retraining(name, "", "try", [], WORKER).result()
    return max(timer.due_us for timer in services[0].store.read(lambda reader: reader.timers_due(1 << 60)))


def abandoned(service: Service) -> list[str]:
    """Name the models whose remedy was given up for want of a worker, as often as it was."""
    events = service.events("", 0, 1_000, ("state_changed",))
    return sorted(one.stream for one in events if b"NO_WORKER" in (one.payload or b""))


def fire(services: list[Service], time: Time) -> None:
    """Have the clockworks of all servers look at timers at the same time, each by its own clock."""
    clocks = zip(services, SPREAD if len(services) > 1 else (0,), strict=True)
    begun = [one for service, by in clocks for one in service.fire_timers(time.now_us + by * MINUTE_US)]
    for one in begun:
        one.result()


def test_timers_fire_once_each_whichever_of_three_clocks_is_right(three: list[Service], time: Time) -> None:
    due_us = waiting(three, "mnopqr")
    seen = []
    for now_us in range(due_us - 40 * MINUTE_US, due_us + 20 * MINUTE_US, 10 * MINUTE_US):
        time.now_us = now_us
        fire(three, time)
        seen.append(len(abandoned(three[0])))

    assert abandoned(three[1]) == list("mnopqr")
    assert seen == sorted(seen)
    assert seen[0] == 0
    assert three[2].verify().failures == []


def test_what_happens_after_a_clock_was_set_back_is_dated_behind_the_last_move_and_loses_no_timer(
    settings: Settings, time: Time
) -> None:
    with closing(build(structs.replace(settings, clock="system"), time_us=time.shifted(0))) as service:
        service.create_model(a_model()).result()
        time.now_us += 24 * HOUR_US  # ahead a day, for a while
        service.start_retraining("m", "", "try", [], WORKER).result()
        moved = service.events("m", 0, 100)[-1]
        time.now_us -= 25 * HOUR_US
        service.do(lambda unit: holding.place(service.desk, unit, "m", "a case", SERVICE)).result()
        after = service.events("m", 0, 100)[-1]
        (timer,) = service.store.read(lambda reader: reader.timers("m"))
        early = service.fire_timers(time.now_us)
        time.now_us = timer.due_us
        fire([service], time)
        stood = service.as_of("m", Moment("at_us", moved.occurred_us))
        given_up, found = abandoned(service), service.verify()

    assert (after.recorded_us < moved.recorded_us, after.occurred_us) == (True, moved.occurred_us)
    assert (early, given_up) == ([], ["m"])
    assert (str(stood.health.place), stood.recorded.position) == ("retraining.queued", after.position)
    assert found.failures == []


#: Fires timers as a server's clockwork does, and dies with what it took, before it commits.
DOOMED = """
import os, signal, sys
from server.settings import Settings
from server.wiring import build
from store.sql.store import SqlTransaction

service = build(Settings(**{settings!r}))
SqlTransaction.commit = lambda self: os.kill(os.getpid(), signal.SIGKILL)
[one.result() for one in service.fire_timers(1 << 60)]
"""


def test_timers_that_a_killed_server_had_taken_are_fired_by_others_once(
    settings: Settings, three: list[Service], time: Time
) -> None:
    time.now_us = waiting(three, "mno") + 10 * MINUTE_US
    program = DOOMED.format(settings={**structs.asdict(settings), "clock": "system"})
    doomed = subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False, capture_output=True)
    before = abandoned(three[0])
    fire(three, time)

    assert doomed.returncode == -signal.SIGKILL, doomed.stderr
    assert (before, abandoned(three[0])) == ([], ["m", "n", "o"])
    assert three[1].verify().failures == []
