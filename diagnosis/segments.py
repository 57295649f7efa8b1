"""Asks whether a rise of the loss is that of one declared segment alone, while the rest of the rows is as it was.

Each segment is held against its own losses of before, the loudest of them by a normal test that all of them share
(Bonferroni): what one in so many would show by chance counts for nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from diagnosis.causes import Part
from diagnosis.inputs import SQUARE_UNIT, UNIT
from diagnosis.thresholds import Thresholds
from measures.chance import shared_among

LEAST_ROWS = 10  #: labelled, before and since, of a segment and of the rest
WHEN = ("before", "after")
Sums = Sequence[int]  #: rows, losses, and squares, as `Table` has them


@dataclass(frozen=True, slots=True, kw_only=True)
class Local:
    """The segment whose loss rose alone, as a part of the rise, and by how many standard errors of its own it did."""

    part: Part
    errors: float


def local(segments: Sequence[dict[str, Any]], whole: tuple[Sums, Sums], policy: Thresholds) -> Local | None:
    """Return the segment that rose, while the rest did not; None where there is none.

    Each of *segments* has `name`, `column`, and sums `before` and `after`; *whole* are those of all rows.
    """
    told = [(_risen(one["before"], one["after"]), one) for one in segments]
    if not told:
        return None
    (errors, rise, error), one = max(told, key=lambda each: each[0])
    if errors <= shared_among(policy.errors, len(segments)):
        return None
    rest = [[a - b for a, b in zip(all_of, one[when], strict=True)] for all_of, when in zip(whole, WHEN, strict=True)]
    if _risen(*rest)[0] > policy.errors:
        return None
    share = one["after"][0] / whole[1][0]
    note = (
        f"{one['name']}: loss {_mean(one['before']):.3g} before and {_mean(one['after']):.3g} since, on "
        f"{100 * share:.2g} % of the rows"
    )
    part = Part(kind="segment", amount=share * rise, error=share * error, features=(one["column"],), note=note)
    return Local(part=part, errors=errors)


def _risen(before: Sums, after: Sums) -> tuple[float, float, float]:
    """Return by how many standard errors the mean loss rose, by how much, and the error; nothing of few rows."""
    if min(before[0], after[0]) < LEAST_ROWS:
        return 0.0, 0.0, 0.0
    rise, error = _mean(after) - _mean(before), math.hypot(_error(before), _error(after))
    return (rise / error if error > 0 else 0.0), rise, error


def _mean(sums: Sums) -> float:
    return sums[1] / UNIT / max(sums[0], 1)


def _error(sums: Sums) -> float:
    """Return the standard error of a mean, as if one more row had differed by a unit: few rows never look certain."""
    variance = max(sums[2] / SQUARE_UNIT / sums[0] - _mean(sums) ** 2, 0.0) + 1 / sums[0]
    return math.sqrt(variance / sums[0])
