"""Shifts: whether what versions cost has moved since it was last told, up or down, without a level to hold it against.

The alarm of the loss asks whether it lies above a level that was accepted. Within an incident there is none: the loss
has risen already, or the champion is about to be replaced. What can still be asked is whether rows of late cost what
those before them did, whatever that was.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from measures.losses import SCALE
from measures.sums import LEAST_BLOCKS, MOST_NATS, ONE_MORE_ROW, SQUARE_SHIFT, Block
from monitoring.performance.decline import DESIGN_WINDOWS
from statemachine.policies.policy import Policy

LEAST_SEEN = 2 * LEAST_BLOCKS  #: blocks, as many on each side of a place


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """The version whose loss shows it best, and where it moved."""

    version: str
    log_evidence: float  #: nats; of the e-detector, so its exponential is compared with a run length
    onset_row: int
    before: float  #: mean loss a row, in units of loss
    after: float
    told: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One place between two blocks, as the place of a change."""

    index: int  #: of the first block behind it
    log_e: float
    explained: float  #: the sum of squares that a change here explains
    before: float
    after: float


def judge(inputs: dict[str, Any], policy: Policy) -> Shift | None:
    """Ask whether the loss of any version has moved; None where too few blocks have come.

    `inputs`: `window` rows, and of each of `versions` its `name`, its `blocks` since the last that was told, and their
    first `rows`. Of each version a Shiryaev-Roberts sum over all places; of the versions, whatever they have to do with
    each other, the mean (Shin, Ramdas and Rinaldo 2023, arXiv 2203.03532, section 2): it passes `run_length` less than
    once in so many blocks while no loss moves.
    """
    design = DESIGN_WINDOWS * int(inputs["window"])
    each = [(one, places(one["blocks"], design)) for one in inputs["versions"]]
    sums = [math.fsum(math.exp(min(place.log_e, MOST_NATS)) for place in found) for _, found in each]
    if not any(sums):
        return None
    loudest = max(range(len(sums)), key=lambda k: sums[k])
    version, found = each[loudest]
    place = max(found, key=lambda one: (one.explained, one.index))
    mean = math.fsum(sums) / len(sums)
    return Shift(
        version=str(version["name"]), log_evidence=math.log(mean), onset_row=int(version["rows"][place.index]),
        before=place.before, after=place.after, told=mean > policy.loss.run_length,
    )  # fmt: skip


def places(blocks: Sequence[Block], design_rows: float) -> list[Place]:
    """Give the evidence for a change of the mean at each place that has blocks enough on both sides.

    The two-sample t-test as a Bayes factor (Gönen, Johnson, Lu and Westfall 2005, The American Statistician 59:3), of
    which neither the mean nor the variance need be known: for normal sums of blocks it is a martingale in what does not
    depend on either, so its expectation is 1 however often one looks (Pérez-Ortiz, Lardy, de Heide and Grünwald 2024,
    Annals of Statistics 52:4). Blocks are its units; the variance is the larger of theirs and that of rows, as in
    `measures.sums`. One block that is far off, as of a long tail, proves little by it, since it makes the variance.

    >>> quiet, loud = [10, 1 << 20, 1 << 20], [10, 6 << 20, 6 << 20]
    >>> found = max(places([quiet] * 6 + [loud] * 3, 40.0), key=lambda place: place.explained)
    >>> found.index, round(found.before, 3), round(found.after, 3)
    (6, 0.1, 0.6)
    """
    known = [(n, total / SCALE, squares / (SCALE >> SQUARE_SHIFT) ** 2) for n, total, squares in blocks]
    if len(known) < LEAST_SEEN:
        return []
    rows = [0, *accumulate(n for n, _, _ in known)]
    sums = [0.0, *accumulate(total for _, total, _ in known)]
    of_blocks = math.fsum(total * total / n for n, total, _ in known)
    of_rows = math.fsum(squares for _, _, squares in known)
    found = []
    for k in range(LEAST_BLOCKS, len(known) - LEAST_BLOCKS + 1):
        n, more = rows[k], rows[-1] - rows[k]
        before, after = sums[k] / n, (sums[-1] - sums[k]) / more
        within = before * sums[k] + after * (sums[-1] - sums[k])
        free = len(known) - 2
        variance = max((of_blocks - within) / free, (of_rows - within + ONE_MORE_ROW) / (rows[-1] - 2))
        weight = n * more / (n + more)
        explained = weight * (after - before) ** 2
        log_e = _bayes_factor(explained / variance, weight / design_rows, free)
        found.append(Place(index=k, log_e=log_e, explained=explained, before=before, after=after))
    return found


def _bayes_factor(squared: float, share: float, free: int) -> float:
    """Give the log of the Bayes factor of *squared*, the square of a t of *free* degrees.

    *share* says how wide the prior of the change is, beside the error of its estimate.
    """
    gain = math.log1p(squared / free) - math.log1p(squared / (free * (1 + share)))
    return (free + 1) / 2 * gain - math.log1p(share) / 2
