"""How long to wait after a failure: longer each time, and not shorter than was asked for."""

from __future__ import annotations

FIRST_SECONDS, LONGEST_SECONDS = 5.0, 300.0


class Pace:
    """Counts failures in a row."""

    def __init__(self) -> None:
        self._failures = 0

    def failed(self, asked_seconds: float = 0.0) -> float:
        """Note a failure; give the seconds to wait."""
        seconds = min(FIRST_SECONDS * 2.0 ** min(self._failures, 16), LONGEST_SECONDS)
        self._failures += 1
        return max(seconds, asked_seconds)

    def succeeded(self) -> None:
        """Note that all is well again."""
        self._failures = 0
