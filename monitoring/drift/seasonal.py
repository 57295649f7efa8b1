"""The dictionary of a reference with seasons: a row speaks by what its own hour, weekday or month expects.

The log-likelihood ratios of a window's cells add up. Given its season each factor has a mean of at most 1, and that is
all that the run length of an e-detector asks for, in whatever order seasons come (Shin, Ramdas and Rinaldo 2023, arXiv
2203.03532). A row of a cell that the reference hardly knows says nothing.
"""

from __future__ import annotations

import math
from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Self

import numpy as np

from monitoring.drift.dictionary import KEPT, Dictionary, placed
from monitoring.drift.effects import effects
from monitoring.drift.expected import Change, Law, by_kind, changes, given_up, laws
from monitoring.drift.tables import Asked, Tables, side_by_side
from monitoring.profiles.alternatives import (
    FINER,
    NATS,
    RULE,
    Alternative,
    evened_out,
    kind,
    ladder,
    priors,
    quantised,
    shares,
    stacked,
)
from monitoring.profiles.reference import Feature, Ints, Reference
from monitoring.profiles.seasons import Cell, Seasons

Told = dict[str, list[int]]  #: by alternative, the evidence of a row for each slot


@dataclass(frozen=True, slots=True, eq=False)
class SeasonalDictionary(Dictionary):
    """The same alternatives in every cell, each of them a change of what that cell expects."""

    cells: tuple[Tables, ...]  #: of each known cell
    laws: tuple[list[Law], ...]  #: of each known cell, for each feature

    @classmethod
    @lru_cache(maxsize=KEPT)
    def across(cls, reference: Reference, seasons: Seasons, tolerance: float) -> Self:
        """Build the tables, which costs milliseconds a feature and cell; those that were wanted last are kept."""
        known, features = laws(reference, seasons), reference.features
        by_feature = [
            _tables(f, {cell: some[k] for cell, some in known.items()}, seasons, k, tolerance)
            for k, f in enumerate(features)
        ]
        found = {cell: [tables[cell] for tables, _ in by_feature] for cell in known}
        sizes = [_sizes(f, offsets) for f, (_, offsets) in zip(features, by_feature, strict=True)]
        names = tuple(tuple(each) for each in sizes)
        evened = evened_out([len(each) for each in names], RULE)
        weighed = [weight + more for each, more in zip(names, evened, strict=True) for weight in priors(each, RULE)]
        offsets = [some[name] for each, (_, some) in zip(names, by_feature, strict=True) for name in each]
        return cls(
            reference=reference, names=names, places=placed(names),
            sizes=tuple(size for each in sizes for size in each.values()),
            tables=Tables.of([_aligned({}, each, f) for each, f in zip(names, features, strict=True)]),
            offsets=np.array(offsets, np.int64), priors=np.array(weighed, np.int64), evened=np.array(evened, np.int64),
            cells=tuple(Tables.of(list(map(_aligned, tables, names, features))) for tables in found.values()),
            laws=tuple(known.values()),
        )  # fmt: skip

    def evidence(self, counts: Sequence[Ints] | Ints) -> Ints:
        """Return the evidence of windows, (windows, alternatives) in `NATS`: the sum of what their cells say.

        *counts* are (windows, flat slots of all known cells), as `Seasons.laid` gives them.
        """
        by_cell = self._cut(counts)
        gained = np.zeros((len(counts), len(self.offsets)), np.int64)
        for k, tables in enumerate(self.cells):
            some = np.flatnonzero(by_cell[:, k].any(axis=1))
            if len(some):
                gained[some] += tables.dot(by_cell[some, k])
        return gained

    @staticmethod
    def together(dictionaries: Sequence[Dictionary]) -> Asked:
        """Return what tells the evidence of many windows, each by a dictionary of its own."""
        return EachAlone(dictionaries)

    def _cut(self, counts: Sequence[Ints] | Ints) -> Ints:
        return np.reshape(np.array(counts), (len(counts), len(self.cells), self.reference.starts[-1]))

    def effects(self, feature: int, counts: Ints) -> dict[str, float]:
        """Return the sizes of the change between what the cells of a window expect of a feature, and what came.

        Where none of them expects anything, nothing has changed.
        """
        a, b = self.reference.starts[feature : feature + 2]
        one, came = self.reference.features[feature], self._cut([counts])[0, :, a:b]
        rows = came.sum(axis=1).tolist()
        if not any(rows):
            return effects(one, one.counts)
        shared = [[n * share for share in law[feature].shares] for n, law in zip(rows, self.laws, strict=True) if n]
        scale = self.reference.rows / sum(rows)
        expected = tuple(round(math.fsum(each) * scale) for each in zip(*shared, strict=True))
        return effects(replace(one, counts=expected), came.sum(axis=0).tolist())


class EachAlone:
    """Dictionaries of windows that are asked one after another: few windows of a fleet have the same cells."""

    def __init__(self, dictionaries: Sequence[Dictionary]) -> None:
        self._dictionaries = dictionaries

    def dot(self, counts: Sequence[Ints]) -> Ints:
        """Return the evidence, (windows, most alternatives), zeros where there are fewer."""
        found = [one.evidence([some])[0] for one, some in zip(self._dictionaries, counts, strict=True)]
        return side_by_side(found, np.dtype(np.int64))


def _tables(
    feature: Feature, known: dict[Cell, Law], seasons: Seasons, place: int, tolerance: float
) -> tuple[dict[Cell, Told], dict[str, int]]:
    """Give what a row says in each cell, of the changes that its rows can tell apart, and what each change gives up."""
    spreads, within = by_kind(feature, seasons.dispersion[place]), by_kind(feature, seasons.within[place])
    found = dict[str, dict[Cell, Change]]()
    for cell, law in known.items():
        for each in changes(feature, law, within, tolerance):
            found.setdefault(each.name, {})[cell] = each
    tables: dict[Cell, Told] = {cell: {} for cell in known}
    offsets = dict[str, int]()
    for name, cells in found.items():
        spread = spreads[kind(name)]
        offset = given_up(list(cells.values()), spread)
        if offset is not None:
            offsets[name] = round(offset / spread * NATS)
            for cell, each in cells.items():
                tables[cell][name] = quantised(Alternative(name, each.logs, offset), spread)
    return tables, offsets


def _sizes(feature: Feature, told: Container[str]) -> dict[str, float]:
    """Give the alternatives that are told apart, in their order, and how far each is from the whole."""
    p = shares(feature)
    return {
        name: math.fsum(x * math.log(x / y) for x, y in zip(p, q, strict=True))
        for name, q in ladder(feature, FINER)
        if name in told
    }


def _aligned(table: Told, names: Sequence[str], feature: Feature) -> Ints:
    """Give a table with a line for each of *names*: zeros where a cell does not tell it apart."""
    return stacked([table.get(name, [0] * feature.slots) for name in names], feature.slots)
