"""Proofs about the tree of a log, made from its tiles."""

from __future__ import annotations

from remission_verify import merkle

from store.tree import EMPTY, HEIGHT, WIDTH, TreeReader, hashes_in


class Nodes:
    """The nodes of a tree of *size* leaves. Each tile is read once."""

    def __init__(self, reader: TreeReader, size: int) -> None:
        self._reader, self._size = reader, size
        self._tiles: dict[tuple[int, int], list[bytes]] = {}

    def __call__(self, level: int, index: int) -> bytes:
        """Return the hash of the complete subtree over 2**level leaves."""
        tile_level, height = divmod(level, HEIGHT)
        idx, offset = divmod(index << height, WIDTH)
        return merkle.root_of(self._tile(tile_level, idx)[offset : offset + (1 << height)])

    def _tile(self, level: int, idx: int) -> list[bytes]:
        known = self._tiles.get((level, idx))
        if known is None:
            width = min((self._size >> (HEIGHT * level)) - idx * WIDTH, WIDTH)
            known = self._tiles[level, idx] = hashes_in(self._reader.tile(level, idx, width))
        return known


def root_at(reader: TreeReader, size: int) -> bytes:
    """Return the root over the first *size* events.

    Raises:
        TileMissing: The log does not reach so far.
    """
    return merkle.subtree(0, size, Nodes(reader, size)) if size else EMPTY


def inclusion(reader: TreeReader, size: int, position: int) -> list[bytes]:
    """Return the path from the event at *position* to the root over the first *size* events.

    Raises:
        ProofInvalid: The position is not among them.
    """
    return merkle.inclusion_proof(size, position - 1, Nodes(reader, size))


def consistency(reader: TreeReader, old: int, size: int) -> list[bytes]:
    """Return the proof that the first *size* events begin with the first *old*.

    Raises:
        ProofInvalid: *old* is no size from 1 to *size*.
    """
    return merkle.consistency_proof(old, size, Nodes(reader, size))
