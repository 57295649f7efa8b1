"""The bell: commits on the writer thread wake those who watch on the event loop. A hint to look, nothing more."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator

Rung = Callable[[float], Awaitable[None]]


class Bell:
    """Wakes every listener when anything was committed."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._listeners: set[asyncio.Event] = set()

    def ring(self) -> None:
        """Wake the listeners; from any thread."""
        with contextlib.suppress(RuntimeError):  # the loop has ended: nobody listens
            self._loop.call_soon_threadsafe(self._wake)

    @contextlib.contextmanager
    def listener(self) -> Iterator[Rung]:
        """Give a function that waits for the next ring, or for so many seconds."""
        event = asyncio.Event()
        self._listeners.add(event)

        async def rung(seconds: float) -> None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(event.wait(), seconds)
            event.clear()

        try:
            yield rung
        finally:
            self._listeners.discard(event)

    def _wake(self) -> None:
        for event in self._listeners:
            event.set()
