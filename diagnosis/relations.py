"""What holds between the variables of a row, before and since, and how strained it is that nothing has changed there.

Two tables of counts are compared by their chi-square statistic for homogeneity. Less its degrees of freedom it has mean
zero while the law is one, however thin the tables are. It is strained above 1 beyond the bound of Laurent and Massart
(Annals of Statistics 28, 2000, Lemma 1): P(X - k >= 2 sqrt(k x) + 2 x) <= exp(-x) for a chi-square of k degrees, with x
for an error of `ERROR` shared by all tests that are asked together.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

OUTPUT, LABEL, LOSS = "@output", "@label", "@loss"
ERROR = 0.01  #: of calling any of the tests that are asked together a change when nothing has changed
STEPS = 1 << 20  #: statistics are summed as whole steps of 2^-20, so that no order of adding can matter


@dataclass(frozen=True, slots=True, eq=False)
class Statistics:
    """Chi-square statistics less their degrees of freedom, and the degrees; one for each test."""

    excess: Floats
    freedom: Ints

    def worst(self) -> float:
        """Return the strain of the most strained test; 0 when there is nothing to test."""
        asked = self.freedom > 0
        if not asked.any():
            return 0.0
        freedom, bound = self.freedom[asked], math.log(int(asked.sum()) / ERROR)
        return float((self.excess[asked] / (2 * np.sqrt(freedom * bound) + 2 * bound)).max())


@dataclass(frozen=True, slots=True, eq=False)
class Relations:
    """Counts of rows by two levels, before and since; a variable's levels lie one after another."""

    names: tuple[str, ...]
    starts: tuple[int, ...]  #: first level of each variable, and how many levels there are
    before: Ints  #: (levels, levels)
    after: Ints
    unlabelled: tuple[Ints, Ints]  #: (levels,) of the rows without a label, before and since

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Read what was counted; each table is the half of it on and above the diagonal, line by line."""
        sizes = [int(each["levels"]) for each in data["variables"]]
        starts = tuple(np.concatenate([[0], np.cumsum(sizes)]).astype(int).tolist())
        before, after = (_whole(np.array(data[name], np.int64), starts[-1]) for name in ("before", "after"))
        first, second = (np.array(each, np.int64) for each in data["unlabelled"])
        names = tuple(each["name"] for each in data["variables"])
        return cls(names, starts, before, after, (first, second))

    def thinned(self, fresh: float) -> Relations:
        """Return the relations as if only the share *fresh* of the rows since had come."""
        return self if fresh >= 1 else replace(self, after=np.rint(self.after * fresh).astype(np.int64))

    @property
    def features(self) -> tuple[int, ...]:
        """The variables that are features."""
        return tuple(k for k, name in enumerate(self.names) if not name.startswith("@"))

    def variable(self, name: str) -> int:
        """Return the number of a variable."""
        return self.names.index(name)

    def levels(self, variable: int) -> slice:
        """Return where the levels of *variable* lie."""
        return slice(self.starts[variable], self.starts[variable + 1])

    def labelled(self) -> tuple[int, int]:
        """Return how many rows with a label there are, before and since."""
        first = self.levels(0)
        return int(self.before.diagonal()[first].sum()), int(self.after.diagonal()[first].sum())

    def table(self, rows: int, columns: int) -> tuple[Ints, Ints]:
        """Return the rows by the levels of two variables, before and since."""
        where = (self.levels(rows), self.levels(columns))
        return self.before[where], self.after[where]

    def joint(self) -> Statistics:
        """Test for every two variables whether their levels fall together as they did, (variables, variables)."""
        old, new = self.labelled()
        terms = _terms(self.before, self.after, np.array(old), np.array(new))
        seen = (self.before + self.after > 0).astype(np.int64)
        return Statistics(*_excess(_blocks(terms, self.starts), _blocks(seen, self.starts) - 1))

    def given(self) -> Statistics:
        """Test for every two variables whether the second is as it was at each level of the first."""
        old, new = self.before.diagonal()[:, None], self.after.diagonal()[:, None]
        told = (old > 0) & (new > 0)  # a level that is new, or gone, tells nothing of what is given it
        terms = np.where(told, _terms(self.before, self.after, old, new), 0)
        seen = np.add.reduceat((self.before + self.after > 0).astype(np.int64), self.starts[:-1], axis=1)
        freedom = np.add.reduceat(np.where(told, np.maximum(seen - 1, 0), 0), self.starts[:-1], axis=0)
        return Statistics(*_excess(_blocks(terms, self.starts), freedom))


def most_changed(before: Ints, after: Ints, starts: Sequence[int]) -> list[int]:
    """Return the variables, most changed first, by how each now falls together with output, label and loss.

    The tables are (levels, levels of output, label and loss), as `starts` divides them: the last three variables are
    these. A feature that has to do with a rise of the loss shows here, whatever has happened.
    """
    first = starts[-4]
    old, new = (int(table[: starts[1], : starts[-3] - first].sum()) for table in (before, after))
    columns = [start - first for start in starts[-4:-1]]
    terms = _terms(before, after, np.array(old), np.array(new))
    sums, seen = (
        np.add.reduceat(np.add.reduceat(table, starts[:-1], axis=0), columns, axis=1)
        for table in (terms, (before + after > 0).astype(np.int64))
    )
    freedom = np.maximum(seen - 1, 1)
    bound = math.log(freedom.size / ERROR)
    strain = ((sums / STEPS - freedom) / (2 * np.sqrt(freedom * bound) + 2 * bound)).max(axis=1).tolist()
    return sorted(range(len(strain)), key=lambda k: (-strain[k], k))


def alike(before: Ints, after: Ints) -> Statistics:
    """Test whether two lists of counts, or each two lines of tables, are of one law; one test."""
    before, after = np.atleast_2d(before), np.atleast_2d(after)
    old, new = before.sum(axis=1, keepdims=True), after.sum(axis=1, keepdims=True)
    told = (old > 0) & (new > 0)
    terms = np.where(told, _terms(before, after, old, new), 0)
    freedom = np.where(told[:, 0], np.maximum((before + after > 0).sum(axis=1) - 1, 0), 0)
    return Statistics(*_excess(terms.sum(keepdims=True).ravel(), freedom.sum(keepdims=True)))


def among(tests: Statistics, variables: Sequence[int]) -> Statistics:
    """Return those of joint *tests* that are about *variables* alone, each two once and each by itself."""
    chosen = np.array(variables, np.intp)
    upper = np.triu_indices(len(chosen))
    where = (chosen[upper[0]], chosen[upper[1]])
    return Statistics(tests.excess[where], tests.freedom[where])


def under(tests: Statistics, first: int, others: Sequence[int]) -> Statistics:
    """Return those of given *tests* that are about *others* at the levels of *first*."""
    chosen = [k for k in others if k != first]
    return Statistics(tests.excess[first, chosen], tests.freedom[first, chosen])


def _terms(before: Ints, after: Ints, old: Ints, new: Ints) -> Ints:
    """Return the terms of the statistics, in steps; *old* and *new* are the rows that a line shares out."""
    both = before + after
    strayed = (new * before - old * after).astype(np.float64)
    weight = np.maximum(old * new, 1).astype(np.float64) * np.maximum(both, 1)
    steps: Ints = np.rint(strayed * strayed / weight * STEPS).astype(np.int64)
    return steps


def _blocks(table: Ints, starts: tuple[int, ...]) -> Ints:
    lines = np.add.reduceat(table, starts[:-1], axis=0)
    return np.asarray(np.add.reduceat(lines, starts[:-1], axis=1), dtype=np.int64)


def _excess(sums: Ints, freedom: Ints) -> tuple[Floats, Ints]:
    return (sums - freedom * STEPS) / STEPS, freedom


def _whole(half: Ints, levels: int) -> Ints:
    found = np.zeros((levels, levels), np.int64)
    found[np.triu_indices(levels)] = half
    found += np.triu(found, 1).T
    return found
