"""Answers on their way from the writer thread to event loops.

To wake an event loop is a call of the system, and the writer gives Python's lock away with each. With one call for
each answer, loop and writer wake each other by turns; with one for all that a commit has settled, neither waits.
"""

import asyncio
import threading
from concurrent.futures import CancelledError
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from store.answers import Answer

T = TypeVar("T")

# Answers of all types travel together; each waits for its own.
_Letter = tuple["asyncio.Future[Any]", Answer[Any]]


_Bags = dict[asyncio.AbstractEventLoop, list[_Letter]]


class _Thread(threading.local):
    """What a thread has settled and not sent; None while it sends each answer at once."""

    held: _Bags | None = None


_HERE = _Thread()


async def delivered(answer: Answer[T]) -> T:
    """Wait for *answer* without a thread; who waits no longer has cancelled it, if it had not begun."""
    loop = asyncio.get_running_loop()
    waiting: asyncio.Future[T] = loop.create_future()
    answer.add_done_callback(partial(_put, loop, waiting))
    try:
        return await waiting
    except asyncio.CancelledError:
        answer.cancel()
        raise


# A class, since every commit makes one: a generator that is wrapped costs five times as much.
class Together:
    """Lets the answers that this thread settles wait for each other, and sends them at the end."""

    def __enter__(self) -> None:
        """Begin to hold answers back."""
        self._bags: _Bags = {}
        _HERE.held = self._bags

    def __exit__(self, *_: object) -> None:
        """Send what was held back."""
        _HERE.held = None
        for loop, letters in self._bags.items():
            _send(loop, letters)


def _put(loop: asyncio.AbstractEventLoop, waiting: "asyncio.Future[Any]", answer: Answer[Any]) -> None:
    if _HERE.held is None:
        _send(loop, [(waiting, answer)])
    else:
        _HERE.held.setdefault(loop, []).append((waiting, answer))


def _send(loop: asyncio.AbstractEventLoop, letters: list[_Letter]) -> None:
    with suppress(RuntimeError):  # the loop is closed: nobody waits there any more
        loop.call_soon_threadsafe(_open, letters)


def _open(letters: list[_Letter]) -> None:
    for waiting, answer in letters:
        if not waiting.done():
            _tell(waiting, answer)


def _tell(waiting: "asyncio.Future[Any]", answer: Answer[Any]) -> None:
    try:
        given = answer.result()
    except CancelledError:
        waiting.cancel()
    except BaseException as error:  # noqa: BLE001  (it is told to the one who asked)
        _tell_failure(waiting, error)
    else:
        waiting.set_result(given)


def _tell_failure(waiting: "asyncio.Future[Any]", error: BaseException) -> None:
    try:
        waiting.set_exception(error)
    except TypeError as refused:  # a StopIteration, which no coroutine can be told
        waiting.set_exception(refused)
