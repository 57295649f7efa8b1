"""The right edge of the tree, against the definition."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.tree import Edge, FullTile, hashes_in
from tests.fixtures.trees import root_of


def leaves(count: int) -> list[bytes]:
    return [hashlib.sha256(b"%d" % number).digest() for number in range(count)]


@pytest.mark.parametrize("size", [0, 1, 2, 3, 7, 64, 255, 256, 257, 511, 512, 513, 1000])
def test_the_root_is_the_one_that_the_definition_gives(size: int) -> None:
    edge = Edge()
    edge.grow(leaves(size))

    assert (edge.size, edge.root()) == (size, root_of(leaves(size)))


@given(st.lists(st.integers(0, 300), max_size=8))
def test_batches_of_any_size_lead_to_the_same_root(batches: list[int]) -> None:
    every, edge, done = leaves(sum(batches)), Edge(), 0
    for batch in batches:
        edge.grow(every[done : done + batch])
        done += batch

    assert edge.root() == root_of(every)


def test_a_tile_is_handed_out_once_it_is_full_with_the_root_that_stands_above_it() -> None:
    every, edge = leaves(600), Edge()
    full = edge.grow(every)

    assert [(tile.level, tile.idx) for tile in full] == [(0, 0), (0, 1)]
    assert [hashes_in(tile.hashes) for tile in full] == [every[:256], every[256:512]]
    assert [tile.root for tile in full] == [root_of(every[:256]), root_of(every[256:512])]


def test_tiles_that_fill_piece_by_piece_are_those_that_come_whole() -> None:
    every, edge = leaves(1_024), Edge()
    full = [tile for start in range(0, 1_024, 100) for tile in edge.grow(every[start : start + 100])]

    assert full == Edge().grow(every)
    assert [tile.idx for tile in full] == [0, 1, 2, 3]


def test_tiles_of_the_second_level_hold_the_roots_of_those_of_the_first() -> None:
    edge = Edge()
    full = edge.grow(leaves(256 * 256))

    upper: FullTile = full[-1]
    assert (upper.level, upper.idx) == (1, 0)
    assert hashes_in(upper.hashes) == [tile.root for tile in full[:-1]]
    assert edge.root() == upper.root == root_of(leaves(256 * 256))


def test_an_edge_made_of_its_open_tiles_grows_like_the_one_that_grew_there() -> None:
    grown = Edge()
    full = grown.grow(leaves(700))
    made = Edge.of(700, [leaves(700)[512:], [tile.root for tile in full]])

    more = leaves(1000)[700:]
    assert made.grow(more) == grown.grow(more)
    assert made.root() == grown.root()
