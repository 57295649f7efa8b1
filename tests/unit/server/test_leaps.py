"""A clock that leaps is not believed for a minute: what it would have fired waits, and is told of."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing
from functools import partial

import pytest
from structlog.testing import capture_logs

from server import clockwork
from server.clock import steady_us, wall_us
from server.clockwork import Clockwork
from server.service import Service
from server.settings import Settings
from server.timekeeping import FAR_US, LOOK_US, UNTIL, Timekeeper, look_back
from server.wiring import build
from store import open_store
from store.records import Checkpoint
from tests.fixtures.services import Feed, a_model
from tests.fixtures.work import keeping

YEAR_US = 365 * 86_400_000_000


class Clocks:
    """A wall clock that can be set, and a steady one that can be moved on."""

    def __init__(self) -> None:
        self.set_by_us, self.later_us = 0, 0

    def wall_us(self) -> int:
        return wall_us() + self.set_by_us + self.later_us

    def steady_us(self) -> int:
        return steady_us() + self.later_us


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    made = Clocks()
    monkeypatch.setattr(clockwork, "wall_us", made.wall_us)
    monkeypatch.setattr(clockwork, "steady_us", made.steady_us)
    return made


@pytest.fixture
def settings() -> Settings:
    return Settings(database="memory://", artifacts="memory://leaps")


@pytest.fixture
def service(settings: Settings, clocks: Clocks) -> Iterator[Service]:
    """Give a service that hears nothing of its model, whose timer is due within a year."""
    with closing(build(settings, time_us=clocks.wall_us)) as made:
        made.create_model(a_model()).result()
        Feed(made).rows(1)
        yield made


def moves(service: Service) -> int:
    return len(service.events("m", 0, 1_000))


def test_a_clock_that_leaps_ahead_and_back_fires_nothing(service: Service, settings: Settings, clocks: Clocks) -> None:
    works, before = Clockwork(service, settings, None), moves(service)
    with capture_logs() as lines:
        for clocks.set_by_us in (0, YEAR_US, YEAR_US, 0, 0):
            asyncio.run(works.tick())

    said = [line for line in lines if line["event"] == "clock_leapt"]
    assert moves(service) == before
    assert [abs(abs(line["seconds"]) - YEAR_US // 1_000_000) <= 60 for line in said] == [True, True]
    assert [line["seconds"] > 0 for line in said] == [True, False]


def test_a_clock_that_has_leapt_and_stays_there_is_believed_after_a_minute(
    service: Service, settings: Settings, clocks: Clocks
) -> None:
    works, before, seen = Clockwork(service, settings, None), moves(service), list[bool]()
    for clocks.set_by_us, later_us in ((0, 0), (YEAR_US, 0), (YEAR_US, LOOK_US - 30_000_000), (YEAR_US, LOOK_US)):
        clocks.later_us = later_us
        asyncio.run(works.tick())
        seen.append(moves(service) > before)

    assert seen == [False, False, False, True]


def test_time_that_passes_while_nobody_looks_is_no_leap() -> None:
    with closing(open_store("memory://", clock_us=lambda: 7)) as store, capture_logs() as lines:
        keeper = Timekeeper(store)
        for at_us in (0, FAR_US * 9, FAR_US * 10):
            keeper.look(at_us, partial(int.__add__, YEAR_US, at_us))

    assert (keeper.is_far, lines) == (False, [])


@pytest.mark.parametrize(("ahead_us", "told"), [(0, []), (5_000_000, []), (5_000_001, [5]), (YEAR_US, [31_536_000])])
def test_a_log_that_was_signed_later_than_it_is_is_told_of(ahead_us: int, told: list[int]) -> None:
    signed = Checkpoint(epoch=1, size=1, root="", note=b"", created_us=YEAR_US + ahead_us)
    with closing(open_store("memory://", clock_us=lambda: 7)) as store, capture_logs() as lines:
        look_back(store, YEAR_US)
        store.run(keeping(signed))
        look_back(store, YEAR_US)

    assert [(line["seconds"], line["then"]) for line in lines] == [(seconds, UNTIL) for seconds in told]
