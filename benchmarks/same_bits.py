"""Counts windows in every way that there is, and says how many bits differ; anything but 0 is a fault, and ends with 1.

python -m benchmarks.same_bits [--windows 1000000] [--jobs 2] [--quick]

Each window is counted whole by numpy, in another order by numba, and in parts whose profiles are added in any order.
So are what stands beside the counts: losses by label and bin, moments, durations, micro-profiles and newcomers.
The first blocks of windows are dealt to one worker and to several, and all of them are counted by another numpy, too.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.hard_rows import BLOCK, Floats, digest, reference, windows
from benchmarks.peers.environment import environment
from monitoring.profiles.compiled import CompiledCounter
from monitoring.profiles.counting import ArrayCounter, Counter
from monitoring.profiles.logbins import count_durations
from monitoring.profiles.moments import Moments
from monitoring.profiles.newcomers import Newcomers
from monitoring.profiles.profile import Profile, loss_table, micro_profiles, no_losses, profile

ROOT = Path(__file__).resolve().parents[1]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Block:
    """What counting a block in every way has found."""

    windows: int
    rows: int
    bits: int  #: that differ
    digest: str  #: of the counts


@cache
def counters() -> tuple[Counter, Counter]:
    """Make both, once in a process."""
    return ArrayCounter(reference()), CompiledCounter(reference())


def differing(one: Ints, other: Ints) -> int:
    """Count the bits that differ."""
    return int(np.bitwise_count(one ^ other).sum())


def counted(block: int) -> Block:
    """Count the windows of a block in every way."""
    chance, found = np.random.default_rng(block), windows(block)
    array, compiled = counters()
    plain = [array.count(rows[:, :-1], rows[:, -1]) for rows in found]
    bits = 0
    for rows, counts in zip(found, plain, strict=True):
        mixed = rows[chance.permutation(len(rows))]
        bits += differing(counts, compiled.count(mixed[:, :-1], mixed[:, -1]))
        bits += differing(counts, in_parts(mixed, chance))
    bits += joint(np.concatenate(found), chance)
    bits += beside(np.concatenate(found), chance)
    return Block(len(found), sum(map(len, found)), bits, digest(plain))


def in_parts(rows: Floats, chance: np.random.Generator) -> Ints:
    """Cut *rows* anywhere, count the parts by either counter, and add them in any order."""
    cuts = [0, *sorted(chance.integers(0, len(rows) + 1, 2).tolist()), len(rows)]
    parts = [
        profile(reference(), rows[a:b, :-1], rows[a:b, -1], counters()[at % 2])
        for at, (a, b) in enumerate(pairwise(cuts))
    ]
    first, *rest = (parts[at] for at in chance.permutation(len(parts)))
    merged: Profile = sum(rest, start=first)
    return merged.counts


def joint(rows: Floats, chance: np.random.Generator) -> int:
    """Sum losses by label and bin at once, and in parts of another order; count the bits that differ."""
    labels, losses = (rows[:, 0] > 2).astype(np.float64), chance.integers(0, 1 << 34, len(rows))
    order = chance.permutation(len(rows))
    merged = no_losses(reference())
    for some in np.array_split(order, 3):
        merged += loss_table(reference(), rows[some, :-1], rows[some, -1], labels[some], losses[some])
    whole = loss_table(reference(), rows[:, :-1], rows[:, -1], labels, losses)
    pairs = ((whole.rows, merged.rows), (whole.loss, merged.loss), (whole.squares, merged.squares))
    return sum(differing(one, other) for one, other in pairs)


def beside(rows: Floats, chance: np.random.Generator) -> int:
    """Sum what stands beside the counts at once, and in parts of another order; count the bits that differ.

    These are moments, durations, micro-profiles of segments, and the table of newcomers.
    """
    whole, parts = told(rows), [told(rows[some]) for some in np.array_split(chance.permutation(len(rows)), 3)]
    merged = [sum(each[1:], start=each[0]) for each in zip(*(ints for ints, _ in parts), strict=True)]
    words = sum((words for _, words in parts), start=Newcomers())
    bits = sum(differing(one, other) for one, other in zip(whole[0], merged, strict=True))
    return bits + (words != whole[1])


def told(rows: Floats) -> tuple[list[Ints], Newcomers]:
    """Give the integers of *rows* besides their counts, and their newcomers."""
    matrix, outputs = rows[:, :-1], rows[:, -1]
    moments = Moments.of(reference(), matrix, outputs)
    segments = np.nan_to_num(matrix[:, 0], posinf=0, neginf=0).astype(np.int64) % 3
    micro = micro_profiles(reference(), matrix, outputs, segments, counters()[1])
    counts = [
        sum((one.counts for one in micro.get(each, [])), start=np.zeros(reference().starts[-1], np.int64))
        for each in range(3)
    ]
    words = Newcomers.of(f"{value:.2f}" for value in matrix[:, 0].tolist())
    return [moments.known, moments.total, moments.squares, count_durations(np.abs(outputs) * 1e3), *counts], words


def dealt(blocks: range, workers: int) -> list[Block]:
    """Deal blocks to so many workers."""
    with ProcessPoolExecutor(workers) as crew:
        return list(crew.map(counted, blocks))


def by_another_numpy(blocks: range) -> tuple[str, str, list[str]]:
    """Return its version, the digest of the reference that it learns, and those of the blocks."""
    command = [str(environment("numpy")), "-m", "benchmarks.hard_rows", str(blocks.start), str(blocks.stop)]
    said = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
    return said[0], said[1], said[2:]


def main() -> None:
    """Count, compare, and say what differs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--windows", type=int, default=1_000_000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help="four thousand windows")
    options = parser.parse_args()
    blocks = range(-(-(4_000 if options.quick else options.windows) // BLOCK))
    begun = time.perf_counter()
    found = dealt(blocks, options.jobs)
    few = blocks[:4]
    dealings = [[one.digest for one in dealt(few, workers)] for workers in (1, 2, 4)]
    workers = sum(one != found[at].digest for digests in dealings for at, one in enumerate(digests))
    version, _, others = by_another_numpy(blocks)
    numpys = sum(one.digest != other for one, other in zip(found, others, strict=True))
    bits = sum(one.bits for one in found)
    print(f"{sum(one.windows for one in found):,} windows of {sum(one.rows for one in found):,} rows")
    print(f"{bits} bits differ in any order or partition, with and without numba")
    print(f"{workers} of {len(few)} blocks differ with 1, 2 or 4 workers")
    print(f"{numpys} of {len(found):,} blocks differ between numpy {np.__version__} and {version}")
    print(f"{time.perf_counter() - begun:.0f} s")
    sys.exit(1 if bits or workers or numpys else 0)


if __name__ == "__main__":
    main()
