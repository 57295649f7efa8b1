"""The dictionary of a whole reference: every feature's alternatives as integer tables, dotted with counts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

import numpy as np

from monitoring.alternatives import NATS, RULE, kept, priors, quantised, shares, stacked
from monitoring.profile import Profile
from monitoring.reference import Ints, Reference

#: Dictionaries that are kept: a judge that looks once a window asks for the same one again.
KEPT = 8


@dataclass(frozen=True, slots=True, eq=False)
class Dictionary:
    """The alternatives of every feature as integer tables, made once per reference, tolerance and rule."""

    reference: Reference
    tables: tuple[Ints, ...]
    names: tuple[tuple[str, ...], ...]
    offsets: Ints  #: what the tolerance takes off each alternative, per row
    priors: Ints  #: the log of what each alternative weighs within its feature, in `NATS`
    sizes: tuple[float, ...]  #: nats a row by which each alternative differs from the reference

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
        sizes = tuple(
            -math.fsum(p * r for p, r in zip(shares(f), a.ratios, strict=True))
            for each, f in zip(found, reference.features, strict=True)
            for a, _ in each
        )
        weighed = np.array([weight for some in names for weight in priors(some, rule)], dtype=np.int64)
        return cls(reference, tuple(tables), names, np.array(offsets, dtype=np.int64), weighed, sizes)

    def evidence(self, window: Profile) -> Ints:
        """Return the evidence of *window* for each alternative, in `NATS`."""
        starts = self.reference.starts
        parts = [t @ window.counts[a:b] for t, a, b in zip(self.tables, starts[:-1], starts[1:], strict=True)]
        return np.concatenate(parts).astype(np.int64)

    def modest(self, sums: Ints) -> int:
        """Return the smallest change to the most suspect feature that holds half the most evidence.

        What stands highest at an alarm overstates the change; a test of "it came back" against an overstated
        change would clear one that lasts.
        """
        top = int(np.argmax(sums))
        ends = np.cumsum([len(each) for each in self.names])
        feature = int(np.searchsorted(ends, top, side="right"))
        near = [k for k in range(ends[feature] - len(self.names[feature]), ends[feature]) if 2 * sums[k] >= sums[top]]
        return min(near, key=lambda k: (self.sizes[k], k))

    def per_feature(self, sums: Ints) -> list[list[int]]:
        """Cut *sums* by feature."""
        ends = np.cumsum([len(each) for each in self.names])[:-1]
        return [part.tolist() for part in np.split(sums, ends)]
