"""Asks whether labels became noise in part: at each level of a variable the old shares, mixed with one same law.

A label that is no longer the row's own is drawn without regard to the row. So with a share e of such labels the chance
of y given anything is (1 - e) of what it was, and e of a law that depends on nothing: that of labels of other rows, or
that of any label. What the world does to some rows and not to others does not mix like that.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from diagnosis.relations import LABEL, OUTPUT, Floats, Relations, Statistics

TWO = 2  #: labels of which one is the other turned round
LEAST = 0.02  #: share of noise: less is nothing
SOME = 0.95  #: the most of it, for those who call more another truth
#: The most of it, for those who see that labels may all be of other rows. The share is an estimate, so that it passes 1
#: by chance; a truth that has turned round passes it by far more, and fits no law of noise.
ALL = 1.25


@dataclass(frozen=True, slots=True)
class Noise:
    """The share of labels that are noise, and how strained it is that this is all.

    `sure` is False where of two labels either may be as likely: the truth of some rows that has turned round leaves
    just that, so that nobody can tell the two apart.
    """

    share: float
    strain: float
    sure: bool = True


def noise(relations: Relations, most: float = ALL) -> Noise | None:
    """Return the law of noise that fits best; None where no share of it brings the labels nearer to what they are.

    A share above *most*, `SOME` or `ALL`, counts as another truth.
    """
    before, _ = relations.table(relations.variable(LABEL), relations.variable(LABEL))
    own = before.diagonal() / max(int(before.sum()), 1)
    mixed, even = (_fitted(relations, law, most) for law in (own, np.full(len(own), 1 / max(len(own), 1))))
    found = min((one for one in (mixed, even) if one), key=lambda one: (one.strain, one.share), default=None)
    if found is None or even is None or len(own) > TWO:
        return found
    return replace(found, sure=even.strain > max(1.0, found.strain))


def _fitted(relations: Relations, law: Floats, most: float) -> Noise | None:
    estimated = _share(relations, law)
    if not LEAST <= estimated <= most:
        return None
    share = min(estimated, 1.0)
    label = relations.variable(LABEL)
    tests = [_test(relations, variable, label, law, share) for variable in (*relations.features, label - 1)]
    excess, freedom = (np.array(column) for column in zip(*tests, strict=True))
    return Noise(round(share, 6), Statistics(excess, freedom).worst())


def _share(relations: Relations, law: Floats) -> float:
    """Return the share of noise that explains best how the labels under each output have changed (least squares)."""
    before, after = relations.table(relations.variable(OUTPUT), relations.variable(LABEL))
    told = (before.sum(axis=1) > 0) & (after.sum(axis=1) > 0)
    old, new = _shares(before[told]), _shares(after[told])
    weight = after[told].sum(axis=1)[:, None]
    moved, way = (weight * (new - old) * (law - old)).ravel(), (weight * (law - old) ** 2).ravel()
    length = math.fsum(way.tolist())
    return math.fsum(moved.tolist()) / length if length > 0 else 0.0


def _test(relations: Relations, variable: int, label: int, law: Floats, share: float) -> tuple[float, int]:
    """Compare the labels at each level of a variable with what noise makes of the old ones: excess and freedom."""
    before, after = relations.table(variable, label)
    told = (before.sum(axis=1) > 0) & (after.sum(axis=1) > 0)
    rows, past = after[told].sum(axis=1)[:, None], before[told].sum(axis=1)[:, None]
    expected = rows * ((1 - share) * _shares(before[told]) + share * law)
    seen = (expected > 0) & (before[told] + after[told] > 0)
    spread = expected * (1 + (1 - share) ** 2 * rows / past)  # what both samples vary by
    terms = np.where(seen, (after[told] - expected) ** 2 / np.maximum(spread, 1e-300), 0.0)
    freedom = int(np.maximum(seen.sum(axis=1) - 1, 0).sum())
    return math.fsum(terms.ravel().tolist()) - freedom, freedom


def _shares(counts: np.ndarray[tuple[int, int], np.dtype[np.int64]]) -> Floats:
    return np.asarray(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1), dtype=np.float64)
