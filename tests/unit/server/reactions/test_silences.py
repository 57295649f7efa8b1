"""A declared signal that falls silent is a finding, by the clock alone, and is made again from its evidence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from uuid import uuid4

import pytest

from server.act import Caller
from server.ingestion import ingest_metrics
from server.requests import MetricsBatch, Point
from server.service import Service
from server.settings import Settings
from server.wiring import build
from statemachine.externals import ExternalSignal
from statemachine.replay import fact_in
from statemachine.timers import SIGNALS
from tests.fixtures.services import a_model

SECOND_US = 1_000_000
DAY_US = 86_400 * SECOND_US


class Set:
    """A clock that is set by hand."""

    follows_stream = False

    def __init__(self, shows_us: int) -> None:
        self.shows_us = shows_us

    def now_us(self, watermark_us: int) -> int:
        """Give what it is set to."""
        del watermark_us
        return self.shows_us


class Watched:
    """A service with a model whose signal may miss two minutes, and a clock that is set by hand."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.clock = Set(DAY_US)
        service.desk.clock = service.desk.act._clock = self.clock  # noqa: SLF001 - both show the same
        waited = ExternalSignal(name="rate", unit="ms", tolerance=1.0, interval_seconds=60, silent_after=2)
        patient = ExternalSignal(name="calm", tolerance=1.0, interval_seconds=3_600, silent_after=2)
        service.create_model(replace(a_model(), signals=[waited, patient])).result()

    def ticks(self, seconds: int) -> int:
        """Let so much time pass; say how much came of timers."""
        self.clock.shows_us += seconds * SECOND_US
        return sum(one.result() for one in self.service.fire_timers(self.clock.shows_us))

    def hears(self) -> None:
        point = Point(name="rate", time_us=self.clock.shows_us, value=0.1)
        self.service.ingest_metrics(MetricsBatch(model="m", request_id=uuid4().hex, points=[point])).result()

    def takes_in_unseen(self) -> None:
        """Take a point in as another server does; nobody here is told."""
        point = Point(name="rate", time_us=self.clock.shows_us, value=0.1)
        batch = MetricsBatch(model="m", request_id=uuid4().hex, points=[point])
        self.service.do(lambda unit: ingest_metrics(self.service.desk, unit, batch)).result()

    def follows(self) -> None:
        self.service.followers.send("m").result()

    def due_us(self) -> int | None:
        """Say when the timer of signals is due; None where it does not run."""
        found = self.service.store.read(lambda reader: reader.timer("m", SIGNALS))
        return found.due_us if found else None

    def told(self) -> list[str]:
        facts = [fact_in(event) for event in self.service.events("m", 0, 100)]
        return [f"{one.name} {getattr(one, 'subject', '')}" for one in facts if one.name.startswith("signal_")]


@pytest.fixture
def watched() -> Iterator[Watched]:
    service = build(Settings(database="memory://", artifacts=f"memory://{uuid4().hex}"))
    yield Watched(service)
    service.close()


def test_the_clock_alone_finds_a_silence_and_a_point_ends_it(watched: Watched) -> None:
    watched.ticks(119)
    before = watched.service.state("m").silent
    watched.ticks(1)
    silent = watched.service.state("m")
    watched.hears()
    watched.follows()

    assert before == ()
    assert (silent.state, silent.silent) == ("healthy", ("rate",))
    assert watched.service.state("m").silent == ()
    assert watched.told() == ["signal_silenced rate", "signal_heard rate"]


def test_a_silence_is_noted_once_however_often_one_looks(watched: Watched) -> None:
    noted = [watched.ticks(200) for _ in range(5)]

    assert noted == [1, 0, 0, 0, 0]
    assert watched.told() == ["signal_silenced rate"]


def test_whoever_is_heard_in_time_is_not_silent(watched: Watched) -> None:
    for _ in range(10):
        watched.ticks(110)
        watched.hears()
        watched.follows()

    assert watched.told() == []


def test_what_came_while_nobody_looked_is_no_silence(watched: Watched) -> None:
    for _ in range(9):
        watched.clock.shows_us += 60 * SECOND_US
        watched.takes_in_unseen()
    watched.ticks(30)

    assert watched.told() == []


def test_each_signal_has_its_own_patience(watched: Watched) -> None:
    watched.ticks(7_199)
    watched.ticks(1)

    assert watched.told() == ["signal_silenced rate", "signal_silenced calm"]
    assert watched.service.state("m").silent == ("calm", "rate")


def test_a_timer_of_their_own_is_due_when_the_first_signal_would_be_silent(watched: Watched) -> None:
    declared_us = watched.clock.shows_us
    due = [watched.due_us()]
    for seconds in (1, 119, 7_080):
        watched.ticks(seconds)
        due.append(watched.due_us())

    assert due == [declared_us, declared_us + 120 * SECOND_US, declared_us + 7_200 * SECOND_US, None]


def test_silence_is_found_in_every_state_by_the_clock_alone(watched: Watched) -> None:
    watched.service.start_retraining("m", "", "", [], Caller(actor="ann", authentication="test")).result()
    before = watched.service.state("m").state
    watched.ticks(120)

    assert (before, watched.service.state("m").silent) == ("retraining", ("rate",))


def test_nothing_is_waited_for_once_the_model_is_retired(watched: Watched) -> None:
    watched.service.retire_model("m", "", "").result()
    watched.ticks(120)

    assert (watched.due_us(), watched.told()) == (None, [])


def test_a_held_model_is_told_of_silence_too(watched: Watched) -> None:
    watched.service.operate("hold", "m", "", "").result()
    watched.ticks(2 * 86_400)

    assert watched.service.state("m").silent == ("calm", "rate")


def test_every_finding_is_made_again_from_its_evidence(watched: Watched) -> None:
    watched.ticks(120)
    watched.hears()
    watched.follows()

    found = watched.service.verify()

    assert (found.failed, found.replay_equal, found.decisions, found.rederived) == (0, True, 2, 2)
