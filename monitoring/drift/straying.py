"""How far the rows of a reference stray from what their seasons expect: evidence is tempered by it.

As `profiles.dispersion` has it, but around the expectation of each cell, so that a swing of seasons is none of it.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from monitoring.drift.expected import Law, laws
from monitoring.profiles.alternatives import NATS, Shares, ladder
from monitoring.profiles.dispersion import LEAST_GROUPS, STILL, by_chance
from monitoring.profiles.learning import FINEST_BLOCKS, LEAST_BLOCK
from monitoring.profiles.reference import Feature, Ints, Reference
from monitoring.profiles.seasons import Calendar, Seasons, counted

BLOCKED_CELLS = 24  #: in each of which ten stretches show whether its rows depend on each other


def learn_seasons(reference: Reference, calendar: Calendar, placed: Ints, times_us: Ints) -> Seasons:
    """Learn the cells of a reference from the slot of each of its values, *placed* (n, features), in order of time.

    A slot is counted among those of its own feature; *times_us* is (n,).
    """
    found = counted(calendar, placed + np.array(reference.starts[:-1]), reference.starts[-1], times_us)
    known, cell = laws(reference, found), np.full(len(placed), -1)
    at = calendar.cells(times_us)
    for number, one in enumerate(known):
        cell[at[one]] = number
    strayed = [
        _strayed(f, [law[k] for law in known.values()], cell, placed[:, k]) for k, f in enumerate(reference.features)
    ]
    return replace(found, dispersion=tuple(each for each, _ in strayed), within=tuple(each for _, each in strayed))


def _strayed(
    feature: Feature, cells: list[Law], cell: Ints, slots: Ints
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return how much each alternative's sums vary around what *cells* expect: of rows in order, and cell by cell.

    Rows of no cell stray by nothing.
    """
    ladders = [ladder(feature, law=law.shares) for law in cells]
    apart, most = np.argsort(cell, kind="stable"), FINEST_BLOCKS * max(1, len(cells) // BLOCKED_CELLS)
    found = []
    for alike in zip(*ladders, strict=True):
        steps, variance = _steps([(law, q) for law, (_, q) in zip(cells, alike, strict=True)], cell, slots)
        found.append((_spread(steps, FINEST_BLOCKS, variance), _spread(steps[apart], most, variance)))
    return tuple(each for each, _ in found), tuple(each for _, each in found)


def _steps(cells: list[tuple[Law, Shares]], cell: Ints, slots: Ints) -> tuple[Ints, float]:
    """Return how far the score of each row is from what its cell expects, and the variance of their sum."""
    scored = [_scores(law, q) for law, q in cells]
    variance = math.fsum(law.rows * width for (law, _), (_, width) in zip(cells, scored, strict=True))
    silent = [0] * (int(slots.max()) + 1)
    return np.array([*(steps[: len(silent)] for steps, _ in scored), silent], np.int64)[cell, slots], variance


def _spread(steps: Ints, most: int, variance: float) -> float:
    """Return how much more sums of *steps* over up to *most* stretches, and longer ones, vary than by *variance*."""
    number = max(1, min(most, len(steps) // LEAST_BLOCK))
    sums: list[int] = np.add.reduceat(steps, -(-np.arange(number) * len(steps) // number)).tolist()
    found = 1.0
    while len(sums) >= LEAST_GROUPS and variance >= STILL:
        freedom, ratio = len(sums) - 1, math.fsum((each / NATS) ** 2 for each in sums) / variance
        if ratio > found * by_chance(freedom):
            found = max(found, ratio / (1 + math.sqrt(2 / freedom)))
        sums = [sum(sums[k : k + 2]) for k in range(0, len(sums), 2)]
    return round(found, 3)


def _scores(law: Law, q: Shares) -> tuple[list[int], float]:
    """Return how far each slot's score is from the cell's mean, in `NATS`, and the variance of a row."""
    scores, raw = [math.log(y / x) for x, y in zip(law.shares, q, strict=True)], [n / law.rows for n in law.counts]
    mean = math.fsum(s * x for s, x in zip(scores, raw, strict=True))
    variance = math.fsum((s - mean) ** 2 * x for s, x in zip(scores, raw, strict=True))
    return [round((s - mean) * NATS) for s in scores], variance
