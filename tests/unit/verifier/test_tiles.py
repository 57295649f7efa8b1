"""The files of a log, against the examples of the specification (C2SP tlog-tiles)."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from remission_verify.errors import BundleTorn, FileInvalid
from remission_verify.tiles import (
    ENTRIES,
    Tile,
    levels_of,
    pack_entries,
    tile_at,
    tiles_of,
    unpack_entries,
    unpack_hashes,
)

TILES = st.builds(
    Tile, st.sampled_from([ENTRIES, *range(8)]), st.integers(0, 10**18), st.integers(min_value=1, max_value=256)
)


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 1234067), "tile/0/x001/x234/067"),
        (Tile(0, 0, 1), "tile/0/000.p/1"),
        (Tile(12, 999), "tile/12/999"),
        (Tile(ENTRIES, 1000, 255), "tile/entries/x001/000.p/255"),
    ],
)
def test_a_tile_lies_where_the_specification_says(tile: Tile, path: str) -> None:
    assert (tile.path, tile_at(path)) == (path, tile)


@given(TILES)
def test_the_tile_at_a_path_is_the_one_that_lies_there(tile: Tile) -> None:
    assert tile_at(tile.path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "tile/00/000",
        "tile/0/0",
        "tile/0/x000/001",
        "tile/0/001.p/256",
        "tile/0/001.p/0",
        "tile/0/001.p/01",
        "tile/0/001/002",
        "tile/0/../001",
        "tile/0/001\n",
        "tile/-1/001",
    ],
)
def test_no_tile_lies_at_a_path_that_is_written_in_another_way(path: str) -> None:
    assert tile_at(path) is None


def test_a_log_of_seventy_thousand_has_the_tiles_that_the_specification_counts() -> None:
    tiles = [[*tiles_of(70_000, level)] for level in levels_of(70_000)]

    assert [len(row) for row in tiles] == [274, 2, 1]
    assert [row[-1].width for row in tiles] == [112, 17, 1]


def test_a_full_tile_already_stands_in_the_one_above() -> None:
    assert [tile for level in levels_of(256) for tile in tiles_of(256, level)] == [Tile(0, 0), Tile(1, 0, 1)]


def test_a_log_without_entries_has_no_tile() -> None:
    assert [*levels_of(0), *tiles_of(0)] == []


def test_a_tile_names_the_positions_below_it() -> None:
    assert [Tile(0, 1, 3).covers, Tile(1, 0, 2).covers] == ["positions 257 to 259", "positions 1 to 512"]


@given(st.lists(st.binary(max_size=40), max_size=20))
def test_entries_are_read_as_they_were_written(entries: list[bytes]) -> None:
    assert unpack_entries(pack_entries(entries), len(entries)) == entries


@pytest.mark.parametrize(
    ("data", "said", "read"),
    [
        (b"", "holds 0 entries; 2 are expected", []),
        (b"\x00\x01a", "holds 1 entries; 2 are expected", [b"a"]),
        (b"\x00\x01a\x00", "is cut off within entry 1", [b"a"]),
        (b"\x00\x01a\x00\x02b", "is cut off within entry 1", [b"a"]),
        (b"\xff\xffa", "is cut off within entry 0", []),
        (b"\x00\x01a\x00\x01b\x00\x01c", "holds 3 bytes behind its 2 entries", [b"a", b"b"]),
    ],
)
def test_a_bundle_that_is_not_whole_gives_what_it_holds(data: bytes, said: str, read: list[bytes]) -> None:
    with pytest.raises(BundleTorn, match=re.escape(said)) as caught:
        unpack_entries(data, 2)

    assert caught.value.entries == read


def test_an_entry_that_is_too_long_is_refused_by_its_place() -> None:
    with pytest.raises(FileInvalid, match="entry 1 has 65536 bytes; up to 65535 are accepted"):
        pack_entries([b"", bytes(65_536)])


def test_a_tile_of_another_length_is_refused() -> None:
    with pytest.raises(FileInvalid, match="has 63 bytes; 64 are expected"):
        unpack_hashes(bytes(63), 2)
