"""Hints from other processes: PostgreSQL's NOTIFY tells that somebody has appended.

Nothing rests on it. A notice may be late or lost, and whoever watches looks once a second without one; so a listener
that loses its connection says so to nobody, comes back, and gives one hint for all that it may have missed.
"""

from __future__ import annotations

import hashlib
import os
import select
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

#: Between two attempts to listen, and between two proofs that the connection is alive.
RETRY_SECONDS, PROOF_SECONDS = 1.0, 30.0


@cache  # every commit asks, and a process has few namespaces
def channel_of(namespace: str) -> str:
    """Name the channel of a namespace: a word that needs no quotes, whatever the namespace is called."""
    return f"remission_{hashlib.sha256(namespace.encode()).hexdigest()[:16]}"


class Listener:
    """Calls back when a notice comes, from a thread that begins with the first callback."""

    def __init__(self, engine: Engine, namespace: str) -> None:
        self._engine, self._channel = engine, channel_of(namespace)
        # The driver's own, asked for here: whoever has SQLite does not import another's.
        self._fault: type[Exception] = engine.dialect.loaded_dbapi.Error
        self._callbacks: tuple[Callable[[], None], ...] = ()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()
        self._wake, self._alarm = os.pipe()

    def on_news(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call *callback* with each notice, until the function that is returned is called."""
        with self._lock:
            self._callbacks = (*self._callbacks, callback)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="store-listener", daemon=True)
                self._thread.start()

        def stop() -> None:
            with self._lock:
                self._callbacks = tuple(kept for kept in self._callbacks if kept is not callback)

        return stop

    def close(self) -> None:
        """Listen no more."""
        if self._closing.is_set():
            return
        self._closing.set()
        os.write(self._alarm, b"x")
        if self._thread is not None:
            self._thread.join()
        self._engine.dispose()
        os.close(self._wake)
        os.close(self._alarm)

    def _run(self) -> None:
        while not self._closing.is_set():
            with suppress(DBAPIError, self._fault, OSError):
                self._listen()
            self._closing.wait(RETRY_SECONDS)

    def _listen(self) -> None:
        connection = self._engine.raw_connection()
        try:
            # psycopg's own connection, which SQLAlchemy knows nothing of.
            driver: Any = connection.driver_connection
            driver.execute(f"LISTEN {self._channel}")
            self._ring()  # what came before is not told
            while not self._closing.is_set():
                self._await(driver)
        finally:
            connection.invalidate()

    def _await(self, driver: Any) -> None:  # noqa: ANN401 - psycopg's connection
        """Wait for notices, and give one hint for as many as have come."""
        ready, _, _ = select.select([driver.fileno(), self._wake], [], [], PROOF_SECONDS)
        if not ready:
            driver.execute("SELECT 1")  # raises when the other side is gone
        elif self._wake not in ready and list(driver.notifies(timeout=RETRY_SECONDS, stop_after=1)):
            self._ring()

    def _ring(self) -> None:
        for callback in self._callbacks:
            callback()
