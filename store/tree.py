"""The Merkle tree over a namespace's events (RFC 6962), as far as the writer must know it to let it grow.

The tree is kept as tiles of 256 hashes (C2SP tlog-tiles): tile *n* of level *l* holds the hashes of 256 complete
subtrees of 256**l leaves. A tile is written once, when it is full; what is not full yet is read from the tiles below
it, or from the events.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import pairwise
from typing import Protocol

from remission_verify.merkle import hash_children, root_of

from statemachine.record.envelope import RecordedEvent, leaf_hash
from store.errors import TreeAltered
from store.records import Head

#: Hashes in a full tile.
WIDTH = 256

HASH_BYTES = 32

#: Levels of the tree in one level of tiles.
HEIGHT = 8

#: The root of a tree without leaves.
EMPTY = sha256(b"").digest()

#: How many events an edge is moved on by; behind more of them it is read anew from the tiles.
CATCH_UP = 4_096


@dataclass(frozen=True, slots=True)
class FullTile:
    """A tile that will never change: *hashes* of 32 bytes each, one after the other, and the root over them."""

    level: int
    idx: int
    hashes: bytes
    root: bytes


@dataclass(slots=True)
class Open:
    """A tile that is not full: its *hashes*, and the roots of the complete subtrees over them, from the left."""

    hashes: list[bytes] = field(default_factory=list)
    peaks: list[bytes] = field(default_factory=list)

    def add(self, value: bytes) -> None:
        """Put *value* at the end."""
        self.hashes.append(value)
        self.peaks.append(value)
        width = len(self.hashes)
        while not width & 1:
            right = self.peaks.pop()
            # As `hash_children`, without the call: every append and every check comes through here.
            self.peaks[-1] = sha256(b"\x01" + self.peaks[-1] + right).digest()
            width >>= 1


@dataclass(slots=True)
class Edge:
    """The right edge of the tree: for each level of tiles the one that is not full."""

    size: int = 0
    levels: list[Open] = field(default_factory=list)

    @classmethod
    def of(cls, size: int, levels: Iterable[Iterable[bytes]]) -> Edge:
        """Make an edge from the hashes in the open tile of each level."""
        edge = cls(size)
        for hashes in levels:
            edge.levels.append(Open())
            for value in hashes:
                edge.levels[-1].add(value)
        return edge

    def grow(self, leaves: Iterable[bytes]) -> list[FullTile]:
        """Add the hashes of new leaves; return the tiles that have become full, the lower ones first."""
        full: list[FullTile] = []
        new = list(leaves)
        first = min(-self.size % WIDTH, len(new))
        whole = len(new) - (len(new) - first) % WIDTH
        for leaf in new[:first]:
            self._leaf(leaf, full)
        for start in range(first, whole, WIDTH):
            self._tile(new[start : start + WIDTH], full)
        for leaf in new[whole:]:
            self._leaf(leaf, full)
        return full

    def root(self) -> bytes:
        """Return the root over all leaves."""
        right: bytes | None = None
        for one in self.levels:
            for peak in reversed(one.peaks):
                right = peak if right is None else hash_children(peak, right)
        return EMPTY if right is None else right

    def _leaf(self, leaf: bytes, full: list[FullTile]) -> None:
        self.size += 1
        self._add(0, leaf, full)

    def _tile(self, leaves: Sequence[bytes], full: list[FullTile]) -> None:
        """Add the leaves of a whole tile at once, in less than half the time that they take one by one."""
        if not self.levels:
            self.levels.append(Open())
        self.size += WIDTH
        full.append(FullTile(0, self.size // WIDTH - 1, b"".join(leaves), root_of(leaves)))
        self._add(1, full[-1].root, full)

    def _add(self, level: int, value: bytes, full: list[FullTile]) -> None:
        if level == len(self.levels):
            self.levels.append(Open())
        here = self.levels[level]
        here.add(value)
        if len(here.hashes) < WIDTH:
            return
        idx = (self.size >> (HEIGHT * (level + 1))) - 1
        tile = FullTile(level, idx, b"".join(here.hashes), here.peaks[0])
        full.append(tile)
        self.levels[level] = Open()
        self._add(level + 1, tile.root, full)


class TreeReader(Protocol):
    """What the tree can be read from."""

    def tile(self, level: int, idx: int, width: int = WIDTH) -> bytes:
        """Return the first *width* hashes of a tile."""

    def all_events(self, after_position: int, limit: int) -> tuple[RecordedEvent, ...]:
        """Return at most *limit* events with position > *after_position*."""


def edge_at(head: Head, reader: TreeReader, known: Edge | None) -> Edge:
    """Return an edge that ends at *head*, one that can grow; *known* is where it last ended, and is used up.

    Raises:
        TreeAltered: The events have another root than *head* says.
        TileMissing: A tile was removed.
    """
    if known is not None and known.size == head.position:
        return known
    edge = _moved_on(head, reader, known) if known is not None else _read(head.position, reader)
    if edge.size != head.position or edge.root().hex() != head.root:
        raise TreeAltered(head.position, head.root, edge.root().hex())
    return edge


def _moved_on(head: Head, reader: TreeReader, known: Edge) -> Edge:
    behind = head.position - known.size
    if not 0 < behind <= CATCH_UP:
        return _read(head.position, reader)
    known.grow(map(leaf_hash, reader.all_events(known.size, behind)))
    return known


def _read(size: int, reader: TreeReader) -> Edge:
    levels: list[list[bytes]] = []
    count = size
    while count:
        idx, width = divmod(count, WIDTH)
        levels.append(hashes_in(reader.tile(len(levels), idx, width)) if width else [])
        count = idx
    return Edge.of(size, levels)


def hashes_in(tile: bytes) -> list[bytes]:
    """Take a tile's bytes apart."""
    ends = range(0, len(tile) + 1, HASH_BYTES)
    return [tile[start:end] for start, end in pairwise(ends)]
