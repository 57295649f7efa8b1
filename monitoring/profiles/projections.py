"""Projections: whole numbers made of several features at once, so that it shows when these fall together otherwise.

Features may each look as they did and yet no longer go together: a correlation that turns its sign leaves every margin
as it was. A projection is a sum, with signs, of the normal scores that a row's values have in the reference, as whole
numbers; its spread tells how its features go together. Its values are counted on bins of their own, learned from the
reference, and a detector sees one more feature. Sums and differences see changes of correlation, and not those that
leave the spread of every sum as it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from monitoring.profiles.reference import FAR_OVER, FAR_UNDER, OVER, UNDER, Feature, Floats, Ints, Reference

SCORE = 1 << 8  #: steps of a standard deviation in which scores are told
JOINT = "(joint)"  #: how names of projections end
NORMAL = NormalDist()
SmallInts = NDArray[np.int32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Projection:
    """A sum of the scores of some *columns*, each with its sign, and what its values were in the reference."""

    columns: tuple[int, ...]
    signs: tuple[int, ...]
    feature: Feature

    def to_json(self) -> dict[str, Any]:
        """Return plain values, for canonical bytes."""
        return {"columns": list(self.columns), "signs": list(self.signs), "feature": self.feature.to_json()}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Undo `to_json`."""
        feature = Feature.from_json(data["feature"])
        return cls(columns=tuple(data["columns"]), signs=tuple(data["signs"]), feature=feature)


@dataclass(frozen=True, slots=True, kw_only=True)
class Projections:
    """The projections of a reference. `scores` holds, by column, the score of each of its slots."""

    asked: int = 0  #: how many a policy asked for, when the reference was learned
    scores: tuple[tuple[int, tuple[int, ...]], ...] = ()
    each: tuple[Projection, ...] = ()

    def first(self, number: int) -> Projections:
        """Return the first *number* of them."""
        each = self.each[:number]
        used = {column for one in each for column in one.columns}
        return replace(self, each=each, scores=tuple(pair for pair in self.scores if pair[0] in used))

    def joined(self, reference: Reference) -> Reference:
        """Return *reference* with a feature more for each projection, behind the output: what drift is judged by."""
        return replace(reference, features=(*reference.features, *(one.feature for one in self.each)))

    def members(self, reference: Reference) -> dict[str, list[str]]:
        """Return the names of the columns of each projection, by its name."""
        return {one.feature.name: [reference.features[k].name for k in one.columns] for one in self.each}

    @property
    def width(self) -> int:
        """The number of slots of all of them."""
        return sum(one.feature.slots for one in self.each)

    def to_json(self) -> dict[str, Any]:
        """Return plain values, for canonical bytes."""
        return {
            "asked": self.asked,
            "scores": [{"column": column, "by_slot": list(scores)} for column, scores in self.scores],
            "each": [one.to_json() for one in self.each],
        }

    @classmethod
    def from_json(cls, data: dict[str, Any] | None) -> Self:
        """Undo `to_json`; references that hold none have none."""
        if data is None:
            return cls()
        return cls(
            asked=data["asked"],
            scores=tuple((one["column"], tuple(one["by_slot"])) for one in data["scores"]),
            each=tuple(map(Projection.from_json, data["each"])),
        )


NONE = Projections()


@dataclass(frozen=True, slots=True, eq=False)
class Tables:
    """Projections as tables to look up: the score of each slot, and the slot of each value of a projection."""

    projections: Projections
    scores: dict[int, SmallInts]  #: by column, of each of its slots
    bounds: Sequence[int]  #: the farthest from zero that values of each projection may be
    slots: Sequence[NDArray[np.int32]]  #: of each projection, of values from `-bound` to `bound`, on the flat counts
    starts: tuple[int, ...]  #: the first flat slot of each projection, and their number at the end

    @classmethod
    def of(cls, projections: Projections) -> Self:
        """Write the tables of *projections*."""
        scores = {column: np.array(by_slot, np.int32) for column, by_slot in projections.scores}
        reach = {column: int(np.abs(by_slot).max()) for column, by_slot in scores.items()}
        bounds = [sum(reach[column] for column in one.columns) for one in projections.each]
        starts = np.cumsum([0, *(one.feature.slots for one in projections.each)]).tolist()
        slots = [
            (one.feature.place(np.arange(-bound, bound + 1, dtype=np.float64)) + start).astype(np.int32)
            for one, bound, start in zip(projections.each, bounds, starts[:-1], strict=True)
        ]
        return cls(projections, scores, bounds, slots, tuple(starts))

    def count(self, scores: dict[int, SmallInts]) -> Ints:
        """Return how many rows each flat slot of the projections has; *scores* are (n,) by column."""
        counts = np.zeros(self.starts[-1], np.int64)
        for one, bound, slots in zip(self.projections.each, self.bounds, self.slots, strict=True):
            values = summed(one.columns, one.signs, scores)
            values += np.int32(bound)
            counts += np.bincount(np.take(slots, values), minlength=len(counts))
        return counts


def summed(columns: Sequence[int], signs: Sequence[int], scores: dict[int, SmallInts]) -> SmallInts:
    """Return the sum of the scores (n,) of *columns*, with their *signs*, for each row."""
    found = scores[columns[0]] * np.int32(signs[0])
    for column, sign in zip(columns[1:], signs[1:], strict=True):
        (np.add if sign > 0 else np.subtract)(found, scores[column], out=found)
    return found


def scored(reference: Reference, tables: Tables, rows: Floats) -> dict[int, SmallInts]:
    """Return the scores (n,) of *rows* (n, features) by column, value by value: counters find the same, and faster."""
    return {k: by_slot[reference.features[k].place(rows[:, k])] for k, by_slot in tables.scores.items()}


def placed(reference: Reference, projections: Projections, rows: Floats, outputs: Floats) -> Ints:
    """Return the slot of each value among those of its feature, and then of each projection: (n, both)."""
    tables = Tables.of(projections)
    scores = scored(reference, tables, rows)
    joint = [
        np.take(slots, summed(one.columns, one.signs, scores) + np.int32(bound)) - start
        for one, bound, slots, start in zip(
            projections.each, tables.bounds, tables.slots, tables.starts[:-1], strict=True
        )
    ]
    alone = reference.place(rows, outputs) - np.array(reference.starts[:-1])
    return np.column_stack([alone, *joint])


def scores_of(feature: Feature, order: Sequence[int]) -> tuple[int, ...]:
    """Return the score of each slot: the normal one of its middle, in steps of 1 / `SCORE`; *order* is of its bins.

    What is missing, invalid or new stands in the middle; what is below or above the bins stands with the outer ones.

    >>> from monitoring.profiles.learning import learn
    >>> from monitoring.profiles.reference import FIRST_BIN, Column
    >>> x = np.array([[1.0], [2.0], [2.0], [3.0]] * 10)
    >>> feature = learn([Column(name="x")], x, x[:, 0]).features[0]
    >>> scores_of(feature, range(FIRST_BIN, feature.slots))
    (0, 0, 0, -293, -293, 293, 293, -293, 0, 293)
    """
    total, below = sum(feature.counts[slot] + 0.5 for slot in order), 0.0
    scores = [0] * feature.slots
    for slot in order:
        share = feature.counts[slot] + 0.5
        scores[slot] = round(NORMAL.inv_cdf((below + share / 2) / total) * SCORE)
        below += share
    if feature.kind == "numeric":
        scores[FAR_UNDER] = scores[UNDER] = scores[order[0]]
        scores[OVER] = scores[FAR_OVER] = scores[order[-1]]
    return tuple(scores)
