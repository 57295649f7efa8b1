"""Models with rows at which nobody looks: the server that took them in has died, and its follower with it."""

from __future__ import annotations

from server.desk import FOLLOWER
from statemachine.words import RETIRED
from store.ports import Reader


class Neglect:
    """Remembers how far each feed was followed when somebody last asked."""

    def __init__(self) -> None:
        self._before: dict[str, int] = {}

    def found(self, reader: Reader) -> list[str]:
        """Name the models whose feed has entries ahead of its follower, which has not moved since the last time."""
        behind = reader.unfollowed(FOLLOWER)
        stuck = [name for name, seq in behind.items() if self._before.get(name) == seq]
        self._before = behind
        return [name for name in stuck if _lives(reader, name)]


def waiting(reader: Reader) -> list[str]:
    """Name the models whose feed has entries ahead of its follower."""
    return [name for name in reader.unfollowed(FOLLOWER) if _lives(reader, name)]


def _lives(reader: Reader, name: str) -> bool:
    found = reader.projection(name)
    return found is not None and found.state != RETIRED.state
