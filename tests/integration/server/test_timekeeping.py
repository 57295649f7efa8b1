"""A server whose clock is not that of its PostgreSQL says so, and does nothing that only a date calls for."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from server import clockwork
from server.clock import steady_us, wall_us
from server.clockwork import Clockwork
from server.service import Service
from server.settings import Settings
from server.timekeeping import FAR_US, LOOK_US, TOLD_US, behind_us
from server.wiring import build
from store import migrate
from tests.fixtures.postgres import Postgres
from tests.fixtures.services import Feed, a_model

SLACK_US = 60_000_000  #: the slowest answer of a database that these tests bear
YEAR_US = 365 * 86_400_000_000


@pytest.fixture
def settings(tmp_path: Path, postgres: Postgres) -> Settings:
    database, vault = postgres.new_database(), postgres.new_database()
    migrate.upgrade(database)
    return Settings(
        database=database, vault=vault, artifacts=str(tmp_path / "artifacts"), signing_key=str(tmp_path / "log.key")
    )


@pytest.fixture
def service(settings: Settings) -> Iterator[Service]:
    """Give a service that hears nothing of its model, whose timer is due within a year."""
    with closing(build(settings)) as made:
        made.create_model(a_model()).result()
        Feed(made).rows(1)
        yield made


class Shifted:
    """A wall clock that is wrong, beside a steady one that can be moved on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.by_us, self.later_us = 0, 0
        monkeypatch.setattr(clockwork, "wall_us", lambda: wall_us() + self.by_us)
        monkeypatch.setattr(clockwork, "steady_us", lambda: steady_us() + self.later_us)


def ticked(works: Clockwork) -> list[dict[str, Any]]:
    """Let the clock tick once, and give what was said of clocks."""
    with capture_logs() as lines:
        asyncio.run(works.tick())
    return [dict(line) for line in lines if line["event"].startswith("clocks_")]


def moves(service: Service) -> int:
    return len(service.events("m", 0, 1_000))


@pytest.mark.parametrize("sign", [-1, 1])
def test_how_far_two_clocks_are_apart_is_measured_for_certain(service: Service, sign: int) -> None:
    by_us = sign * YEAR_US

    assert behind_us(service.store, wall_us) == 0
    assert 0 <= YEAR_US - abs(behind_us(service.store, lambda: wall_us() + by_us)) <= SLACK_US
    assert behind_us(service.store, lambda: wall_us() + by_us) * sign < 0


def test_a_server_whose_clock_is_a_year_ahead_fires_no_timer_and_says_why(
    service: Service, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    Shifted(monkeypatch).by_us = YEAR_US
    before = moves(service)
    with closing(build(settings, time_us=lambda: wall_us() + YEAR_US)) as wrong:
        works = Clockwork(wrong, settings, None)
        said = ticked(works) + ticked(works)
        while_far = moves(service)
        fired = sum(turn.result() for turn in wrong.fire_timers(wall_us() + YEAR_US))

    assert while_far == before
    assert [line["event"] for line in said] == ["clocks_differ"]
    assert said[0]["then"].startswith("no timer fires here, and nothing is erased by age")
    assert -said[0]["behind_database_seconds"] * 1_000_000 == pytest.approx(YEAR_US, abs=SLACK_US)
    assert fired > 0  # by such a clock


def test_a_clock_that_was_put_right_is_believed_within_a_minute(
    service: Service, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    shifted, works = Shifted(monkeypatch), Clockwork(service, settings, None)
    said = []
    for by_us in (-FAR_US - SLACK_US, -TOLD_US - SLACK_US, 0, 0):
        shifted.by_us = by_us
        shifted.later_us += LOOK_US
        said += ticked(works)

    assert [line["event"] for line in said] == ["clocks_differ", "clocks_differ", "clocks_agree"]
    assert said[1]["then"].startswith("timers fire early or late by so much")
