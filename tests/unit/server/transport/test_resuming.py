"""Watchers who come late are caught up one at a time, and those who have caught up do not wait for them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from remission.v1.health_pb2 import WatchStatesRequest, WatchStatesResponse

from server.service import Service
from server.transport.calls import read
from server.transport.states import HealthServicer
from server.transport.wake import Bell
from tests.fixtures.services import a_model, a_service

WATCHERS, MOVES = 5, 6
PATIENCE_SECONDS = 30.0


@pytest.fixture
def service() -> Iterator[Service]:
    """Give a service whose model has moved some times."""
    with a_service() as made:
        made.create_model(a_model()).result()
        for _ in range(MOVES):
            move(made)
        yield made


def move(service: Service) -> None:
    """Have the model go through two changes of state at least."""
    service.start_retraining("m", "", "", []).result()
    service.operate("abort", "m", "", "").result()


def positions(service: Service) -> list[int]:
    return [one.position for one in service.events("m", 0, 1_000, ("state_changed",))]


class Reads:
    """Counts who reads at once, and holds one of them up who begins when it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = self.most = 0
        self.holds = False
        self.held, self.at_the_end = asyncio.Event(), asyncio.Event()
        monkeypatch.setattr("server.transport.states.read", self)
        monkeypatch.setattr("server.transport.states.PAGE", 3)

    async def __call__(self, question: Any, *args: Any) -> Any:
        self.now += 1
        self.most = max(self.most, self.now)
        if self.holds:
            self.holds = False
            self.held.set()
            await asyncio.Future()
        found = await read(question, *args)
        self.now -= 1
        if not found:
            self.at_the_end.set()
        return found


@asynccontextmanager
async def watching(servicer: HealthServicer) -> AsyncIterator[AsyncIterator[WatchStatesResponse]]:
    context: Any = None  # nothing is refused here
    stream: Any = servicer.WatchStates(WatchStatesRequest(), context)
    try:
        yield stream
    finally:
        await stream.aclose()


async def told(stream: AsyncIterator[WatchStatesResponse], count: int) -> list[int]:
    return [(await anext(stream)).position for _ in range(count)]


def test_watchers_who_come_late_are_caught_up_one_at_a_time(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = positions(service)

    async def watched() -> tuple[list[list[int]], int]:
        reads, servicer = (
            Reads(monkeypatch),
            HealthServicer(service, Bell(asyncio.get_running_loop(), service.position)),
        )

        async def one() -> list[int]:
            async with watching(servicer) as stream:
                return await told(stream, len(wanted))

        return await asyncio.gather(*(one() for _ in range(WATCHERS))), reads.most

    found, at_once = asyncio.run(asyncio.wait_for(watched(), PATIENCE_SECONDS))

    assert found == [wanted] * WATCHERS
    assert at_once == 1


def test_a_watcher_who_has_caught_up_does_not_wait_for_one_who_has_not(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = positions(service)

    async def watched() -> int:
        reads, servicer = (
            Reads(monkeypatch),
            HealthServicer(service, Bell(asyncio.get_running_loop(), service.position)),
        )
        async with watching(servicer) as early, watching(servicer) as late:
            await told(early, len(before))
            waits = asyncio.ensure_future(told(early, 1))
            await reads.at_the_end.wait()
            reads.holds = True
            begun = asyncio.ensure_future(told(late, 1))
            await reads.held.wait()
            move(service)
            (found,) = await waits
            begun.cancel()
            await asyncio.wait({begun})
            return found

    found = asyncio.run(asyncio.wait_for(watched(), PATIENCE_SECONDS))

    assert found == positions(service)[len(before)]
