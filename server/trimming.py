"""What is let go of with age though nobody asks: answers to old requests, and checkpoints that others stand for.

The clock of the server begins it once an hour and goes on with each tick, a small batch a time, so that nobody waits
long for the writer behind it.
"""

from __future__ import annotations

from server.checkpoints import thinning
from server.desk import Doing
from store.ports import Store, Unit
from store.records import ClearCheckpoint, ClearRequest

BATCH = 500  #: rows that go in one piece of work, some milliseconds
LOOK = 20_000  #: checkpoints that one look at all of them finds at most
DAY_US = thinning.DAY_US


class Trimmer:
    """Lets go of what is too old, step by step. Answers are kept for *answers_days*, 0 is for ever."""

    def __init__(self, store: Store, do: Doing, answers_days: int, *, thin: bool) -> None:
        self._store, self._do, self._answers_days, self._thin = store, do, answers_days, thin
        self._at_us: int | None = None  #: the hour whose work is not done yet
        self._spare: list[ClearCheckpoint] = []

    def __bool__(self) -> bool:
        """Say whether anything is let go of."""
        return bool(self._answers_days or self._thin)

    def begin(self, now_us: int) -> None:
        """Look again at everything, as it is at *now_us*."""
        self._at_us = now_us

    def step(self) -> int:
        """Let go of one batch of each; give how much that was. Nothing, once all is done."""
        if self._at_us is None:
            return 0
        gone = self._forget_answers(self._at_us) + self._thin_checkpoints(self._at_us)
        if not gone:
            self._at_us = None
        return gone

    def _forget_answers(self, now_us: int) -> int:
        if not self._answers_days:
            return 0
        before_us = now_us - self._answers_days * DAY_US
        return self._do(lambda unit: forget_answers(unit, before_us, BATCH)).result()

    def _thin_checkpoints(self, now_us: int) -> int:
        if self._thin and not self._spare:
            self._spare = self._store.read(lambda reader: thinning.spare(reader, now_us, LOOK))
        batch, self._spare = self._spare[:BATCH], self._spare[BATCH:]
        if batch:
            self._do(lambda unit: _clear(unit, batch)).result()
        return len(batch)


def forget_answers(unit: Unit, before_us: int, most: int) -> int:
    """Forget at most *most* of the answers that were given before; give how many that were."""
    found = unit.requests_before(before_us, most)
    for request_id in found:
        unit.put(ClearRequest(request_id=request_id))
    return len(found)


def _clear(unit: Unit, batch: list[ClearCheckpoint]) -> None:
    for one in batch:
        unit.put(one)
