"""The sequencer: all work of a process, in one order, with one commit for everything that waited.

Dense positions need a single order of commits, so there is one writer. It drains its queue, does each piece of work
so that a failure undoes that piece alone, and commits once. Only then do answers tell what became of them.
"""

import threading
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol, TypeVar

from store.answers import Answer, Later, call
from store.errors import DatabaseLocked, DatabaseUnavailable, Interrupted, Spoiled, StoreClosed, WorkInsideWork
from store.ports import Unit
from store.post import Together

T = TypeVar("T")

#: Pieces of work that share one commit, at most: bounds what a conflict makes us do again.
LARGEST_BATCH = 512

#: How often a batch is tried, before a conflict, a lock that others hold or a lost connection is reported.
ATTEMPTS = 4


class Transaction(Protocol):
    """An open transaction of a backend."""

    def attempt(self, work: Callable[[Unit], T]) -> T:
        """Do *work*; if it raises, undo it alone and let the error rise.

        Raises:
            DatabaseUnavailable: The transaction is void.
            Spoiled: The same, because of a statement of this work or of one before; its cause is the database's error.
        """

    def commit(self) -> None:
        """Make everything durable, or raise: `Interrupted` if it can be tried again."""

    def rollback(self) -> None:
        """Undo everything. Safe after any error, and twice."""


class Backend(Protocol):
    """What keeps the rows."""

    def begin(self) -> Transaction:
        """Open the one writing transaction."""

    def close(self) -> None:
        """Let go of everything."""


_Work = Callable[[Unit], Any]
_Waiting = tuple[_Work, Answer[Any]]

#: What a work gave, or why it failed.
_Outcome = tuple[Any, Exception | None]


class Sequencer:
    """One writer for one backend. Safe to use from many threads."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._queue: deque[_Waiting] = deque()
        # Held for a few steps, and by no one who could come for it again: so a plain lock, which costs a tenth.
        self._lock = threading.Lock()
        self._wake = threading.Condition(self._lock)
        self._idle = False
        self._turn = threading.Lock()
        self._owner: int | None = None
        self._closing = False
        self._callbacks: tuple[Callable[[], None], ...] = ()
        self._thread = threading.Thread(target=self._drain, name="store-writer", daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[Unit], T]) -> Answer[T]:
        """Queue *work*; the answer is there after the commit."""
        answer: Answer[T] = Answer()
        with self._lock:
            if self._closing:
                raise StoreClosed
            self._put((work, answer))
        return answer

    def run(self, work: Callable[[Unit], T]) -> T:
        """Do *work* now if the writer is idle, else queue it; return when it is committed."""
        if self._owner == threading.get_ident():
            raise WorkInsideWork
        if self._queue or not self._turn.acquire(blocking=False):
            return self.submit(work).result()
        try:
            if self._closing:
                raise StoreClosed
            answer: Answer[T] = Answer()
            self._settle_as_owner([(work, answer)])
        finally:
            self._turn.release()
        try:
            return answer.result()
        finally:
            del answer  # the traceback of a failure has this frame: they would keep each other alive

    def on_commit(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call *callback* after each commit, until the function that is returned is called."""
        with self._wake:
            self._callbacks = (*self._callbacks, callback)

        def stop() -> None:
            with self._wake:
                self._callbacks = tuple(kept for kept in self._callbacks if kept is not callback)

        return stop

    def close(self) -> None:
        """Finish what is queued and close the backend. Closing twice is closing once."""
        with self._wake:
            if self._closing:
                return
            self._closing = True
            self._wake.notify()
        self._thread.join()
        with self._turn:
            self._backend.close()

    def _put(self, waiting: _Waiting) -> None:
        """Queue it; for who holds the lock."""
        self._queue.append(waiting)
        if self._idle:
            self._idle = False
            self._wake.notify()

    def _again(self, waiting: _Waiting) -> None:
        """Queue once more what has waited; it is as any work behind it now."""
        with self._lock:
            late = self._closing
            if not late:
                self._put(waiting)
        if late:
            waiting[1].set_exception(StoreClosed())

    def _drain(self) -> None:
        while True:
            with self._wake:
                while not self._queue and not self._closing:
                    self._idle = True
                    self._wake.wait()
                self._idle = False
                if not self._queue:
                    return
            # The turn comes before the queue is emptied, so that what arrives meanwhile shares the commit.
            with self._turn:
                self._settle_as_owner(self._taken(LARGEST_BATCH))

    def _taken(self, most: int) -> list[_Waiting]:
        taken = [self._queue.popleft() for _ in range(min(len(self._queue), most))]
        return [(work, answer) for work, answer in taken if answer.begin()]

    def _settle_as_owner(self, batch: list[_Waiting]) -> None:
        self._owner = threading.get_ident()
        try:
            self._settle(batch)
        finally:
            self._owner = None

    def _settle(self, batch: list[_Waiting]) -> None:
        outcomes = self._outcomes(batch)
        if outcomes is None:
            for waiting in batch:
                self._settle([waiting])
            return
        with Together():
            for waiting, (value, error) in zip(batch, outcomes, strict=True):
                if error is None:
                    waiting[1].set_result(value)
                elif isinstance(error, Later):
                    error.begin(partial(self._again, waiting))
                else:
                    waiting[1].set_exception(error)
        self._tell(outcomes)

    def _outcomes(self, batch: list[_Waiting]) -> list[_Outcome] | None:
        """Try *batch* until it commits; None when the database refused it as a whole and it must be split.

        What came while a lock or a conflict was waited for shares the next try: it has waited too, and nobody waits
        for the tries of those before him and then for his own.
        """
        away: Exception | None = None
        for attempt in range(ATTEMPTS):
            if attempt:
                batch += self._taken(LARGEST_BATCH - len(batch))
            try:
                return self._attempt(batch)
            except (Interrupted, DatabaseLocked) as error:
                away = error
            except DatabaseUnavailable as error:
                return [(None, error)] * len(batch)
            # What a shared transaction met belongs to one of its works; alone, each meets its own.
            except Exception as error:  # noqa: BLE001  (the answer carries it to the one who asked)
                return None if len(batch) > 1 else [(None, _real(error))]
        return [(None, away)] * len(batch)

    def _attempt(self, batch: list[_Waiting]) -> list[_Outcome]:
        transaction = self._backend.begin()
        try:
            outcomes = [_tried(transaction, work) for work, _ in batch]
            transaction.commit()
        except BaseException:
            transaction.rollback()
            raise
        return outcomes

    def _tell(self, outcomes: list[_Outcome]) -> None:
        if not self._callbacks or all(error for _, error in outcomes):
            return
        for callback in self._callbacks:
            call(callback)


def _tried(transaction: Transaction, work: Callable[[Unit], object]) -> _Outcome:
    try:
        return transaction.attempt(work), None
    except (DatabaseUnavailable, Spoiled):
        raise
    except Exception as error:  # noqa: BLE001  (the answer carries it to the one who asked)
        return None, error


def _real(error: Exception) -> Exception:
    cause = error.__cause__
    return cause if isinstance(error, Spoiled) and isinstance(cause, Exception) else error
