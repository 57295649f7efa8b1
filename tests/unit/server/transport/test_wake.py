from __future__ import annotations

import asyncio
import contextlib
import threading

import pytest

from server.transport.errors import Leaving
from server.transport.wake import GATHER_SECONDS, Bell
from store.errors import DatabaseUnavailable

FOREVER = 3_600.0
MANY = 50


class Log:
    """Says how far a log reaches, and remembers how often it was asked."""

    def __init__(self) -> None:
        self.reaches, self.looks, self.away = 0, 0, False

    def __call__(self) -> int:
        """Look."""
        self.looks += 1
        if self.away:
            raise DatabaseUnavailable("it is away")
        return self.reaches


async def looked_at(log: Log, bell: Bell, times: int) -> None:
    """Ring until *log* was asked so many times more."""
    until = log.looks + times
    while log.looks < until:
        bell.ring()
        await asyncio.sleep(0)


def test_a_ring_from_another_thread_wakes_every_listener() -> None:
    async def main() -> None:
        bell = Bell(asyncio.get_running_loop(), Log())
        with bell.listener() as one, bell.listener() as other:
            threading.Thread(target=bell.ring).start()

            await asyncio.gather(one(FOREVER), other(FOREVER))

    asyncio.run(main())


def test_a_ring_before_the_wait_is_not_lost() -> None:
    async def main() -> None:
        bell = Bell(asyncio.get_running_loop(), Log())
        with bell.listener() as first, bell.listener() as second:
            bell.ring()
            await first(FOREVER)

            await second(FOREVER)

    asyncio.run(main())


def test_silence_ends_a_wait_too() -> None:
    async def main() -> None:
        with Bell(asyncio.get_running_loop(), Log()).listener() as rung:
            await rung(0.0)

    asyncio.run(main())


def test_a_server_that_leaves_begins_no_look_that_was_due() -> None:
    async def main() -> None:
        loop, log, later = asyncio.get_running_loop(), Log(), asyncio.Event()
        bell = Bell(loop, log)
        with bell.listener():
            bell.leave()
            loop.call_later(GATHER_SECONDS, later.set)
            await later.wait()

        assert (log.looks, len(asyncio.all_tasks())) == (0, 1)

    asyncio.run(main())


def test_a_server_that_leaves_sends_listeners_away_now_and_from_now_on() -> None:
    async def main() -> None:
        bell = Bell(asyncio.get_running_loop(), Log())
        with bell.listener() as rung:
            asyncio.get_running_loop().call_soon(bell.leave)

            with pytest.raises(Leaving):
                await rung(FOREVER)
            with pytest.raises(Leaving):
                await rung(FOREVER)

    asyncio.run(main())


def test_a_ring_after_the_loop_has_ended_is_nobodys_concern() -> None:
    async def main() -> Bell:
        return Bell(asyncio.get_running_loop(), Log())

    asyncio.run(main()).ring()


def test_one_look_at_the_log_serves_all_who_listen() -> None:
    async def main() -> int:
        log = Log()
        bell = Bell(asyncio.get_running_loop(), log)
        with contextlib.ExitStack() as stack:
            listeners = [stack.enter_context(bell.listener()) for _ in range(MANY)]
            await asyncio.gather(*(rung(FOREVER) for rung in listeners))
            before, log.reaches = log.looks, 1
            bell.ring()
            await asyncio.gather(*(rung(FOREVER) for rung in listeners))
            return log.looks - before

    assert asyncio.run(main()) <= 2  # one more where the second without a ring was over


def test_a_commit_that_appends_nothing_wakes_nobody() -> None:
    async def main() -> tuple[bool, bool]:
        log = Log()
        bell = Bell(asyncio.get_running_loop(), log)
        with bell.listener() as rung:
            await rung(FOREVER)
            listening = asyncio.ensure_future(rung(FOREVER))
            await looked_at(log, bell, 3)  # the third look begins when the second is over
            woken = listening.done()
            log.reaches = 1
            await looked_at(log, bell, 1)
            await listening
            return woken, listening.done()

    assert asyncio.run(main()) == (False, True)


def test_what_another_server_appends_wakes_listeners_though_its_notice_was_lost() -> None:
    async def main() -> None:
        log = Log()
        with Bell(asyncio.get_running_loop(), log).listener() as rung:
            await rung(FOREVER)
            log.reaches = 1

            await rung(FOREVER)

    asyncio.run(main())


def test_a_database_that_is_away_wakes_listeners_who_find_that_out_for_themselves() -> None:
    async def main() -> None:
        log = Log()
        with Bell(asyncio.get_running_loop(), log).listener() as rung:
            await rung(FOREVER)
            log.away = True

            await rung(FOREVER)

    asyncio.run(main())


def test_nobody_looks_for_nobody() -> None:
    async def main() -> int:
        log = Log()
        bell = Bell(asyncio.get_running_loop(), log)
        with bell.listener() as rung:
            await rung(FOREVER)
        before = log.looks
        for _ in range(MANY):
            bell.ring()
            await asyncio.sleep(0)
        log.reaches = 1
        with bell.listener() as rung:
            await rung(FOREVER)
        return log.looks - before

    assert asyncio.run(main()) <= 2  # for the second listener, and one that was due when the first left
