"""Onset: since when a value is higher than it was, as the likeliest of all places for one change of its mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from measures.losses import SCALE
from measures.sums import Block, span

PRIOR_WINDOWS = 2.0  #: of rows at the level that is accepted, as if they had come before the first block
LEAST_NATS = 5.0  #: by which a change is likelier than none, where one is to be believed


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Where a value rose, if it did."""

    index: int  #: of the first block behind the change; 0: higher from the first block on
    nats: float  #: by which a change there is likelier than none; 0 where nothing rose


def likeliest(blocks: Sequence[Block], level: float, window: int, step: int = 1) -> Change:
    """Give the place where the mean of *blocks* rose: so many times *step* blocks from the end, once at least.

    The estimate of greatest likelihood for one change of a normal mean that is not known (Hinkley 1970, Biometrika
    57:1, section 2). A value that stands above *level* from its first block on has no rows of its own to be compared
    with, so two windows at that level stand for what was before. Of places that explain as much the last one counts.

    >>> quiet, loud = [10, 1 << 20, 1 << 20], [10, 6 << 20, 6 << 20]
    >>> likeliest([quiet] * 6 + [loud] * 3, 0.1, 20).index
    6
    """
    rows = [0, *accumulate(one[0] for one in blocks)]
    sums = [0, *accumulate(one[1] for one in blocks)]
    prior = (PRIOR_WINDOWS * window, PRIOR_WINDOWS * window * level)

    def explained(k: int) -> float:
        """The sum of squares that a rise before block *k* explains."""
        n, more = rows[k] + prior[0], rows[-1] - rows[k]
        rise = (sums[-1] - sums[k]) / SCALE / more - (sums[k] / SCALE + prior[1]) / n if more else 0.0
        return max(rise, 0.0) ** 2 * n * more / (n + more)

    found = max(range(max(len(blocks) - step, 0), -1, -step), key=explained)
    before, after = span(blocks[:found]), span(blocks[found:])
    left = (before.variance + after.variance) / max(before.rows + after.rows, 1)
    return Change(index=found, nats=explained(found) / (2 * left) if left else 0.0)
