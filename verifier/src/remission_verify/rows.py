"""A tree that is built tile by tile, in order: what is kept of it is enough for its root, and for older ones."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from remission_verify.merkle import EMPTY, root_of, subtree
from remission_verify.tiles import HEIGHT, WIDTH, Tile


class Rows:
    """The rows of hashes from which tiles are cut. Of leaves, only tiles that are not full are kept, and *sizes*.

    *sizes* are those of older trees whose roots will be asked for.
    """

    def __init__(self, sizes: Collection[int] = ()) -> None:
        self._wanted = {size // WIDTH for size in sizes if size % WIDTH}
        self._leaves: dict[int, Sequence[bytes]] = {}
        self._rows: list[list[bytes]] = [[]]
        self.size = 0

    def add(self, hashes: Sequence[bytes], root: bytes = b"") -> bytes:
        """Take the leaves of the next tile, whose root may be known; return the root of a full one."""
        index = self.size // WIDTH
        self.size += len(hashes)
        if len(hashes) < WIDTH or index in self._wanted:
            self._leaves[index] = hashes
        if len(hashes) < WIDTH:
            return b""
        root = root or root_of(hashes)
        self._rows[0].append(root)
        return root

    def finish(self) -> None:
        """Build the rows above, when all tiles were added."""
        while len(row := self._rows[-1]) >= WIDTH:
            full = range(0, len(row) - WIDTH + 1, WIDTH)
            self._rows.append([root_of(row[start : start + WIDTH]) for start in full])

    def upper(self) -> Iterator[tuple[Tile, list[bytes]]]:
        """Give the tiles above the leaves with their hashes, level by level."""
        for level, row in enumerate(self._rows, start=1):
            for start in range(0, len(row), WIDTH):
                hashes = row[start : start + WIDTH]
                yield Tile(level, start // WIDTH, len(hashes)), hashes

    def root(self, size: int | None = None) -> bytes:
        """Return the root over all leaves, or over the first *size*, one of those that were announced."""
        size = self.size if size is None else size
        return subtree(0, size, self._node) if size else EMPTY

    def _node(self, level: int, index: int) -> bytes:
        row, height = divmod(level, HEIGHT)
        start = index << height
        if row == 0:
            start, leaves = start % WIDTH, self._leaves[start // WIDTH]
            return root_of(leaves[start : start + (1 << height)])
        return root_of(self._rows[row - 1][start : start + (1 << height)])
