"""What fails with every tick of the clock is said when it begins and when it works again, and not in between."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from uuid import uuid4

import msgspec
import pytest
import structlog.testing

from server import clockwork
from server.clock import wall_us
from server.clockwork import Clockwork
from server.complaints import ALL, Complaints
from server.service import Service
from server.settings import Settings
from server.wiring import build
from statemachine.record.coding import UnknownEvent
from store.errors import DatabaseUnavailable
from store.vault import PERIOD_US
from tests.fixtures.services import Feed, a_model
from tests.unit.server.test_unreadable import later

UNKNOWN = UnknownEvent("of-later", 1)
AWAY = DatabaseUnavailable("gone")

Line = tuple[str, str, str]


def said(*rounds: tuple[str, dict[str, Exception]]) -> list[Line]:
    """Let works fail in rounds; give event, model and reason of each line of the log."""
    complaints = Complaints()
    with structlog.testing.capture_logs() as lines:
        for work, failures in rounds:
            complaints.heard(work, failures)
    return [(line["event"], line["model"], line.get("reason", "")) for line in lines]


def test_what_fails_is_said_once_and_again_when_it_works() -> None:
    broken: tuple[str, dict[str, Exception]] = ("timers", {"m": UNKNOWN})

    assert said(broken, broken, broken, ("timers", {}), ("timers", {})) == [
        ("fails", "m", "UNKNOWN_EVENT"),
        ("works again", "m", ""),
    ]


def test_a_model_is_named_once_by_however_many_works_and_well_when_all_of_them_work() -> None:
    found = said(("timers", {"m": UNKNOWN}), ("leases", {"m": UNKNOWN}), ("timers", {}), ("leases", {}))

    assert found == [("fails", "m", "UNKNOWN_EVENT"), ("works again", "m", "")]


def test_what_fails_for_another_reason_is_said_anew() -> None:
    found = said(("timers", {"m": UNKNOWN}), ("timers", {"m": KeyError("x")}))

    assert found == [("fails", "m", "UNKNOWN_EVENT"), ("fails", "m", "KeyError")]


def test_a_database_that_is_away_is_said_once_for_all_models_and_heals_none_of_them() -> None:
    found = said(
        ("timers", {"m": UNKNOWN}), ("timers", {"m": AWAY, "n": AWAY}), ("timers", {ALL: AWAY}),
        ("timers", {"m": UNKNOWN}),
    )  # fmt: skip

    assert found == [
        ("fails", "m", "UNKNOWN_EVENT"),
        ("fails", ALL, "DATABASE_UNAVAILABLE"),
        ("works again", ALL, ""),
    ]


@pytest.fixture
def settings() -> Settings:
    """On the system's clock, so that timers tick."""
    return Settings(database="memory://", artifacts=f"memory://{uuid4().hex}", timer_seconds=0.01)


@pytest.fixture
def service(settings: Settings) -> Iterator[Service]:
    """Give a service with a model whose rows wait for a follower, and whose log is of a later release."""
    made = build(settings)
    made.create_model(a_model("broken")).result()
    later(made)
    made.followers.send("broken").exception()
    yield made
    made.close()


def test_a_model_that_is_of_a_later_release_is_logged_once_however_often_the_clock_ticks(
    service: Service, settings: Settings
) -> None:
    clockwork = Clockwork(service, settings, None)

    async def ticks() -> None:
        for _ in range(5):
            await clockwork.tick()

    with structlog.testing.capture_logs() as lines:
        asyncio.run(ticks())

    assert [(line["event"], line["model"], line["reason"]) for line in lines] == [("fails", "broken", "UNKNOWN_EVENT")]


def test_a_model_that_cannot_be_read_is_named_by_what_ages_around_it(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = build(settings)
    for model in ("broken", "whole"):
        service.create_model(a_model(model)).result()
        Feed(service, model).rows(1)
        service.retire_model(model, service.model(model).etag, "").result()  # no timer runs any more that would name it
    later(service)
    passed_us = [0]
    for name in ("steady_us", "wall_us"):
        monkeypatch.setattr(clockwork, name, lambda: wall_us() + sum(passed_us))
    works = Clockwork(service, msgspec.structs.replace(settings, keep_rows_days=1), None)

    passed_us.append(3 * PERIOD_US)
    with structlog.testing.capture_logs() as lines:
        asyncio.run(works.tick())
    erased = [one.model for one in service.privacy.erasures("", 10)]
    service.close()

    assert erased == ["whole"]
    assert [(line["event"], line["work"], line["model"]) for line in lines] == [("fails", "ageing", "broken")]
