"""Which checkpoints are let go of with age, and why: `docs/decisions/0026-what-is-let-go-with-age.md`.

Of each stretch of time the last checkpoint is kept. Stretches grow with age and lie within each other, so what is kept
of a longer one was kept of the shorter ones before. What somebody was given stays proven: that takes its size, no row.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from store.ports import Reader
from store.records import ClearCheckpoint

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
    kept: tuple[int, int] | None = None  # what the one of more events stands for that was kept last
    for size, created_us in _newest_first(reader, epoch):
        stretch = _stretch(size, created_us, now_us)
        if stretch == kept:
            yield ClearCheckpoint(epoch=epoch, size=size)
        else:
            kept = stretch


def _newest_first(reader: Reader, epoch: int) -> Iterator[tuple[int, int]]:
    """Give size and time of each checkpoint: at its fullest a log has 150,000, most of them too young to go."""
    before: int | None = None
    while page := reader.checkpoint_times(before, PAGE, epoch=epoch):
        yield from page
        before, _ = page[-1]


def _stretch(size: int, created_us: int, now_us: int) -> tuple[int, int]:
    """Give the stretch of time that a checkpoint stands for; a young one stands for itself."""
    age_us = now_us - created_us
    for older_us, length_us in STRETCHES:
        if age_us > older_us:
            return length_us, created_us // length_us
    return 0, size
