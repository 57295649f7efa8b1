"""The store in memory: the same chain, the same order and the same refusals, with dictionaries inside."""

import threading
from collections.abc import Callable
from typing import TypeVar

from store.answers import Answer
from store.in_memory.reader import MemoryReader
from store.in_memory.rows import Rows
from store.in_memory.unit import MemoryUnit
from store.ledger import Ledger
from store.ports import Reader, Unit
from store.sequencer import Sequencer

T = TypeVar("T")


class MemoryStore:
    """A store that is gone with the process."""

    def __init__(self, ledger: Ledger) -> None:
        self.namespace = ledger.namespace
        self._rows = Rows()
        self._lock = threading.RLock()
        self._sequencer = Sequencer(_MemoryBackend(ledger, self._rows, self._lock))

    def submit(self, work: Callable[[Unit], T]) -> Answer[T]:
        """Queue *work* for the writer thread."""
        return self._sequencer.submit(work)

    def run(self, work: Callable[[Unit], T]) -> T:
        """Do *work* and wait for it."""
        return self._sequencer.run(work)

    def read(self, work: Callable[[Reader], T]) -> T:
        """Give *work* a view of what is committed; the writer waits meanwhile."""
        with self._lock:
            return work(MemoryReader(self._rows))

    def on_commit(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call *callback* after each commit."""
        return self._sequencer.on_commit(callback)

    def on_news(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Nobody else has this memory, so *callback* is never called."""
        del callback
        return lambda: None

    def close(self) -> None:
        """Finish what is queued."""
        self._sequencer.close()


class _MemoryBackend:
    def __init__(self, ledger: Ledger, rows: Rows, lock: threading.RLock) -> None:
        self._ledger, self._rows, self._lock = ledger, rows, lock

    def begin(self) -> "_MemoryTransaction":
        self._lock.acquire()
        return _MemoryTransaction(self._ledger, self._rows, self._lock)

    def close(self) -> None:
        """Nothing is held."""


class _MemoryTransaction:
    def __init__(self, ledger: Ledger, rows: Rows, lock: threading.RLock) -> None:
        self._rows = rows
        self._unit = MemoryUnit(ledger, rows)
        self._release: Callable[[], None] | None = lock.release

    def attempt(self, work: Callable[[Unit], T]) -> T:
        mark = self._rows.mark()
        try:
            return work(self._unit)
        except BaseException:
            self._rows.undo_to(mark)
            raise

    def commit(self) -> None:
        self._rows.forget_marks()
        self._let_go()

    def rollback(self) -> None:
        self._rows.undo_to(0)
        self._let_go()

    def _let_go(self) -> None:
        if self._release is not None:
            self._release()
            self._release = None
