"""How answers come from other threads to an event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextvars import Context
from typing import TypeVarTuple, Unpack

import pytest

from store.answers import Answer
from store.post import Together, delivered

Ts = TypeVarTuple("Ts")


class CountingLoop(asyncio.SelectorEventLoop):
    """An event loop that counts how often another thread has woken it."""

    woken = 0

    def call_soon_threadsafe(
        self, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        self.woken += 1
        return super().call_soon_threadsafe(callback, *args, context=context)


def settle(answers: list[Answer[int]]) -> None:
    """Settle all of them on another thread, as a commit does."""

    def work() -> None:
        with Together():
            for number, answer in enumerate(answers):
                answer.set_result(number)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


async def waited(*answers: Answer[int]) -> list[asyncio.Task[int]]:
    """Have somebody wait for each of *answers*."""
    tasks = [asyncio.create_task(delivered(answer)) for answer in answers]
    await asyncio.sleep(0)
    return tasks


def test_all_answers_of_a_commit_wake_the_loop_once() -> None:
    answers: list[Answer[int]] = [Answer() for _ in range(100)]

    async def everybody() -> list[int]:
        tasks = await waited(*answers)
        settle(answers)
        return await asyncio.gather(*tasks)

    loop = CountingLoop()
    given = loop.run_until_complete(everybody())
    loop.close()

    assert (given, loop.woken) == (list(range(100)), 1)


def test_an_answer_that_is_there_already_is_given() -> None:
    answer: Answer[int] = Answer()
    answer.set_result(7)

    assert asyncio.run(delivered(answer)) == 7


@pytest.mark.parametrize(("error", "told"), [(ValueError("no"), ValueError), (StopIteration("no"), TypeError)])
def test_a_failure_is_told_to_the_one_whom_it_belongs_to(error: Exception, told: type[Exception]) -> None:
    bad, good = Answer[int](), Answer[int]()

    async def both() -> list[int | BaseException]:
        tasks = await waited(bad, good)
        with Together():
            bad.set_exception(error)
            good.set_result(7)
        return await asyncio.gather(*tasks, return_exceptions=True)

    failed, answer = asyncio.run(both())

    assert (type(failed), answer) == (told, 7)


def test_who_waits_no_longer_cancels_what_has_not_begun() -> None:
    left, kept = Answer[int](), Answer[int]()

    async def leaving() -> int:
        first, second = await waited(left, kept)
        first.cancel()
        await asyncio.wait([first])
        settle([kept])
        return await second

    assert asyncio.run(leaving()) == 0
    assert left.cancelled()


def test_who_waits_no_longer_hears_nothing_of_what_has_begun() -> None:
    begun, other = Answer[int](), Answer[int]()
    begun.begin()

    async def leaving() -> list[int | BaseException]:
        tasks = await waited(begun, other)
        tasks[0].cancel()
        settle([begun, other])
        return await asyncio.gather(*tasks, return_exceptions=True)

    left, answer = asyncio.run(leaving())

    assert (type(left), answer, begun.result()) == (asyncio.CancelledError, 1, 0)


def test_work_that_others_have_cancelled_is_cancelled_for_those_who_wait() -> None:
    answer: Answer[int] = Answer()

    async def waiting() -> list[int | BaseException]:
        tasks = await waited(answer)
        answer.cancel()
        return await asyncio.gather(*tasks, return_exceptions=True)

    [told] = asyncio.run(waiting())

    assert isinstance(told, asyncio.CancelledError)


def test_answers_for_a_loop_that_has_ended_keep_nobody_from_theirs() -> None:
    late, after = Answer[int](), Answer[int]()
    late.begin()
    ended = asyncio.new_event_loop()
    task = ended.create_task(delivered(late))
    ended.run_until_complete(asyncio.sleep(0))
    task.cancel()
    ended.run_until_complete(asyncio.wait([task]))
    ended.close()

    async def waiting() -> int:
        [living] = await waited(after)
        settle([late, after])
        return await living

    assert asyncio.run(waiting()) == 1
