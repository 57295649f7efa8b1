"""Sums of losses, and what they prove however often one looks.

A span of rows is a list of blocks, each three integers: rows, sum, and sum of squares (of the value shifted by
`SQUARE_SHIFT`, so that 64 bits hold it). Merging is addition. The evidence is a normal mixture: a confidence sequence
for the mean, valid at all times together as rows grow (Waudby-Smith et al., arXiv 2103.06476; Robbins 1970). The
variance is the larger of that of rows and that of blocks, since losses of neighbours in time go together.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from measures.losses import SCALE, Ints

Block = Sequence[int]  #: rows, sum, sum of squares
SQUARE_SHIFT = 10
LEAST_BLOCKS = 2
MOST_NATS = 50.0  #: beyond any threshold; keeps exponentials finite
ONE_MORE_ROW = 1.0  #: square of a unit of loss: as if one more row had differed, so that few rows never look certain


@dataclass(frozen=True, slots=True)
class Span:
    """A span of rows: how many, the sum of a value over them, and the variance of that sum."""

    rows: int
    total: float
    variance: float

    @property
    def mean(self) -> float:
        """The mean per row."""
        return self.total / self.rows if self.rows else 0.0


def block(values: Ints) -> list[int]:
    """Sum fixed-point *values* into one block.

    >>> import numpy as np
    >>> block(np.array([1 << 20, 0]))
    [2, 1048576, 1048576]
    """
    small = values >> SQUARE_SHIFT
    return [len(values), int(values.sum()), int((small * small).sum())]


def difference(left: Ints, right: Ints) -> list[int]:
    """Sum the paired differences *left* - *right* into one block."""
    return block(left - right)


def span(blocks: Iterable[Block], shift: float = 0.0) -> Span:
    """Join *blocks* in units of loss, with *shift* taken from each row's value."""
    found = [entry for entry in blocks if entry[0]]
    rows = sum(entry[0] for entry in found)
    if not rows:
        return Span(0, 0.0, 0.0)
    total = sum(entry[1] for entry in found) / SCALE
    squares = sum(entry[2] for entry in found) / (SCALE >> SQUARE_SHIFT) ** 2
    mean = total / rows
    of_rows = max(squares - rows * mean * mean, 0.0)
    of_blocks = 0.0
    if len(found) >= LEAST_BLOCKS:
        strays = math.fsum((entry[1] / SCALE - mean * entry[0]) ** 2 for entry in found)
        of_blocks = strays * len(found) / (len(found) - 1)
    return Span(rows, total - shift * rows, max(of_rows, of_blocks) + ONE_MORE_ROW)


def excess(champion: Span, lead: Span, tolerance: float) -> Span:
    """Give what another lost beyond the champion's loss and the share *tolerance* of it, on the rows of *lead*.

    *lead* is what the other saved. What is tolerated is a share of a mean that is not known exactly either: the error
    of a sum is at most the sum of the errors, whatever the two have to do with each other.

    >>> excess(Span(100, 20.0, 16.0), Span(100, -9.0, 25.0), 0.25)
    Span(rows=100, total=4.0, variance=36.0)
    """
    share = tolerance * lead.rows / max(champion.rows, 1)
    error = math.sqrt(lead.variance) + share * math.sqrt(champion.variance)
    return Span(lead.rows, -lead.total - share * max(champion.total, 0.0), error * error)


def log_e(found: Span, design_rows: float) -> float:
    """Give the evidence, in nats, that the mean is above zero; 0 where there is none.

    A one-sided normal mixture whose width is fixed beforehand: it is sharpest at *design_rows* rows. Values below zero
    are cut, so what it proves stays proved at level `exp(-log_e)` however often one looks.

    >>> round(log_e(Span(100, 30.0, 100.0), 100), 3)
    2.597
    """
    if found.total <= 0 or found.variance <= 0:
        return 0.0
    share = found.rows / design_rows
    gain = found.total * found.total / found.variance * share / (2 * (1 + share))
    return max(gain - math.log1p(share) / 2 + math.log(2), 0.0)


def interval(found: Span, alpha: float, design_rows: float) -> tuple[float, float]:
    """Give a confidence sequence for the mean per row, two-sided, at level 1 - *alpha*; sharpest at *design_rows*.

    >>> low, high = interval(Span(400, 40.0, 100.0), 0.1, 400)
    >>> round(low, 4), round(high, 4)
    (0.0186, 0.1814)
    """
    if not found.rows or found.variance <= 0:
        return found.mean, found.mean
    share = found.rows / design_rows
    half = math.sqrt(found.variance * (1 + 1 / share) * math.log((1 + share) / (alpha * alpha))) / found.rows
    return found.mean - half, found.mean + half
