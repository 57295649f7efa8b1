"""Decisions derived in processes of their own, each with its own way to the database."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from types import TracebackType
from typing import Self

from server.audit.checking import Derived, Stretch, check
from store import Readable

AHEAD = 4  #: stretches that wait for each process: enough that none is idle, and bounded


class CrewLost(Exception):
    """A process that derived was ended from outside. Nothing was written; fewer jobs need less memory."""

    def __init__(self) -> None:
        super().__init__(type(self).__doc__)


class Crew:
    """Derives in *jobs* processes, each of which opens the log for itself by *opening*, which can be pickled."""

    def __init__(self, opening: Callable[[], Readable], jobs: int) -> None:
        # A forked child would share connections and locks with its parent.
        context = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(jobs, context, _begin, (opening,))
        self._most = jobs * AHEAD
        self._waiting: set[Future[Derived]] = set()

    def take(self, stretch: Stretch) -> Iterator[Derived]:
        """Take a stretch on, and give what is done by now; wait when too much is under way."""
        self._waiting.add(self._pool.submit(_check, stretch))
        if len(self._waiting) >= self._most:
            yield from self._done()

    def rest(self) -> Iterator[Derived]:
        """Finish what was taken on."""
        while self._waiting:
            yield from self._done()

    def __enter__(self) -> Self:
        """Give the crew."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Drop what has not begun, and end the processes."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _done(self) -> Iterator[Derived]:
        done, self._waiting = wait(self._waiting, return_when=FIRST_COMPLETED)
        for one in done:
            try:
                yield one.result()
            except BrokenProcessPool as error:
                raise CrewLost from error


_OPENED: list[Readable] = []  #: in a process of the crew: its way to the database


def _begin(opening: Callable[[], Readable]) -> None:
    """Open the database; an interrupt is for whoever leads."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _OPENED.append(opening())


def _check(stretch: Stretch) -> Derived:
    return check(_OPENED[0], stretch)
