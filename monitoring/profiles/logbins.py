"""Durations as integers: latencies, and how long labels take, on bins whose width grows with what they hold.

A bin is read off the number's own exponent and the first bits behind it, with no logarithm, so that no rounding can
move a value; merging is addition.
"""

from __future__ import annotations

import numpy as np

from monitoring.profiles.reference import Floats, Ints

OCTAVES = 44  #: from 1 to 2^44: of microseconds, half a year
PARTS = 8  #: of an octave: a bin ends at most an eighth above its beginning
MISSING, BELOW = 0, 1  #: before the bins: what is no number, and what is below 1
FIRST = 2
SLOTS = FIRST + OCTAVES * PARTS + 1  #: the last holds what is beyond all bins


def count_durations(values: Floats) -> Ints:
    """Count durations (n,), in a unit of which 1 is the least that matters, by slot.

    >>> np.flatnonzero(count_durations(np.array([1.0, 1.1, 1.125, 0.0, np.nan]))).tolist()
    [0, 1, 2, 3]
    """
    known = ~np.isnan(values)
    part, octave = np.frexp(np.clip(values[known], 0.0, 2.0**OCTAVES))
    within = ((part * 2 - 1) * PARTS).astype(np.int64)
    slots = np.where(part == 0, BELOW, np.maximum(FIRST + (octave - 1) * PARTS + within, BELOW))
    counts = np.bincount(slots, minlength=SLOTS)
    counts[MISSING] += len(values) - len(slots)
    return counts.astype(np.int64)


def beginning(slot: int) -> float:
    """Return the least duration that the slot of a bin holds.

    >>> beginning(FIRST), beginning(FIRST + PARTS), beginning(SLOTS - 1) == 2.0**OCTAVES
    (1.0, 2.0, True)
    """
    octave, part = divmod(slot - FIRST, PARTS)
    return float(2.0**octave * (1 + part / PARTS))


def quantile(counts: Ints, share: float) -> float | None:
    """Return the beginning of the bin in which *share* of the known durations end; 0 below 1, None of none."""
    known = counts[BELOW:]
    total = int(known.sum())
    if not total:
        return None
    slot = BELOW + int(np.searchsorted(np.cumsum(known), max(share * total, 1), side="left"))
    return 0.0 if slot == BELOW else beginning(slot)
