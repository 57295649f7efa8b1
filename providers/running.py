"""Keeps asking until told to stop; each source on a thread of its own, so that one that hangs holds up no other."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from providers.answers import SECOND_US
from providers.prometheus import Source

LONGEST_WAIT_SECONDS = 60.0  #: a clock that is set back is noticed within it

Clock = Callable[[], int]  #: microseconds since 1970
Wait = Callable[[float], bool]  #: waits for so many seconds; True: told to stop


def keep_asking(source: Source, clock: Clock, wait: Wait) -> None:
    """Ask whenever something is due."""
    while True:
        source.turn(clock())
        seconds = (source.due_us - clock()) / SECOND_US
        if wait(min(max(seconds, 0.0), LONGEST_WAIT_SECONDS)):
            return


def run(sources: Sequence[Source], clock: Clock, stop: threading.Event) -> None:
    """Ask all *sources* until *stop* is set. What rises in a thread ends all, and rises here."""
    risen: list[BaseException] = []

    def work(source: Source) -> None:
        try:
            keep_asking(source, clock, stop.wait)
        except BaseException as error:  # noqa: BLE001 - it rises again in the caller's thread
            risen.append(error)
            stop.set()

    threads = [threading.Thread(target=work, args=(source,), name=f"source-{i}") for i, source in enumerate(sources)]
    for thread in threads:
        thread.start()
    stop.wait()  # also where nobody is asked, and others only listened to
    for thread in threads:
        thread.join()
    if risen:
        raise risen[0]
