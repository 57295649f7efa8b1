"""Which checkpoints are let go of with age, and why: `docs/decisions/0026-what-is-let-go-with-age.md`.

Of each stretch of time the last checkpoint is kept. Stretches grow with age and lie within each other, so what is kept
of a longer one was kept of the shorter ones before. What somebody was given stays proven: that takes its size, no row.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from store.ports import Reader
from store.records import Checkpoint, ClearCheckpoint

SECOND_US = 1_000_000
DAY_US = 86_400 * SECOND_US
PAGE = 1_000

#: Older than so much, of each stretch so long the last is kept; the first row that fits counts.
STRETCHES = ((366 * DAY_US, DAY_US), (31 * DAY_US, 3_600 * SECOND_US), (DAY_US, 60 * SECOND_US))


def spare(reader: Reader, now_us: int, most: int) -> list[ClearCheckpoint]:
    """Give at most *most* checkpoints that may go at *now_us*, of all epochs of the log."""
    epochs = range(1, reader.head().epoch + 1)
    return list(islice((one for epoch in epochs for one in _spare_of(reader, epoch, now_us)), most))


def _spare_of(reader: Reader, epoch: int, now_us: int) -> Iterator[ClearCheckpoint]:
    kept: Checkpoint | None = None  # the one of more events that was kept last
    for one in _newest_first(reader, epoch):
        if kept is not None and _stretch(one, now_us) == _stretch(kept, now_us):
            yield ClearCheckpoint(epoch=epoch, size=one.size)
        else:
            kept = one


def _newest_first(reader: Reader, epoch: int) -> Iterator[Checkpoint]:
    before: int | None = None
    while page := reader.checkpoints(before, PAGE, epoch=epoch):
        yield from page
        before = page[-1].size


def _stretch(one: Checkpoint, now_us: int) -> tuple[int, int]:
    """Give the stretch of time that a checkpoint stands for; a young one stands for itself."""
    age_us = now_us - one.created_us
    for older_us, length_us in STRETCHES:
        if age_us > older_us:
            return length_us, one.created_us // length_us
    return 0, one.size
