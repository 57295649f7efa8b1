"""Finds rows that are ingested again in a later window, under other ids: double ingestion.

Single rows come again by themselves, where they hold few values or a night is quiet; five different rows in a row
hardly do. Which share of a window consists of such runs is counted, against the windows just before it, and held
against the most that a window of the reference had. Of 18 recorded streams 16 had none in any window; in the other two
all features follow from the calendar, nearly every row comes again, and nothing is judged. Rows that come again in
another order are not found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from monitoring.profiles.reference import Floats

Digests = NDArray[np.uint64]

RESENT = "resent"  #: the kind of fault
RUN = 5  #: rows
MEMORY = 10  #: windows that are looked back on
LEAST_BITS, MORE_BITS = 16, 64  #: of a table of runs: one bit in 64, or fewer, is set
#: Odd multipliers, by which a digest is mixed as by SplitMix64 (Steele, Lea and Flood 2014, Fast splittable
#: pseudorandom number generators, section 5). Two rows that differ have equal digests once in 2^64.
HALF = np.uint64(32)
START, FIRST, SECOND = (np.uint64(one) for one in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))


@dataclass(frozen=True, slots=True, eq=False)
class Trail:
    """The runs of each of the latest windows, and the last rows, which runs go on from."""

    windows: tuple[Digests, ...] = ()
    last: Digests = field(default_factory=lambda: np.empty(0, np.uint64))

    @classmethod
    def of(cls, rows: Floats, size: int) -> Self:
        """Return the trail behind *rows* (n, features), cut into windows of *size* rows from their end."""
        found, trail = digests(rows), cls()
        for window in np.split(found, range(len(found) % size, len(found), size)):
            trail = trail.after(window)
        return trail

    def after(self, window: Digests) -> Self:
        """Return the trail behind *window*."""
        joined = np.concatenate([self.last, window])
        return replace(self, windows=(*self.windows, _runs(joined))[-MEMORY:], last=joined[1 - RUN :])

    def resent(self, window: Digests) -> int:
        """Return how many rows of *window* stand in a run of different rows that was seen before."""
        wanted = _runs(window)
        known = _known(wanted, np.concatenate([wanted[:0], *self.windows]))
        if not len(known):
            return 0
        found = _among(wanted, known) & _different(window)
        covered = np.zeros(len(window), np.bool_)
        for first in np.flatnonzero(found).tolist():
            covered[first : first + RUN] = True
        return int(covered.sum())


def digests(rows: Floats) -> Digests:
    """Return a digest of each of *rows* (n, features): equal of rows that are equal; both zeros, and all NaN, are one.

    >>> found = digests(np.array([[0.0, 1.0], [-0.0, 1.0], [1.0, 0.0]]))
    >>> bool(found[0] == found[1]), bool(found[0] == found[2])
    (True, False)
    """
    plain = np.ascontiguousarray(rows.T) + 0.0
    plain[np.isnan(plain)] = np.nan
    found = np.full(len(rows), START, np.uint64)
    for bits in plain.view(np.uint64):  # products wrap around, as they should
        found ^= bits
        found *= FIRST
        found ^= found >> HALF
    return _mixed(found)


def learn_resent(parts: Sequence[Floats]) -> float:
    """Return the highest share of a window of the reference, given as *parts* in order of time, that came again."""
    trail, peak = Trail(), 0.0
    for part in parts:
        here = digests(part)
        peak = max(peak, trail.resent(here) / max(len(here), 1))
        trail = trail.after(here)
    return peak


def _runs(window: Digests) -> Digests:
    """Return a digest of each run of rows, by its first: a polynomial of theirs, which are mixed already."""
    count = max(len(window) - RUN + 1, 0)
    found = np.full(count, START, np.uint64)
    for step in range(RUN):  # products and sums wrap around, as they should
        found *= FIRST
        found += window[step : step + count]
    return found


def _known(wanted: Digests, seen: Digests) -> Digests:
    """Return those of *seen* that are *wanted* too, rising: nearly always none.

    Most that are not wanted differ from all that are in their highest bits already, of which a table takes no search.
    """
    bits = max(LEAST_BITS, (MORE_BITS * len(wanted)).bit_length())
    shift, table = np.uint64(64 - bits), np.zeros(1 << bits, np.bool_)
    table[(wanted >> shift).view(np.int64)] = True
    near = seen[table[(seen >> shift).view(np.int64)]]
    return np.sort(near[_among(near, np.sort(wanted))]) if len(near) else near


def _among(wanted: Digests, runs: Digests) -> NDArray[np.bool_]:
    """Say of each that is *wanted* whether it is one of *runs*, which rise."""
    if not len(runs):
        return np.zeros(len(wanted), np.bool_)
    at = np.minimum(np.searchsorted(runs, wanted), len(runs) - 1)
    return np.asarray(runs[at] == wanted, dtype=np.bool_)


def _different(window: Digests) -> NDArray[np.bool_]:
    """Say of each run whether no two of its rows are equal."""
    count = max(len(window) - RUN + 1, 0)
    steps = [window[step : step + count] for step in range(RUN)]
    pairs = [steps[i] != steps[j] for i in range(RUN) for j in range(i)]
    return np.asarray(np.all(pairs, axis=0), dtype=np.bool_)


def _mixed(values: Digests) -> Digests:
    found = (values ^ (values >> np.uint64(30))) * FIRST
    found = (found ^ (found >> np.uint64(27))) * SECOND
    return np.asarray(found ^ (found >> np.uint64(31)), dtype=np.uint64)
