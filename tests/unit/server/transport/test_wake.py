from __future__ import annotations

import asyncio
import threading

import pytest

from server.transport.errors import Leaving
from server.transport.wake import Bell

FOREVER = 3_600.0


def test_a_ring_from_another_thread_wakes_every_listener() -> None:
    async def main() -> None:
        bell = Bell(asyncio.get_running_loop())
        with bell.listener() as one, bell.listener() as other:
            threading.Thread(target=bell.ring).start()

            await asyncio.gather(one(FOREVER), other(FOREVER))

    asyncio.run(main())


def test_a_ring_before_the_wait_is_not_lost() -> None:
    async def main() -> None:
        bell = Bell(asyncio.get_running_loop())
        with bell.listener() as first, bell.listener() as second:
            bell.ring()
            await first(FOREVER)

            await second(FOREVER)

    asyncio.run(main())


def test_silence_ends_a_wait_too() -> None:
    async def main() -> None:
        with Bell(asyncio.get_running_loop()).listener() as rung:
            await rung(0.0)

    asyncio.run(main())


def test_a_server_that_leaves_sends_listeners_away_now_and_from_now_on() -> None:
    async def main() -> None:
        bell = Bell(asyncio.get_running_loop())
        with bell.listener() as rung:
            asyncio.get_running_loop().call_soon(bell.leave)

            with pytest.raises(Leaving):
                await rung(FOREVER)
            with pytest.raises(Leaving):
                await rung(FOREVER)

    asyncio.run(main())


def test_a_ring_after_the_loop_has_ended_is_nobodys_concern() -> None:
    async def main() -> Bell:
        return Bell(asyncio.get_running_loop())

    asyncio.run(main()).ring()
