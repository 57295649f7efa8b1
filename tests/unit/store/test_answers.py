"""What an answer tells, whenever and from whichever thread it is asked."""

from __future__ import annotations

import contextlib
import gc
import threading
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor

import pytest

from store.answers import Answer

WAITERS = 8


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(WAITERS) as pool:
        yield pool


def failed(error: Exception) -> Answer[int]:
    answer = Answer[int]()
    answer.set_exception(error)
    return answer


def test_all_threads_that_wait_are_told(threads: ThreadPoolExecutor) -> None:
    answer = Answer[int]()
    waiting = [threads.submit(answer.result) for _ in range(WAITERS)]

    answer.set_result(7)

    assert [one.result() for one in waiting] == [7] * WAITERS


def test_a_failure_is_raised_as_often_as_it_is_asked_for() -> None:
    error = ValueError("no")
    answer = failed(error)

    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            answer.result()
    assert answer.exception() is error


def test_what_has_not_begun_can_be_cancelled_and_is_not_done() -> None:
    answer = Answer[int]()

    assert (answer.cancel(), answer.cancel(), answer.cancelled(), answer.begin()) == (True, True, True, False)
    with pytest.raises(CancelledError):
        answer.result()


@pytest.mark.parametrize("settled", [False, True])
def test_what_has_begun_is_done_though_somebody_leaves(settled: bool) -> None:  # noqa: FBT001 - a case
    answer = Answer[int]()

    assert answer.begin()
    if settled:
        answer.set_result(7)
    assert (answer.cancel(), answer.cancelled()) == (False, False)
    answer.set_result(7)
    assert answer.result() == 7


def test_who_waits_is_told_of_a_cancellation(threads: ThreadPoolExecutor) -> None:
    answer = Answer[int]()
    waiting = threads.submit(answer.exception)

    answer.cancel()

    with pytest.raises(CancelledError):
        waiting.result()


def test_whoever_has_waited_long_enough_may_ask_again() -> None:
    answer = Answer[int]()

    with pytest.raises(TimeoutError):
        answer.result(0.01)
    answer.set_result(7)

    assert answer.result(0.01) == 7


@pytest.mark.parametrize(
    "settle", [lambda one: one.set_result(7), lambda one: one.set_exception(ValueError()), lambda one: one.cancel()]
)
def test_callbacks_are_called_in_their_order_and_late_ones_at_once(
    settle: Callable[[Answer[int]], object],
) -> None:
    answer, told = Answer[int](), list[tuple[str, Answer[int]]]()
    answer.add_done_callback(lambda done: told.append(("first", done)))
    answer.add_done_callback(lambda done: told.append(("second", done)))

    settle(answer)
    answer.add_done_callback(lambda done: told.append(("late", done)))

    assert told == [("first", answer), ("second", answer), ("late", answer)]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_callback_that_fails_keeps_nobody_from_being_told() -> None:
    answer, told = Answer[int](), list[int]()

    def fail(_: Answer[int]) -> None:
        raise ValueError

    answer.add_done_callback(fail)
    answer.add_done_callback(lambda done: told.append(done.result()))
    answer.set_result(7)
    answer.add_done_callback(fail)

    assert (told, answer.result()) == ([7], 7)


def test_a_callback_that_comes_while_the_answer_does_is_called_once(threads: ThreadPoolExecutor) -> None:
    rounds, told = 500, list[int]()
    for number in range(rounds):
        answer, start = Answer[int](), threading.Barrier(3)

        def ask(answer: Answer[int] = answer, start: threading.Barrier = start) -> None:
            start.wait()
            answer.add_done_callback(lambda done: told.append(done.result()))

        asking = [threads.submit(ask) for _ in range(2)]
        start.wait()
        answer.set_result(number)
        for one in asking:
            one.result()

    assert sorted(told) == [number for number in range(rounds) for _ in range(2)]


class Nonsense(Exception):
    """The work has failed."""


def test_a_failure_that_was_raised_keeps_nothing_alive() -> None:
    error = Nonsense()
    kept, answer = weakref.ref(error), failed(error)
    del error
    gc.disable()
    try:
        with contextlib.suppress(Nonsense):
            answer.result()
        del answer
        assert kept() is None
    finally:
        gc.enable()
