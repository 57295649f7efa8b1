"""Reading an export that others may have prepared: plain files within the folder, of no more than the expected size."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from remission_verify.errors import BundleTorn, FileInvalid
from remission_verify.limits import MOST_ENTRY_BYTES, MOST_TEXT_BYTES
from remission_verify.merkle import Node, root_of
from remission_verify.tiles import (
    CHECKPOINT,
    ENTRIES,
    HASH_BYTES,
    HEIGHT,
    WIDTH,
    Tile,
    unpack_entries,
    unpack_hashes,
)


class TileFolder:
    """An exported log (C2SP tlog-tiles). Nothing that it gives is proven yet."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def checkpoint(self) -> str:
        """Return the signed checkpoint.

        Raises:
            FileInvalid: It cannot be read.
        """
        return read_text(self._folder, CHECKPOINT)

    def tile(self, tile: Tile) -> list[bytes]:
        """Return the hashes in a tile.

        Raises:
            FileInvalid: It cannot be read, or has another size.
        """
        data = read_plain(self._folder, tile.path, tile.width * HASH_BYTES)
        return _named(tile, unpack_hashes, data)

    def entries(self, index: int, width: int = WIDTH) -> list[bytes]:
        """Return the entries in a bundle.

        Raises:
            BundleTorn: It holds more or fewer, or the last is cut off.
            FileInvalid: It cannot be read.
        """
        tile = Tile(ENTRIES, index, width)
        data = read_plain(self._folder, tile.path, width * (2 + MOST_ENTRY_BYTES))
        return _named(tile, unpack_entries, data)

    def nodes(self, size: int) -> Node:
        """Return what proofs of the first *size* entries are made from. Each tile is read once."""
        known: dict[Tile, list[bytes]] = {}

        def node(level: int, index: int) -> bytes:
            row, height = divmod(level, HEIGHT)
            at, offset = divmod(index << height, WIDTH)
            tile = Tile(row, at, min((size >> HEIGHT * row) - at * WIDTH, WIDTH))
            if tile not in known:
                known[tile] = self.tile(tile)
            return root_of(known[tile][offset : offset + (1 << height)])

        return node

    def names(self) -> Iterator[str]:
        """Name everything but folders that lies below `tile/`; nothing is opened, and no link is followed."""
        for where, folders, files in os.walk(self._folder / "tile"):
            links = [name for name in folders if (Path(where) / name).is_symlink()]
            below = Path(where).relative_to(self._folder).as_posix()
            yield from (f"{below}/{name}" for name in (*files, *links))


def read_text(folder: Path, name: str) -> str:
    """Read a small file of text below *folder*.

    Raises:
        FileInvalid: It cannot be read, or is no text.
    """
    try:
        return read_plain(folder, name, MOST_TEXT_BYTES).decode()
    except UnicodeDecodeError as error:
        raise FileInvalid(f"{name}: byte {error.start} is not UTF-8") from error


def read_plain(folder: Path, name: str, most_bytes: int) -> bytes:
    """Read a plain file below *folder* that has at most so many bytes. Links are followed within it only.

    Raises:
        FileInvalid: It is missing, larger, no plain file, or lies outside.
    """
    try:
        return _read(_within(folder, name), name, most_bytes)
    except FileNotFoundError as error:
        raise FileInvalid(f"{name}: is missing") from error
    except (OSError, RuntimeError, ValueError) as error:  # a loop of links; a zero byte in the name
        raise FileInvalid(f"{name}: cannot be read: {getattr(error, 'strerror', None) or error}") from error


def _within(folder: Path, name: str) -> Path:
    """Return where a file lies, which is within its folder."""
    path = folder / name
    if not _may_lead_away(folder, name):
        return path
    path = path.resolve(strict=True)
    if not path.is_relative_to(folder.resolve()):
        raise FileInvalid(f"{name}: leads out of the folder; a file within it is accepted")
    return path


def _may_lead_away(folder: Path, name: str) -> bool:
    """Say whether a link is on the way, or a step up. To look takes a tenth of what it takes to follow the way."""
    place = str(folder)
    for step in name.split("/"):
        place = f"{place}/{step}"
        if step in ("", "..") or stat.S_ISLNK(os.lstat(place).st_mode):
            return True
    return False


def _read(path: Path, name: str, most_bytes: int) -> bytes:
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise FileInvalid(f"{name}: is no plain file")  # a pipe would be waited for
    if found.st_size > most_bytes:
        raise FileInvalid(f"{name}: has {found.st_size} bytes; up to {most_bytes} are accepted")
    with path.open("rb") as file:
        return file.read(found.st_size)  # no more, though somebody writes to it


def _named(tile: Tile, read: Callable[[bytes, int], list[bytes]], data: bytes) -> list[bytes]:
    """Read the content of a tile, and name it in what is refused."""
    try:
        return read(data, tile.width)
    except BundleTorn as error:
        raise BundleTorn(f"{tile.path}: {error}", error.entries) from error
    except FileInvalid as error:
        raise FileInvalid(f"{tile.path}: {error}") from error
