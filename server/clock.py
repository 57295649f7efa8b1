"""Two clocks: the system's, and the one that a recorded stream carries."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol


class Clock(Protocol):
    """Says when something happens, in microseconds since the epoch, UTC."""

    follows_stream: bool  #: time stands still between batches, so that two runs are equal

    def now_us(self, watermark_us: int) -> int:
        """Give the time of something that happens to a model whose data reach *watermark_us*."""
        ...


class SystemClock:
    """The machine's own clock."""

    follows_stream = False

    def __init__(self, time_us: Callable[[], int] | None = None) -> None:
        self._time_us = time_us or wall_us

    def now_us(self, watermark_us: int) -> int:
        """Give the wall time."""
        del watermark_us
        return self._time_us()


class StreamClock:
    """The stream's own clock: a model's time is the time of its newest row."""

    follows_stream = True

    def now_us(self, watermark_us: int) -> int:
        """Give the time that the data have reached."""
        return watermark_us


def wall_us() -> int:
    """Give the wall time in microseconds."""
    return time.time_ns() // 1_000


def steady_us() -> int:
    """Give microseconds of a clock that is never set: how long something lasts in this process, and no date."""
    return time.monotonic_ns() // 1_000
