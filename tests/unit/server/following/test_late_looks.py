"""A timer is fired on all that was taken in, by whichever server, whether its follower has looked at it or not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from uuid import uuid4

import pytest

from server import ingestion
from server.requests import MetricsBatch, Point
from server.service import Service
from server.settings import Settings
from server.wiring import build
from tests.fixtures.services import a_model

SECOND_US = 1_000_000


class Set:
    """A clock that is set by hand."""

    follows_stream = False

    def __init__(self, shows_us: int) -> None:
        self.shows_us = shows_us

    def now_us(self, watermark_us: int) -> int:
        """Give what it is set to."""
        del watermark_us
        return self.shows_us


@pytest.fixture
def service() -> Iterator[Service]:
    """Give a service on the system's clock, with a model that falls silent after a minute."""
    made = build(Settings(database="memory://", artifacts=f"memory://{uuid4().hex}"))
    made.create_model(replace(a_model(), policy={"timers": {"silence_seconds": 60}})).result()
    yield made
    made.close()


def taken_in_by_another(service: Service, at_us: int) -> None:
    """Take a point in as another server does; nobody here is told."""
    point = Point(name="rate", time_us=at_us, value=0.1, higher_is_worse=True, tolerance=0.2)
    batch = MetricsBatch(model="m", request_id=f"at-{at_us}", points=[point])
    service.do(lambda unit: ingestion.ingest_metrics(service.desk, unit, batch)).result()


def test_what_has_come_is_no_silence_though_nobody_has_looked_at_it(service: Service) -> None:
    entered_us = service.state("m").entered_us
    late = Set(entered_us + 61 * SECOND_US)
    service.desk.clock = service.desk.act._clock = late  # noqa: SLF001 - both show the same
    taken_in_by_another(service, entered_us + 60 * SECOND_US)

    sum(one.result() for one in service.fire_timers(late.shows_us))

    assert service.state("m").state == "healthy"
    late.shows_us += 120 * SECOND_US
    sum(one.result() for one in service.fire_timers(late.shows_us))
    assert service.state("m").reason == "NO_DATA"
