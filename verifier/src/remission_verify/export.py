"""Writing a log as files (C2SP tlog-tiles)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from remission_verify.checkpoint import parse
from remission_verify.errors import ExportRefused, FileInvalid
from remission_verify.merkle import hash_leaf
from remission_verify.note import parse_note
from remission_verify.placing import new_folder, write_synced
from remission_verify.rows import Rows
from remission_verify.tiles import CHECKPOINT, ENTRIES, WIDTH, Tile, pack_entries, pack_hashes


def write_tiles(target: Path, entries: Iterable[bytes], checkpoint: str, *, root: Path | None = None) -> int:
    """Write the log of *entries*, whose signed note is *checkpoint*, to the folder *target*; return its size.

    The folder appears whole or not at all, and only when the entries are those of the checkpoint. Whether a key that
    is trusted has signed it is the caller's to ask.

    Raises:
        ExportRefused: Something stands at *target*, it lies outside *root*, or the entries are others.
        NoteInvalid, CheckpointInvalid: *checkpoint* is none.
    """
    told = parse(parse_note(checkpoint).text)
    with new_folder(target, root) as fresh:
        rows = Rows()
        for index, bundle in enumerate(_bundles(islice(entries, told.size))):
            _write_bundle(fresh, index, bundle, rows)
        rows.finish()
        if (rows.size, rows.root()) != (told.size, told.root):
            raise ExportRefused(
                f"{target}: {rows.size} entries have the root {rows.root().hex()}, "
                f"the checkpoint says {told.size} and {told.root.hex()}"
            )
        for tile, hashes in rows.upper():
            write_synced(fresh / tile.path, pack_hashes(hashes))
        write_synced(fresh / CHECKPOINT, checkpoint.encode())
    return told.size


def _bundles(entries: Iterator[bytes]) -> Iterator[list[bytes]]:
    while bundle := list(islice(entries, WIDTH)):
        yield bundle


def _write_bundle(folder: Path, index: int, bundle: list[bytes], rows: Rows) -> None:
    hashes = [hash_leaf(entry) for entry in bundle]
    rows.add(hashes)
    try:
        packed = pack_entries(bundle)
    except FileInvalid as error:
        raise ExportRefused(f"{Tile(ENTRIES, index).path}: {error}") from error
    write_synced(folder / Tile(ENTRIES, index, len(bundle)).path, packed)
    write_synced(folder / Tile(0, index, len(bundle)).path, pack_hashes(hashes))
