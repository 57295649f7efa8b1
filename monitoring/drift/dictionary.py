"""The dictionary of a whole reference: every feature's alternatives as integer tables, dotted with counts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import mul
from typing import Any, Self

import numpy as np

from monitoring.drift.effects import effects
from monitoring.drift.evidence import log_mean_exp
from monitoring.drift.tables import Asked, Tables, Together
from monitoring.profiles.alternatives import NATS, RULE, evened_out, kept, priors, quantised, shares, stacked
from monitoring.profiles.reference import Ints, Reference

#: Dictionaries that are kept: a judge that looks once a window asks for the same one again.
KEPT = 8


@dataclass(frozen=True, slots=True, eq=False)
class Dictionary:
    """The alternatives of every feature as integer tables, made once per reference, tolerance and rule."""

    reference: Reference
    tables: Tables
    names: tuple[tuple[str, ...], ...]
    places: Ints  #: of each alternative, its feature
    offsets: Ints  #: what the tolerance takes off each alternative, per row
    priors: Ints  #: the log of what each alternative weighs among all, in `NATS`
    sizes: tuple[float, ...]  #: nats a row by which each alternative differs from the reference
    evened: Ints  #: the log of what makes every feature weigh the same, in `NATS`

    @classmethod
    @lru_cache(maxsize=KEPT)
    def of(cls, reference: Reference, tolerance: float, rule: int = RULE) -> Self:
        """Build the tables, which costs milliseconds a feature; those that were wanted last are kept."""
        found = [kept(feature, tolerance, rule) for feature in reference.features]
        tables = [
            stacked([quantised(a, s) for a, s in each], f.slots)
            for each, f in zip(found, reference.features, strict=True)
        ]
        offsets = [round(a.offset / s * NATS) for each in found for a, s in each]
        names = tuple(tuple(a.name for a, _ in each) for each in found)
        laws = map(shares, reference.features)
        sizes = tuple(-math.fsum(map(mul, p, a.ratios)) for each, p in zip(found, laws, strict=True) for a, _ in each)
        evened = evened_out([len(some) for some in names], rule)
        weighed = [weight + more for some, more in zip(names, evened, strict=True) for weight in priors(some, rule)]
        taken, weights, even = (np.array(each, dtype=np.int64) for each in (offsets, weighed, evened))
        return cls(reference, Tables.of(tables), names, placed(names), taken, weights, sizes, even)

    def evidence(self, counts: Sequence[Ints] | Ints) -> Ints:
        """Return the evidence of windows, (windows, alternatives) in `NATS`; *counts* are (windows, flat slots)."""
        return self.tables.dot(counts)

    @staticmethod
    def together(dictionaries: Sequence[Dictionary]) -> Asked:
        """Return what tells the evidence of many windows, each by a dictionary of its own."""
        return Together([one.tables for one in dictionaries])

    def effects(self, feature: int, counts: Ints) -> dict[str, float]:
        """Return the sizes of the change between what is expected of a feature and the *counts* of a window."""
        a, b = self.reference.starts[feature : feature + 2]
        return effects(self.reference.features[feature], counts[a:b].tolist())

    def modest(self, sums: Ints) -> int:
        """Return the smallest change to the most suspect feature that holds half the most evidence.

        What stands highest at an alarm overstates the change; a test of "it came back" against an overstated change
        would clear one that lasts.
        """
        top = int(np.argmax(sums))
        ends = np.cumsum([len(each) for each in self.names])
        feature = int(np.searchsorted(ends, top, side="right"))
        near = [k for k in range(ends[feature] - len(self.names[feature]), ends[feature]) if 2 * sums[k] >= sums[top]]
        return min(near, key=lambda k: (self.sizes[k], k))

    def per_feature(self, sums: Ints) -> list[list[int]]:
        """Cut *sums* by feature, each weighed as if it were alone."""
        ends = np.cumsum([len(each) for each in self.names])[:-1]
        return [(part - more).tolist() for part, more in zip(np.split(sums, ends), self.evened, strict=True)]

    def log_evidence(self, sums: Ints) -> list[float]:
        """Return the evidence of each feature by itself, in nats: the mean over its alternatives, by their weights."""
        return [log_mean_exp(part) for part in self.per_feature(sums + self.priors)]

    def features(
        self, named: Sequence[int], by_feature: Sequence[float], sums: Ints, counts: Ints
    ) -> tuple[dict[str, Any], ...]:
        """Tell of the *named* features, the strongest first: evidence, the change that fits best, sizes of the change.

        *sums* are those of all alternatives, *counts* those of the last window.
        """
        parts, features = self.per_feature(sums), self.reference.features
        return tuple(
            {
                "name": features[k].name,
                "change": self.names[k][parts[k].index(max(parts[k]))],
                "log_evidence": by_feature[k],
                **self.effects(k, counts),
            }
            for k in sorted(named, key=lambda k: (-by_feature[k], k))
        )


def placed(names: Sequence[Sequence[str]]) -> Ints:
    """Return the feature of each alternative, of which *names* holds those of each feature.

    >>> placed([["shift", "scale"], [], ["missing"]]).tolist()
    [0, 0, 2]
    """
    return np.repeat(np.arange(len(names)), [len(each) for each in names])
