"""The files of a log (C2SP tlog-tiles): where they lie, and how hashes and entries stand in them.

A tile holds up to 256 hashes: on level 0 those of leaves, on others the roots of full tiles of the level below. A
bundle holds the entries of a tile of level 0. Only the last ones of a log are not full.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from remission_verify.errors import BundleTorn, FileInvalid
from remission_verify.limits import MOST_ENTRY_BYTES

#: Hashes in a full tile.
WIDTH = 256

#: Levels of the tree in one level of tiles.
HEIGHT = 8

HASH_BYTES = 32
ENTRIES = -1  #: stands for the level of bundles
CHECKPOINT = "checkpoint"
_LENGTH_BYTES = 2
_PATH = re.compile(
    r"tile/(?P<level>entries|0|[1-9][0-9]?)/(?P<high>(?:x[0-9]{3}/){0,6})(?P<low>[0-9]{3})(?:\.p/(?P<width>[1-9][0-9]{0,2}))?"
)


class Tile(NamedTuple):
    """Tile *idx* of a level, and how many hashes stand in it; of the level `ENTRIES` it is a bundle."""

    level: int
    idx: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """Where it lies in the folder of the log.

        >>> Tile(0, 1234067, 8).path
        'tile/0/x001/x234/067.p/8'
        """
        level = "entries" if self.level == ENTRIES else str(self.level)
        digits = str(self.idx)
        digits = digits.zfill(-(-len(digits) // 3) * 3)
        parts = [digits[at : at + 3] for at in range(0, len(digits), 3)]
        number = "".join(f"x{part}/" for part in parts[:-1]) + parts[-1]
        return f"tile/{level}/{number}" + (f".p/{self.width}" if self.width < WIDTH else "")

    @property
    def covers(self) -> str:
        """Name the positions below it, as far as its width reaches."""
        leaves = WIDTH ** max(self.level, 0)
        first = self.idx * leaves * WIDTH
        return f"positions {first + 1} to {first + self.width * leaves}"


def tile_at(path: str) -> Tile | None:
    """Give the tile that lies at *path*; None for a path that none has."""
    found = _PATH.fullmatch(path)
    if found is None:
        return None
    level = ENTRIES if found["level"] == "entries" else int(found["level"])
    index = int(found["high"].replace("x", "").replace("/", "") + found["low"])
    tile = Tile(level, index, int(found["width"] or WIDTH))
    return tile if tile.path == path else None


def tiles_of(size: int, level: int = 0) -> Iterator[Tile]:
    """Give the tiles of one level in a log of *size* entries, in their order."""
    full, rest = divmod(size >> HEIGHT * max(level, 0), WIDTH)
    yield from (Tile(level, index) for index in range(full))
    if rest:
        yield Tile(level, full, rest)


def levels_of(size: int) -> Iterator[int]:
    """Give the levels of tiles of a log of *size* entries, from below."""
    level = 0
    while size >> HEIGHT * level:
        yield level
        level += 1


def pack_entries(entries: Sequence[bytes]) -> bytes:
    """Write a bundle: each entry behind its length.

    Raises:
        FileInvalid: An entry is too long for its length to be written.
    """
    for number, entry in enumerate(entries):
        if len(entry) > MOST_ENTRY_BYTES:
            raise FileInvalid(f"entry {number} has {len(entry)} bytes; up to {MOST_ENTRY_BYTES} are accepted")
    return b"".join(len(entry).to_bytes(_LENGTH_BYTES, "big") + entry for entry in entries)


def unpack_entries(data: bytes, width: int) -> list[bytes]:
    """Read a bundle of *width* entries.

    Raises:
        BundleTorn: It holds fewer or more, or the last is cut off.
    """
    entries: list[bytes] = []
    at, end = 0, len(data)
    while at < end and len(entries) < width:
        start = at + _LENGTH_BYTES
        at = start + (data[at] << 8 | data[at + 1]) if start <= end else start
        if at > end:
            raise BundleTorn(f"is cut off within entry {len(entries)}; {width} entries are expected", entries)
        entries.append(data[start:at])
    if len(entries) < width:
        raise BundleTorn(f"holds {len(entries)} entries; {width} are expected", entries)
    if at < end:
        raise BundleTorn(f"holds {end - at} bytes behind its {width} entries; none are expected", entries)
    return entries


def pack_hashes(hashes: Sequence[bytes]) -> bytes:
    """Write a tile."""
    return b"".join(hashes)


def unpack_hashes(data: bytes, width: int) -> list[bytes]:
    """Read a tile of *width* hashes.

    Raises:
        FileInvalid: It has another length.
    """
    if len(data) != width * HASH_BYTES:
        raise FileInvalid(f"has {len(data)} bytes; {width * HASH_BYTES} are expected")
    return [data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES)]
