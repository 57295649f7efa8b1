"""The tree of a log: it grows over the leaves that were read, and the tiles on record are held against it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from server.audit.faults import Fault
from store.errors import StoreError
from store.ports import Reader
from store.tree import HEIGHT, WIDTH, Edge, FullTile


@dataclass(slots=True)
class Tiles:
    """How far the tree has grown, and the hashes of leaves that it has not grown over yet."""

    reader: Reader
    edge: Edge = field(default_factory=Edge)
    leaves: list[bytes] = field(default_factory=list)

    def faults(self) -> Iterator[Fault]:
        """Let the tree grow over what was read, and hold each tile that becomes full against the one on record."""
        for tile in self.edge.grow(self.leaves):
            yield from self._tile(tile)
        self.leaves = []

    def open_faults(self) -> Iterator[Fault]:
        """Hold the roots of full tiles against the events, and tell of a tile that stands there before it is full."""
        for level in range(len(self.edge.levels) + 1):
            idx = self.edge.size >> HEIGHT * (level + 1)
            if self._reads(level, idx, WIDTH) is not None:
                yield Fault(0, f"{_place(level, idx)}: stands there, and is not full yet")
                continue
            hashes = self.edge.levels[level].hashes if level < len(self.edge.levels) else []
            if level and hashes and self._reads(level, idx, len(hashes)) != b"".join(hashes):
                yield Fault(0, f"{_place(level, idx)}: the roots of the tiles below it are not those of the events")

    def _tile(self, tile: FullTile) -> Iterator[Fault]:
        place = _place(tile.level, tile.idx)
        try:
            found = self.reader.tile(tile.level, tile.idx)
        except StoreError as error:
            yield Fault(0, f"{place}: {error}")
            return
        if found != tile.hashes:
            yield Fault(0, f"{place}: differs from the events below it")

    def _reads(self, level: int, idx: int, width: int) -> bytes | None:
        try:
            return self.reader.tile(level, idx, width)
        except StoreError:
            return None


def _place(level: int, idx: int) -> str:
    width = WIDTH ** (level + 1)
    return f"tile {level}/{idx} (positions {idx * width + 1} to {(idx + 1) * width})"
