"""Interrupts that are not lost: Python drops one that arrives while it cleans up behind an object that is gone."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any


@contextlib.contextmanager
def interruptible() -> Iterator[Callable[[], None]]:
    """Give a function that raises again what was lost of an interrupt; call it now and then, from the main thread.

    Where interrupts are ignored, as by a shell for what it runs behind, they stay ignored.

    Raises:
        KeyboardInterrupt: There was one.
    """
    before = signal.getsignal(signal.SIGINT)
    came = False

    def interrupt(number: int, frame: FrameType | None) -> None:
        nonlocal came
        del number, frame
        came = True
        raise KeyboardInterrupt

    def again() -> None:
        if came:
            raise KeyboardInterrupt

    if before == signal.SIG_IGN:
        yield again
        return
    signal.signal(signal.SIGINT, interrupt)
    told, sys.unraisablehook = sys.unraisablehook, _quiet(sys.unraisablehook)
    try:
        yield again
    finally:
        sys.unraisablehook = told
        signal.signal(signal.SIGINT, before)


def _quiet(tell: Callable[[Any], object]) -> Callable[[Any], object]:
    """Give a hook that tells of what could not be raised, but for interrupts: those are raised again."""
    return lambda lost: None if isinstance(lost.exc_value, KeyboardInterrupt) else tell(lost)
