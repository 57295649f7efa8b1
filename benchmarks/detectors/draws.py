"""Counts of many windows as `Generator.multinomial` draws them, to the bit, by a loop that works out each chance once.

numpy draws slot by slot: a binomial number by inversion (Kachitvichyanukul and Schmeiser 1988, "Binomial random variate
generation", Communications of the ACM 31), whose chances it works out anew for each slot of each window. Of slots of
small windows there are few: a slot and the rows that are left tell all of them.
"""

from __future__ import annotations

import numba
import numpy as np

from monitoring.profiles.reference import Floats, Ints

MANY = 100  #: windows, from which on it is worth it
MOST = 30.0  #: rows that a slot is expected to have, beyond which numpy draws in another way
MOST_DRAWN = 87  #: rows that inversion ever draws, ten standard deviations beyond that
LINES = 1 << 14  #: for how many slots and rows left chances are kept
HALF = 0.5


def multinomial(rng: np.random.Generator, rows: int, chances: Floats, into: Ints) -> None:
    """Draw windows of *rows* rows *into* (windows, slots), and leave *rng* as `multinomial` would."""
    if len(into) >= MANY:
        before = rng.bit_generator.state
        with np.errstate(invalid="ignore", divide="ignore"):
            left = chances[:-1] / np.subtract.accumulate(np.append(1.0, chances[:-1]))[:-1]
        lines = min(LINES, len(left) * (rows + 1))
        places, ends = np.full((len(left), rows + 1), -1), np.empty((lines, 2), np.int64)
        if _drawn(rng, rows, left, into, places, ends, np.empty((lines, min(rows, MOST_DRAWN) + 1))):
            return
        rng.bit_generator.state = before
    into[:] = rng.multinomial(rows, chances, size=len(into))


@numba.njit(nogil=True, cache=True)
def _drawn(rng, rows, left, into, places, ends, kept):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - numba's
    """Draw, and return whether all that was asked for is drawn by inversion; *left* are chances of the rows left.

    *places* of a slot and rows left are the lines of *kept*, whose *ends* are what is kept, and the most that is drawn.
    """
    used = 0
    for window in range(len(into)):
        into[window] = 0
        rest = rows
        for slot in range(len(left)):
            chance = left[slot]
            if chance == 0:
                continue
            p = chance if chance <= HALF else 1 - chance
            if not p * rest <= MOST:
                return False
            q = 1 - p
            line = places[slot, rest]
            if line < 0:
                line = min(used, len(kept) - 1)
                if used < len(kept):
                    places[slot, rest] = line
                    used += 1
                kept[line, 0] = np.exp(rest * np.log(q))
                expected = rest * p
                ends[line] = 1, int(min(float(rest), expected + 10 * np.sqrt(expected * q + 1)))
            found = _inverted(rng, rest, p, line, ends, kept)
            found = found if chance <= HALF else rest - found
            into[window, slot] = found
            rest -= found
            if rest <= 0:
                break
        into[window, -1] = rest
    return True


@numba.njit(nogil=True, cache=True)
def _inverted(rng, rest, p, line, ends, kept):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - numba's
    """Draw how many of *rest* rows a slot has, and keep in its *line* what chances that takes."""
    found, u = 0, rng.random()
    while u > kept[line, found]:
        u -= kept[line, found]
        found += 1
        if found > ends[line, 1]:
            found, u = 0, rng.random()
        elif found == ends[line, 0]:
            kept[line, found] = ((rest - found + 1) * p * kept[line, found - 1]) / (found * (1 - p))
            ends[line, 0] += 1
    return found
