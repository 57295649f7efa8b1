"""How far the clock of this machine is from that of the database, which all servers of a log share, and from itself."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from store.ports import Readable

LOG = structlog.get_logger()
LOOK_US = 60 * 1_000_000  #: between two looks, so that a clock that was put right is believed soon
TOLD_US = 5 * 1_000_000  #: apart, and it is said; clocks that are kept together are within a tenth of a second
FAR_US = 600 * 1_000_000  #: apart, and nothing is done that only a date calls for
NEAR, APART, FAR = range(3)
THEN = {
    APART: "timers fire early or late by so much; keep the clocks of servers and database together",
    FAR: "no timer fires here, and nothing is erased by age, until the clocks of server and database agree",
}

UNTIL = (
    "it was set back, or was ahead before: until it has caught up, events are dated as their model's last move, timers "
    "wait, and rows of a later date are refused"
)


class Timekeeper:
    """Compares the clocks, and says once how far they are apart, until that changes."""

    def __init__(self, store: Readable) -> None:
        self._store = store
        self._looked_us: int | None = None
        self._told = NEAR
        self._ahead_us: int | None = None  #: of the steady clock, at the last look
        self._doubted_us: int | None = None  #: until when the clock is not believed, by the steady one

    @property
    def is_far(self) -> bool:
        """Whether the clocks were so far apart when they were last compared that one of them shows no date."""
        return self._told == FAR or self._doubted_us is not None

    def look(self, steady_us: int, time_us: Callable[[], int]) -> None:
        """Compare *time_us* with the database's clock, once a minute at *steady_us* of a clock that is never set.

        One that leaps is compared at once, and not believed for a minute, in which it may be put right.
        """
        self._hold_against(steady_us, time_us())
        if self._looked_us is not None and steady_us - self._looked_us < LOOK_US:
            return
        self._looked_us = steady_us
        behind = behind_us(self._store, time_us)
        found = FAR if abs(behind) > FAR_US else APART if abs(behind) > TOLD_US else NEAR
        if found != self._told:
            self._told = found
            _say(found, behind)

    def _hold_against(self, steady_us: int, now_us: int) -> None:
        """Doubt a clock that has moved since the last look by far more, or less, than time has."""
        before, self._ahead_us = self._ahead_us, now_us - steady_us
        by_us = 0 if before is None else self._ahead_us - before
        if abs(by_us) > FAR_US:
            self._looked_us, self._doubted_us = None, steady_us + LOOK_US
            LOG.warning("clock_leapt", seconds=by_us // 1_000_000, then="no timer fires here for a minute")
        elif self._doubted_us is not None and steady_us >= self._doubted_us:
            self._doubted_us = None


def behind_us(store: Readable, time_us: Callable[[], int]) -> int:
    """Give by how much *time_us* is behind the database's clock, for certain; negative where it is ahead of it.

    The database was asked for its time between two looks at ours: what lies between these is no difference.
    """
    before_us = time_us()
    theirs_us = store.read(lambda reader: reader.clock_us())
    after_us = time_us()
    if theirs_us is None:
        return 0
    return max(theirs_us - after_us, 0) + min(theirs_us - before_us, 0)


def look_back(store: Readable, now_us: int) -> None:
    """Say so where the log was signed at a later time than it is: a file has no clock that tells which is wrong."""
    signed = store.read(lambda reader: reader.checkpoints())
    behind = max((one.created_us - now_us for one in signed), default=0)
    if behind > TOLD_US:
        LOG.warning("clock_behind_log", seconds=behind // 1_000_000, then=UNTIL)


def _say(found: int, behind: int) -> None:
    if found == NEAR:
        LOG.info("clocks_agree")
    else:
        LOG.warning("clocks_differ", behind_database_seconds=behind // 1_000_000, then=THEN[found])
