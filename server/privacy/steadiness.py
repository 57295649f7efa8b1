"""Hours in which nobody has set the clock: erasing by age, which cannot be undone, is done behind those alone."""

from __future__ import annotations

SET_US = 60 * 1_000_000  #: a clock that is only corrected a little moves less than two seconds an hour


class SteadyHours:
    """Tells hour by hour how far the wall clock was set, against a clock that never is."""

    def __init__(self, steady_us: int, wall_us: int, hour_us: int) -> None:
        self._begun, self._hour_us = (steady_us, wall_us), hour_us

    def set_by_us(self, steady_us: int, wall_us: int) -> int | None:
        """Give by how much the clock was set in the hour that is over, and begin the next; None when it is not over."""
        lasted_us, shown_us = steady_us - self._begun[0], wall_us - self._begun[1]
        if lasted_us < self._hour_us:
            return None
        self._begun = steady_us, wall_us
        return shown_us - lasted_us
