"""Models with rows at which nobody looks: the server that took them in has died, and its follower with it."""

from __future__ import annotations

from collections.abc import Iterator

from server.desk import FOLLOWER
from server.history import reading
from statemachine.words import RETIRED
from store.ports import Reader


class Neglect:
    """Remembers how far each feed was followed when somebody last asked."""

    def __init__(self) -> None:
        self._before: dict[str, int] = {}

    def found(self, reader: Reader) -> list[str]:
        """Name the models whose feed has entries ahead of its follower, which has not moved since the last time."""
        behind = {name: seq for name in _living(reader) if (seq := _left_at(reader, name)) is not None}
        stuck = [name for name, seq in behind.items() if self._before.get(name) == seq]
        self._before = behind
        return stuck


def _living(reader: Reader) -> Iterator[str]:
    for name in reading.names(reader):
        found = reader.projection(name)
        if found is not None and found.state != RETIRED.state:
            yield name


def _left_at(reader: Reader, name: str) -> int | None:
    """Say how far the feed was followed; None: to its end."""
    cursor = reader.cursor(name, FOLLOWER)
    followed = cursor.seq if cursor else 0
    return followed if followed < reader.feed_head(name).seq else None
