"""Arms: what was served by candidate and champion, where only what was served has an outcome.

An arm is `[exposure in basis points, bad of the candidate, bad of the champion, rows of the candidate, rows of the
champion]`, of rows whose outcome is known. Bad outcomes by exposure alone say something of a candidate only while rows
are split as its exposure says. Rows without a unit, a candidate that fails on some rows, or one that declines, so that
less comes to be known of what it did, make few rows look like few faults. So rates are compared, of the rows that there
are, and whether the rows are split as they should be is asked besides: where they are not, rates compare other rows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from measures.sums import ONE_MORE_ROW, Span, excess
from rollout.ratio import FULL_BP, Stratum, ratio_interval

UNEQUAL = 0.05  #: chance that arms of rows that are split as the exposure says are ever called unequal

Arm = Sequence[int]


def unequal(arms: Sequence[Arm]) -> bool:
    """Say whether rows are split otherwise than by the exposure, at level `UNEQUAL` however often one looks.

    The sequence is that of the bad outcomes, asked of all rows. Rows of one unit go to one arm together, so units that
    come back many times look unequal as well where they are few: their rows are no draws of their own.

    >>> unequal([[2_500, 0, 0, 260, 740]]), unequal([[2_500, 0, 0, 180, 820]])
    (False, True)
    """
    low, high = ratio_interval([(exposure, mine, other) for exposure, _, _, mine, other in _split(arms)], UNEQUAL)
    return not low <= 1 <= high


def by_exposure(arms: Sequence[Arm]) -> list[Stratum]:
    """Give the bad outcomes at each exposure; of arms as they were told before, with all rows as the fourth number."""
    return [(exposure, bad, fine) for exposure, bad, fine, _ in _split(arms)]


def by_rows(arms: Sequence[Arm]) -> list[Stratum]:
    """Give the share of the rows that the candidate had, and the bad outcomes: given how rows fell, that is its share.

    What is known of one arm only compares nothing.
    """
    return [
        (FULL_BP * mine / (mine + other), bad, fine) for _, bad, fine, mine, other in _split(arms) if mine and other
    ]


def served_before(arms: Sequence[Arm]) -> Span:
    """Give the bad outcomes of the champion on all rungs, while it served beside the candidate."""
    return _rate(sum(arm[2] for arm in _split(arms)), sum(arm[4] for arm in _split(arms)))


def saved_since(arms: Sequence[Arm]) -> Span:
    """Give the bad outcomes that a candidate saved since it serves alone, at the rate of the champion before."""
    alone = [arm for arm in arms if arm[0] == FULL_BP]
    bad, rows = sum(arm[1] for arm in alone), sum(arm[3] for arm in alone)
    found = _rate(bad, rows)
    worse = excess(served_before(arms), Span(rows, -found.total, found.variance), 1.0)
    return Span(rows, -worse.total, worse.variance)


def told(arms: Sequence[Arm]) -> str:
    """Say in words which rows the candidate has that it should not have, or lacks; nothing where they are as split."""
    if not unequal(arms):
        return ""
    mine = sum(arm[3] for arm in _split(arms))
    expected = math.fsum((arm[3] + arm[4]) * arm[0] / FULL_BP for arm in _split(arms))
    return f"unequal arms: {mine} rows with an outcome are the candidate's, where {expected:.0f} were to be expected"


def _split(arms: Sequence[Arm]) -> list[Arm]:
    return [arm for arm in arms if 0 < arm[0] < FULL_BP]


def _rate(bad: int, rows: int) -> Span:
    return Span(rows, float(bad), (bad * (rows - bad) / rows if rows else 0.0) + ONE_MORE_ROW)
