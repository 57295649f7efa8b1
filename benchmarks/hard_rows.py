"""Rows that are the same bits for every numpy: drawn by whole numbers, and full of what is hard to count.

python -m benchmarks.hard_rows FIRST LAST    prints numpy's version, the digest of the reference, and one for each block

It needs numpy and nothing else, so that another numpy can run it in an environment of its own.
"""

from __future__ import annotations

import hashlib
import json
import sys
from functools import cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from monitoring.profiles.counting import ArrayCounter
from monitoring.profiles.learning import learn
from monitoring.profiles.reference import Column, Reference

Floats = NDArray[np.float64]
Words = NDArray[np.uint64]
COLUMNS = (
    *(Column(name=name) for name in ("bell", "heavy", "tied", "far")),
    *(Column(name=f"c{levels}", kind="categorical", categories=levels) for levels in (4, 90)),
)
PAST = 1 << 40  #: where the numbers of the reference begin
ROWS = 2_000
BLOCK = 1_000  #: windows
LARGEST_WINDOW = 32
ODD = np.array([np.nan, np.inf, -np.inf, -0.0, 5e-324, -1.0, 0.5, 1e18])


def words(first: int, number: int, column: int) -> Words:
    """Return 64-bit words by SplitMix64 (Steele, Lea and Flood, OOPSLA 2014), seeded by place and column."""
    seed = np.arange(first, first + number, dtype=np.uint64) * np.uint64(64) + np.uint64(column)
    mixed = seed * np.uint64(0x9E3779B97F4A7C15)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return mixed ^ (mixed >> np.uint64(31))


def shares(first: int, number: int, column: int) -> Floats:
    """Return floats in [0, 1), exact multiples of 2^-53."""
    return (words(first, number, column) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def rows_from(first: int, number: int) -> Floats:
    """Return rows (number, 7), the output last. One value in thirty is odd; sums and quotients round alike."""
    bell = sum((shares(first, number, at) for at in range(1, 4)), start=shares(first, number, 0))
    heavy = 1.0 / (shares(first, number, 4) - 0.5)
    codes = [np.floor(shares(first, number, 4 + at) * levels) for at, levels in enumerate((4, 92), 1)]
    table = np.column_stack([bell, heavy, np.rint(bell * 4), 1e12 + bell, *codes, shares(first, number, 7)])
    for column in range(table.shape[1]):
        chance = words(first, number, 8 + column)
        odd = chance % np.uint64(30) == 0
        table[odd, column] = ODD[(chance[odd] >> np.uint64(32)) % np.uint64(len(ODD))]
    return table


@cache
def reference() -> Reference:
    """Learn the reference, of rows of its own."""
    past = rows_from(PAST, ROWS)
    return learn(COLUMNS, past[:, :-1], past[:, -1])


def windows(block: int) -> list[Floats]:
    """Return the windows of a block, of 1 to 32 rows each."""
    sizes = (words(block * BLOCK, BLOCK, 40) % np.uint64(LARGEST_WINDOW)).astype(np.int64) + 1
    rows = rows_from(block * BLOCK * LARGEST_WINDOW, int(sizes.sum()))
    return [rows[a:b] for a, b in pairwise([0, *np.cumsum(sizes).tolist()])]


def digest(counts: list[NDArray[np.int64]]) -> str:
    """Name the counts of a block."""
    return hashlib.sha256(np.concatenate(counts).astype("<i8").tobytes()).hexdigest()


def main(first: int, last: int) -> None:
    """Print what another process compares."""
    counter = ArrayCounter(reference())
    learned = json.dumps(reference().to_json(), sort_keys=True).encode()
    print(np.__version__)
    print(hashlib.sha256(learned).hexdigest())
    for block in range(first, last):
        print(digest([counter.count(rows[:, :-1], rows[:, -1]) for rows in windows(block)]))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
