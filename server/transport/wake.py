"""The bell: a log that has grown wakes those who watch it on the event loop. A hint to look, nothing more.

Most commits append nothing: rows come in, a checkpoint is signed, a worker asks for a job. So one look at where the log
ends serves all who listen, however many they are, and only those commits wake them that they could be told of.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator

from server.transport.errors import Leaving

#: Waits for the next ring, or for so many seconds; raises `Leaving` once the server leaves.
Rung = Callable[[float], Awaitable[None]]

#: Commits can come by the hundred a second, and each look asks the database: rings this close are one.
GATHER_SECONDS = 0.02

POLL_SECONDS = 1.0  #: between two looks that nobody has asked for: what another server tells of its commits may be lost


class Bell:
    """Wakes every listener when the log has grown; *position* says how far it reaches."""

    def __init__(self, loop: asyncio.AbstractEventLoop, position: Callable[[], int]) -> None:
        self._loop, self._position = loop, position
        self._listeners: set[asyncio.Event] = set()
        self._due: asyncio.TimerHandle | None = None
        self._look: asyncio.Task[None] | None = None
        self._seen = -1
        self._leaving = False

    def ring(self) -> None:
        """Note that something was committed; from any thread."""
        with contextlib.suppress(RuntimeError):  # the loop has ended: nobody listens
            self._loop.call_soon_threadsafe(self._look_within, GATHER_SECONDS)

    def leave(self) -> None:
        """Send the listeners away, now and from now on; on the event loop."""
        self._leaving = True
        if self._due is not None:
            self._due.cancel()  # a look that begins while the loop ends is never finished
        self._wake()

    @contextlib.contextmanager
    def listener(self) -> Iterator[Rung]:
        """Give a function that waits for the next ring, or for so many seconds."""
        event = asyncio.Event()
        self._listeners.add(event)
        self._look_within(GATHER_SECONDS)

        async def rung(seconds: float) -> None:
            if not self._leaving:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(event.wait(), seconds)
                event.clear()
            if self._leaving:
                raise Leaving

        try:
            yield rung
        finally:
            self._listeners.discard(event)

    def _look_within(self, seconds: float) -> None:
        """See to it that somebody looks so soon, if anybody listens."""
        if self._due is not None and self._due.when() > self._loop.time() + seconds:
            self._due.cancel()
            self._due = None
        if self._due is None and self._listeners and not self._leaving:
            self._due = self._loop.call_later(seconds, self._send)

    def _send(self) -> None:
        self._due = None
        if self._look is not None and not self._look.done():
            self._look_within(GATHER_SECONDS)  # the one who is on his way may have looked before the last commit
        else:
            self._look = self._loop.create_task(self._looked())

    async def _looked(self) -> None:
        """Wake the listeners if the log has grown; or if nobody can say so, which each finds out for himself."""
        before = self._seen
        try:
            self._seen = await asyncio.to_thread(self._position)
        except Exception:  # noqa: BLE001 - it is told to those who wake, and ask
            self._seen = -1
        self._look_within(POLL_SECONDS)
        if self._seen < 0 or self._seen != before:
            self._wake()

    def _wake(self) -> None:
        for event in self._listeners:
            event.set()
