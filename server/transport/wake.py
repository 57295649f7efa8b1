"""The bell: commits on the writer thread wake those who watch on the event loop. A hint to look, nothing more."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator

from server.transport.errors import Leaving

#: Waits for the next ring, or for so many seconds; raises `Leaving` once the server leaves.
Rung = Callable[[float], Awaitable[None]]

#: Commits can come by the hundred a second, and each listener that wakes asks the database: rings this close are one.
GATHER_SECONDS = 0.02


class Bell:
    """Wakes every listener when anything was committed."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._listeners: set[asyncio.Event] = set()
        self._due: asyncio.TimerHandle | None = None
        self._leaving = False

    def ring(self) -> None:
        """Wake the listeners; from any thread."""
        with contextlib.suppress(RuntimeError):  # the loop has ended: nobody listens
            self._loop.call_soon_threadsafe(self._gather)

    def leave(self) -> None:
        """Send the listeners away, now and from now on; on the event loop."""
        self._leaving = True
        self._wake()

    @contextlib.contextmanager
    def listener(self) -> Iterator[Rung]:
        """Give a function that waits for the next ring, or for so many seconds."""
        event = asyncio.Event()
        self._listeners.add(event)

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

    def _gather(self) -> None:
        if self._due is None:
            self._due = self._loop.call_later(GATHER_SECONDS, self._wake)

    def _wake(self) -> None:
        self._due = None
        for event in self._listeners:
            event.set()
