"""Checking an exported log: that it is the one that was signed, and that each of its entries is where it belongs.

The root is computed from the entries. Where it is the signed one, every entry is what it was, and a tile that differs
was altered; where the hashes of leaves lead to the signed root, entries that differ from them were altered. So each
fault is told at its own place. Where neither does, the log was rewritten, and an older checkpoint tells since when.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from remission_verify.chains import Chains
from remission_verify.checkpoint import Checkpoint
from remission_verify.envelope import read_envelopes
from remission_verify.errors import BundleTorn, EnvelopeInvalid, FileInvalid
from remission_verify.findings import Fault, Findings
from remission_verify.folder import TileFolder
from remission_verify.limits import MOST_FAULTS
from remission_verify.merkle import hash_leaf
from remission_verify.rows import Rows
from remission_verify.tiles import CHECKPOINT, ENTRIES, HASH_BYTES, WIDTH, Tile, levels_of, tile_at, tiles_of

#: Called with how many entries were checked, and how many there are.
Progress = Callable[[int, int], None]

#: The file of a checkpoint, and what it says.
Older = tuple[str, Checkpoint]


def silently(_done: int, _size: int) -> None:
    """Show no progress."""


@dataclass(slots=True)
class LogCheck:
    """A pass over an export. *signed* is its checkpoint, and *older* are others, all checked against trusted keys."""

    folder: Path
    signed: Checkpoint
    older: Sequence[Older] = ()
    progress: Progress = silently
    found: Findings = field(default_factory=Findings)
    _chains: Chains = field(default_factory=Chains)
    _differing: list[tuple[Tile, int]] = field(default_factory=list)

    def run(self) -> Findings:
        """Check everything; give what was found."""
        reader, sizes = TileFolder(self.folder), [one.size for _, one in self.older]
        by_entries, by_tiles = Rows(sizes), Rows(sizes)
        for tile in tiles_of(self.signed.size):
            self._tile(reader, tile, by_entries, by_tiles)
            self.progress(by_entries.size, self.signed.size)
            if len(self.found.faults) + len(self._differing) >= MOST_FAULTS:
                return self._stopped(by_entries.size)
        by_entries.finish()
        by_tiles.finish()
        self._judge(by_entries.root(), by_tiles.root())
        true = by_tiles if by_tiles.root() == self.signed.root else by_entries
        self._upper(reader, true)
        self._strangers(reader)
        self._older(true)
        self.found.root, self.found.streams = by_entries.root().hex(), len(self._chains)
        self.found.sort()
        return self.found

    def _stopped(self, position: int) -> Findings:
        """Give up on what has little of a log in it: a signed size and an empty folder would be read for years."""
        for tile, number in self._differing:
            self._differs(tile, number, "the entry and its hash in the tile differ")
        self.found.sort()
        self.found.faults.append(
            Fault(CHECKPOINT, f"the check has stopped behind position {position}: too much is wrong")
        )
        return self.found

    def _tile(self, reader: TileFolder, tile: Tile, by_entries: Rows, by_tiles: Rows) -> None:
        """Read a bundle and its tile; let the tree grow over both."""
        stored = self._stored(reader, tile)
        entries = self._entries(reader, tile, stored)
        hashes = [hash_leaf(entry) for entry in entries]
        if stored and stored != hashes:
            self._apart(tile, entries, hashes, stored)
        else:
            self._follow(tile, 0, entries, hashes)
        if len(entries) < tile.width:
            self._chains.lose()
        # What could not be read stands in for by what stands beside it, so that all behind it keep their places.
        hashes += stored[len(hashes) :] or [bytes(HASH_BYTES)] * (tile.width - len(hashes))
        root = by_entries.add(hashes)
        by_tiles.add(stored or hashes, root if stored in ([], hashes) else b"")

    def _stored(self, reader: TileFolder, tile: Tile) -> list[bytes]:
        try:
            return reader.tile(tile)
        except FileInvalid as error:
            self.found.add(_of_file(tile, error))
            return []

    def _entries(self, reader: TileFolder, tile: Tile, stored: list[bytes]) -> list[bytes]:
        """Read a bundle as far as its entries stand in their places."""
        try:
            return reader.entries(tile.idx, tile.width)
        except FileInvalid as error:
            torn = error.entries if isinstance(error, BundleTorn) else []
            read = torn[: _in_place(torn, stored, tile.width)]
            place = _position(tile, len(read)) if isinstance(error, BundleTorn) else None
            self.found.add(_of_file(Tile(ENTRIES, tile.idx, tile.width), error, place))
            return read

    def _apart(self, tile: Tile, entries: list[bytes], hashes: list[bytes], stored: list[bytes]) -> None:
        """Follow entries one by one, to note where one and its hash in the tile differ."""
        for number, entry in enumerate(entries):
            self._follow(tile, number, [entry], [hashes[number]])
            if stored[number] != hashes[number]:
                self._differing.append((tile, number))
                self._chains.lose()

    def _follow(self, tile: Tile, number: int, entries: list[bytes], hashes: list[bytes]) -> None:
        """Hold entries, from the one of this number in its bundle on, against their places."""
        take = self._chains.take
        for position, event in enumerate(read_envelopes(entries, hashes), _position(tile, number)):
            if isinstance(event, EnvelopeInvalid):
                faults: Sequence[str] = (str(event),)
                self._chains.lose()
            else:
                faults = take(event, position)
            for said in faults:
                self.found.add(Fault(Tile(ENTRIES, tile.idx, tile.width).path, said, position))

    def _judge(self, by_entries: bytes, by_tiles: bytes) -> None:
        """Say of entries and hashes that differ which of them were altered."""
        signed = self.signed.root
        for tile, number in self._differing:
            if by_entries == signed:
                self.found.add(Fault(tile.path, "the hash is not that of the entry", _position(tile, number)))
            else:
                said = "the entry was altered" if by_tiles == signed else "the entry and its hash in the tile differ"
                self._differs(tile, number, said)
        if signed not in (by_entries, by_tiles):
            said = f"{self.signed.size} entries have the root {by_entries.hex()}, what was signed is {signed.hex()}"
            self.found.add(Fault(CHECKPOINT, said if self._differing else f"{said}: the log was rewritten"))

    def _differs(self, tile: Tile, number: int, said: str) -> None:
        self.found.add(Fault(Tile(ENTRIES, tile.idx, tile.width).path, said, _position(tile, number)))

    def _upper(self, reader: TileFolder, true: Rows) -> None:
        for tile, hashes in true.upper():
            stored = self._stored(reader, tile)
            for number, value in enumerate(stored):
                if value != hashes[number]:
                    leaves = WIDTH**tile.level
                    first = (tile.idx * WIDTH + number) * leaves
                    said = f"the hash over the positions {first + 1} to {first + leaves} is not that of the tile below"
                    self.found.add(Fault(tile.path, said, first + 1))

    def _strangers(self, reader: TileFolder) -> None:
        for name in reader.names():
            if not self._is_ours(name):
                self.found.add(Fault(name[:200], f"is no part of a log of {self.signed.size} entries"))

    def _is_ours(self, name: str) -> bool:
        tile = tile_at(name)
        if tile is None or tile.level not in (ENTRIES, *levels_of(self.signed.size)):
            return False
        full, rest = divmod(self.signed.size >> 8 * max(tile.level, 0), WIDTH)
        return (tile.idx < full and tile.width == WIDTH) or (tile.idx == full and tile.width == rest)

    def _older(self, true: Rows) -> None:
        """Hold the log against what was signed of it before."""
        for file, told in self.older:
            for said in self._grew(true, told):
                self.found.add(Fault(file, said))

    def _grew(self, true: Rows, told: Checkpoint) -> Iterator[str]:
        if told.origin != self.signed.origin:
            yield f"is of the log {told.origin!r}, expected {self.signed.origin!r}"
        elif told.size > self.signed.size:
            yield f"is of {told.size} entries, the log has {self.signed.size}: it was cut off"
        elif true.root(told.size) != told.root:
            yield (
                f"the first {told.size} entries have the root {true.root(told.size).hex()}, "
                f"what was signed is {told.root.hex()}: the log was rewritten"
            )


def _in_place(entries: Sequence[bytes], stored: Sequence[bytes], width: int) -> int:
    """Count the entries of a torn bundle up to the first that stands in another's place, as far as hashes tell."""
    known = min(len(entries), width - 1)
    return next((i for i, value in enumerate(stored[:known]) if hash_leaf(entries[i]) != value), known)


def _position(tile: Tile, number: int) -> int:
    return tile.idx * WIDTH + number + 1


def _of_file(tile: Tile, error: FileInvalid, position: int | None = None) -> Fault:
    """Make a fault of what could not be read; the error names the file already."""
    said = str(error).removeprefix(f"{tile.path}: ")
    return Fault(tile.path, said if position else f"{said} ({tile.covers})", position)
