"""Answers: what becomes of work that another thread does.

As futures of `concurrent.futures`, of which each carries a condition with a lock of its own: that is a tenth of what
an append costs in a batch. These share one lock, and whoever waits without an event loop brings what he waits at.
"""

import sys
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError
from enum import IntEnum
from typing import Any, Generic, TypeVar

T = TypeVar("T")

# Held for a few steps, in which nothing is made or let go of, so that nobody comes for it again: a plain lock.
_STEP = threading.Lock()


class Later(Exception):
    """The work waits for what others do: it is undone, keeps nobody waiting, and is done again when that has ended."""

    def __init__(self, begin: Callable[[Callable[[], object]], object]) -> None:
        """Take what *begin*s it, and calls what it was given once it has ended; it must not raise."""
        self.begin = begin
        super().__init__()


class _Stage(IntEnum):
    WAITING = 0
    BEGUN = 1
    CANCELLED = 2
    SETTLED = 3


# Asked for with every step: the members of an enumeration cost several times as much to look up.
_WAITING, _BEGUN, _CANCELLED, _SETTLED = _Stage


class Answer(Generic[T]):
    """The answer to one piece of work. Safe to use from many threads."""

    __slots__ = ("_callbacks", "_error", "_gate", "_result", "_stage")

    def __init__(self) -> None:
        self._stage = _WAITING
        self._result: Any = None
        self._error: BaseException | None = None
        self._callbacks: list[Callable[[Answer[T]], object]] = []
        self._gate: threading.Event | None = None

    def begin(self) -> bool:
        """Say whether the work is still wanted; from then on it cannot be cancelled."""
        with _STEP:
            wanted = self._stage is not _CANCELLED
            if wanted:
                self._stage = _BEGUN
        return wanted

    def set_result(self, result: T) -> None:
        """Take what the work gave."""
        self._result = result
        self._settle()

    def set_exception(self, error: BaseException) -> None:
        """Take why it failed."""
        self._error = error
        self._settle()

    def cancel(self) -> bool:
        """Ask for the work no more; say whether it will not be done."""
        with _STEP:
            stage = self._stage
            if stage is _WAITING:
                self._stage = _CANCELLED
        if stage is _WAITING:
            self._tell()
        return stage in (_WAITING, _CANCELLED)

    def cancelled(self) -> bool:
        """Say whether the work was cancelled before it began."""
        return self._stage is _CANCELLED

    def result(self, timeout: float | None = None) -> T:
        """Wait for what the work gave, or raise what it failed with.

        Raises:
            CancelledError: It was cancelled.
            TimeoutError: It is not there after *timeout* seconds.
        """
        error = self.exception(timeout)
        if error is None:
            given: T = self._result
            return given
        try:
            raise error
        finally:
            del error, self  # the traceback has this frame: they would keep each other alive

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Wait for what the work failed with, if it did.

        Raises:
            CancelledError: It was cancelled.
            TimeoutError: It is not there after *timeout* seconds.
        """
        if self._stage < _CANCELLED:
            self._wait(timeout)
        if self._stage is _CANCELLED:
            raise CancelledError
        return self._error

    def add_done_callback(self, callback: "Callable[[Answer[T]], object]") -> None:
        """Call *callback* with this answer once it is there, on the thread that settles it; now if it is there.

        It must not raise; one that does is told as the death of a thread is, and stops nobody.
        """
        with _STEP:
            early = self._stage < _CANCELLED
            if early:
                self._callbacks.append(callback)
        if not early:
            call(callback, self)

    def _settle(self) -> None:
        with _STEP:
            self._stage = _SETTLED
        self._tell()

    def _tell(self) -> None:
        """Tell those who wait. From now on nobody is added: the stage was set under the lock under which they come."""
        if self._gate is not None:
            self._gate.set()
        for callback in self._callbacks:
            call(callback, self)

    def _wait(self, timeout: float | None) -> None:
        gate = threading.Event()
        with _STEP:
            early = self._stage < _CANCELLED
            if early and self._gate is None:
                self._gate = gate
            found = self._gate
        if early and found is not None and not found.wait(timeout):
            raise TimeoutError


def call(callback: Callable[..., object], *arguments: object) -> None:
    """Call what must not raise; if it does, that is told as the death of a thread is, and the caller goes on."""
    try:
        callback(*arguments)
    except Exception:  # noqa: BLE001 - as said
        threading.excepthook(threading.ExceptHookArgs((*sys.exc_info(), threading.current_thread())))
