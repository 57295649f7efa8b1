"""Asks whether a change of the label's shares alone explains how the features moved.

Under label shift each class keeps its features, so the features' new distribution is the old classes' mixed by the
new shares. The distance to that mixture, against the distance to the old distribution, is the answer.
"""

from __future__ import annotations

import math

from diagnosis.inputs import Feature, Table

#: A feature moved if its G statistic exceeds its expectation by this many standard deviations.
MOVED = 4.0


def explained_by_labels(features: list[Feature], before: Table, after: Table) -> float:
    """Return the share, in [0, 1], of the features' movement that the label's new shares explain.

    0 when no feature moved: then nothing speaks for label shift.
    """
    whole = left = 0.0
    for feature in features:
        old, new = before.cut(feature), after.cut(feature)
        noise = _freedom(old, new) * (1 + new.total / max(old.total, 1))
        plain = _distance(_shares(old, old.by_label()[0]), new)
        if plain > noise + MOVED * math.sqrt(2 * max(noise, 1.0)):
            mixed = _distance(_shares(old, new.by_label()[0]), new)
            whole += plain - noise
            left += max(mixed - noise, 0.0)
    return max(0.0, 1 - left / whole) if whole > 0 else 0.0


def _shares(old: Table, labels: list[int]) -> list[float]:
    """Return the share of each slot if the label bins had *labels* rows and each kept its own features."""
    total, width = max(sum(labels), 1), old.rows.shape[1]
    found = [0.5 / (old.total + 0.5 * width)] * width
    for weight, counts in zip(labels, old.rows.tolist(), strict=True):
        own = sum(counts)
        scale = weight / total / own if own else 0.0
        found = [x + count * scale for x, count in zip(found, counts, strict=True)]
    norm = math.fsum(found)
    return [x / norm for x in found]


def _distance(shares: list[float], new: Table) -> float:
    counts, n = new.by_slot()[0], new.total
    return 2 * math.fsum(c * math.log(c / n / p) for c, p in zip(counts, shares, strict=True) if c)


def _freedom(old: Table, new: Table) -> int:
    pairs = zip(old.by_slot()[0], new.by_slot()[0], strict=True)
    return max(sum(1 for a, b in pairs if a or b) - 1, 1)
