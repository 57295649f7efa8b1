"""Models whose feed has entries that nobody looked at yet: each gets one follower, and another when it fails."""

from __future__ import annotations

from threading import Lock


class Backlog:
    """Who is on the way to which model. Safe to use from many threads."""

    def __init__(self) -> None:
        self._sent: set[str] = set()
        self._failed: set[str] = set()
        self._lock = Lock()

    def calls(self, model: str) -> bool:
        """Note new entries of *model*; say whether a follower must be sent, or one is on the way and will see them."""
        with self._lock:
            needed = model not in self._sent
            self._sent.add(model)
            return needed

    def begun(self, model: str) -> None:
        """Note that a follower has arrived: it sees what is there, and entries after this need another."""
        with self._lock:
            self._sent.discard(model)
            self._failed.discard(model)

    def failed(self, model: str) -> None:
        """Note that a follower came back without having looked."""
        with self._lock:
            self._sent.discard(model)
            self._failed.add(model)

    def left(self) -> list[str]:
        """Name the models whose followers failed."""
        with self._lock:
            return sorted(self._failed)
