"""A tree that is built tile by tile, against the definition of its root."""

from __future__ import annotations

import hashlib

import pytest
from remission_verify.rows import Rows
from remission_verify.tiles import Tile, levels_of, tiles_of

from tests.fixtures.trees import root_of

SIZES = [0, 1, 2, 255, 256, 257, 511, 512, 70_000]
OLDER = [0, 1, 3, 256, 300, 512, 513, 65_536, 65_537, 69_999]
LEAVES = [hashlib.sha256(b"%d" % number).digest() for number in range(max(SIZES))]


def grown(size: int, *older: int) -> Rows:
    rows = Rows(older)
    for start in range(0, size, 256):
        rows.add(LEAVES[start : min(start + 256, size)])
    rows.finish()
    return rows


@pytest.mark.parametrize("size", SIZES)
def test_the_root_is_the_one_that_the_definition_gives(size: int) -> None:
    assert grown(size).root() == root_of(LEAVES[:size])


def test_the_roots_of_older_trees_are_known_when_they_were_announced() -> None:
    rows = grown(70_000, *OLDER)

    assert [rows.root(size) for size in OLDER] == [root_of(LEAVES[:size]) for size in OLDER]


@pytest.mark.parametrize("size", SIZES)
def test_the_tiles_above_the_leaves_are_those_of_the_log(size: int) -> None:
    upper = [tile for level in levels_of(size) if level for tile in tiles_of(size, level)]

    assert [tile for tile, _ in grown(size).upper()] == upper


def test_each_hash_above_the_leaves_is_the_root_over_what_it_stands_for() -> None:
    upper = dict(grown(70_000).upper())

    assert upper[Tile(1, 1, 17)][3] == root_of(LEAVES[259 * 256 : 260 * 256])
    assert upper[Tile(2, 0, 1)] == [root_of(LEAVES[:65_536])]
