"""The evidence of windows that many watches are shown at once, one watch behind another in one flat vector."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple, Self

import numpy as np

from monitoring.dictionary import Dictionary
from monitoring.evidence import log_mean_exps
from monitoring.reference import Ints


class Gained(NamedTuple):
    """What each watch gains, and how the vector is cut: watches may have dictionaries of their own."""

    flat: Ints
    priors: Ints
    widths: Ints  #: alternatives of each watch
    starts: Ints  #: of each watch

    @classmethod
    def of(cls, dictionaries: Sequence[Dictionary], counts: Sequence[Ints]) -> Self:
        """Ask the dictionary of each watch about the counts of its window; neighbours of one dictionary at once."""
        windows = iter(counts)
        runs = [(one, [next(windows) for _ in alike]) for one, alike in groupby(dictionaries)]
        found = [dictionary.evidence(some) for dictionary, some in runs]
        priors = [one.priors for one in dictionaries]
        widths = np.array([len(each) for each in priors])
        return cls(_joined([each.ravel() for each in found]), _joined(priors), widths, np.cumsum(widths) - widths)

    def repeated(self, each: Sequence[int]) -> Ints:
        """Return a number of *each* watch for all its alternatives."""
        return np.repeat(np.array(each, np.int64), self.widths)

    def means(self, sums: Ints) -> list[float]:
        """Return for each watch the log of the weighted mean of e-values whose logs are *sums*."""
        return log_mean_exps(sums + self.priors, self.starts, self.widths)

    def parts(self, flat: Ints) -> Iterator[Ints]:
        """Cut a flat vector by watch."""
        ends = (self.starts + self.widths).tolist()
        return (flat[start:end] for start, end in zip(self.starts.tolist(), ends, strict=True))

    def of_one(self, alternatives: Sequence[int]) -> list[int]:
        """Return what one alternative of each watch has gained."""
        found: list[int] = self.flat[self.starts + np.array(alternatives)].tolist()
        return found


def _joined(parts: Sequence[Ints]) -> Ints:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)
