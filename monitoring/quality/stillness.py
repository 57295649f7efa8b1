"""How long the values of an entity stand still: of many sensors each is to vary, whatever the column does as a whole.

A run is as many rows of one entity, one after another, that have one value of a feature; rows without it are passed
over. The longest run of the reference is its record, and the chance that a run which lasted so far goes on for one more
row is taken to be the highest that any length of run had there. Beyond the record, runs are then no longer than those
of a geometric law: one of r rows more has a chance of that many factors. A run counts as frozen where its chance is
below what all kinds of faults share, and where it is twice as long as the record. Values that many rows of the
reference have, as a zero of rain, may well last, and their runs count for nothing: a sensor frozen at one is not found.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from monitoring.profiles.reference import MAX_BINS, Floats, Ints

LEAST_RUN = 5  #: rows
LEAST_RUNS = 20  #: of the reference that reached a length, so that it tells how likely one more row is
COMMON = 0.05  #: share of the reference's rows; a value that so many have may last
MOST_ENTITIES = 10_000  #: of which it is remembered what they last had; of more, those that came last


@dataclass(frozen=True, slots=True, kw_only=True)
class Stillness:
    """How long one feature stands still when all is well: the longest run, and of *reached* runs *held* went on."""

    feature: int
    record: int
    held: int
    reached: int

    @property
    def nats(self) -> float:
        """The evidence that one row more is."""
        return math.log((self.reached + 2) / (self.held + 1))

    def limit(self, threshold: float) -> int:
        """Return the rows from which on a run is frozen, given how much evidence is asked for.

        >>> Stillness(feature=0, record=3, held=10, reached=1_000).limit(15.0)
        7
        """
        return max(LEAST_RUN, 2 * self.record, self.record + math.ceil(threshold / self.nats))

    def to_json(self) -> list[int]:
        """Return plain values, for canonical bytes."""
        return [self.feature, self.record, self.held, self.reached]

    @classmethod
    def from_json(cls, data: Sequence[int]) -> Self:
        """Undo `to_json`."""
        feature, record, held, reached = data
        return cls(feature=feature, record=record, held=held, reached=reached)


@dataclass(frozen=True, slots=True, eq=False)
class Runs:
    """Runs of one feature, ordered by entity and then by time: whose, of which value, how long, from where to where."""

    entity: Floats
    value: Floats
    length: Ints
    first: Ints  #: number of its first row
    last: Ints

    @classmethod
    def of(cls, entity: Floats, value: Floats, numbers: Ints) -> Self:
        """Return rows as runs of one each, of those that have an entity and a value; *entity* must rise."""
        known = np.isfinite(entity) & np.isfinite(value)
        here = numbers[known]
        return cls(entity[known], value[known], np.ones(len(here), np.int64), here, here)

    def then(self, later: Self) -> Self:
        """Return these and *later* runs, of which those that go on are one."""
        entity = np.concatenate([self.entity, later.entity])
        order = np.argsort(entity, kind="stable")  # merges two that rise
        value = np.concatenate([self.value, later.value])[order]
        length, first, last = (
            np.concatenate(both)[order]
            for both in ((self.length, later.length), (self.first, later.first), (self.last, later.last))
        )
        entity = entity[order]
        begins = np.flatnonzero(np.append(True, (entity[1:] != entity[:-1]) | (value[1:] != value[:-1])))
        if not len(entity):
            return self
        ends = np.append(begins[1:], len(entity)) - 1
        joined: Ints = np.add.reduceat(length, begins)
        return replace(
            self, entity=entity[begins], value=value[begins], length=joined, first=first[begins], last=last[ends]
        )

    def open(self) -> Self:
        """Return the latest run of each entity; of very many entities, of those that came last."""
        kept = np.flatnonzero(np.append(self.entity[1:] != self.entity[:-1], True)[: len(self.entity)])
        if len(kept) > MOST_ENTITIES:
            kept = np.sort(kept[np.argsort(self.last[kept], kind="stable")[-MOST_ENTITIES:]])
        return self.chosen(kept)

    def chosen(self, places: Ints) -> Self:
        """Return the runs at *places*."""
        return replace(
            self, entity=self.entity[places], value=self.value[places], length=self.length[places],
            first=self.first[places], last=self.last[places],
        )  # fmt: skip

    def at_least(self, rows: int, common: Floats) -> Self:
        """Return the runs of so many *rows* or more, but those of *common* values."""
        long = np.flatnonzero(self.length >= rows)
        return self.chosen(long[~np.isin(self.value[long], common)]) if len(long) else self.chosen(long)


NO_RUNS = Runs.of(np.empty(0), np.empty(0), np.empty(0, np.int64))


@dataclass(frozen=True, slots=True, eq=False)
class OpenRuns:
    """The run that each entity is in, of each feature that is judged."""

    still: tuple[Stillness, ...]
    common: tuple[Floats, ...]  #: values that may last
    runs: tuple[Runs, ...]

    @classmethod
    def of(cls, entity: Floats, rows: Floats, numbers: Ints, judged: Iterable[int]) -> Self:
        """Learn from reference *rows* (n, features) in order of time, of which *entity* (n,) says whose each is.

        They have *numbers* (n,); *judged* are places of features.
        """
        order, found = np.argsort(entity, kind="stable"), list[tuple[Stillness, Floats, Runs]]()
        for k in judged:
            values = rows[:, k]
            each = NO_RUNS.then(Runs.of(entity[order], values[order], numbers[order]))
            common = _common(values)
            still = _learned(k, each.at_least(1, common).length) if common is not None else None
            if common is not None and still is not None:
                found.append((still, common, each.open()))
        return cls(*(tuple(one) for one in zip(*found, strict=True))) if found else cls((), (), ())

    def after(
        self, entity: Floats, rows: Floats, numbers: Ints, limits: Mapping[int, int]
    ) -> tuple[Self, tuple[tuple[int, Runs], ...]]:
        """Take *rows* (n, features), which have *numbers* (n,); also give the runs of a feature beyond its limit."""
        begin, order = int(numbers.min(initial=np.iinfo(np.int64).max)), np.argsort(entity, kind="stable")
        runs, long = list[Runs](), list[tuple[int, Runs]]()
        entity, rows, numbers = entity[order], rows[order], numbers[order]
        for one, common, before in zip(self.still, self.common, self.runs, strict=True):
            each = before.then(Runs.of(entity, rows[:, one.feature], numbers))
            runs.append(each.open())
            frozen = each.at_least(limits[one.feature], common)
            frozen = frozen.chosen(np.flatnonzero(frozen.last >= begin))
            long += [(one.feature, frozen)] if len(frozen.entity) else []
        return replace(self, runs=tuple(runs)), tuple(long)


def _common(values: Floats) -> Floats | None:
    """Return the values that may last; None of a feature that is not measured, of which every value may."""
    each, counts = np.unique(values[np.isfinite(values)], return_counts=True)
    return each[counts >= COMMON * len(values)] if len(each) > MAX_BINS else None


def _learned(feature: int, lengths: Ints) -> Stillness | None:
    """Learn from the *lengths* of all runs; None where they are too few."""
    reached = np.cumsum(np.bincount(lengths)[::-1])[::-1] if len(lengths) else np.zeros(2, np.int64)
    held = np.append(reached[2:], 0)
    rates = np.where(reached[1:] >= LEAST_RUNS, (held + 1) / (reached[1:] + 2), 0.0)
    at = int(np.argmax(rates)) if len(rates) else 0
    if not len(rates) or rates[at] <= 0:
        return None
    return Stillness(feature=feature, record=len(rates), held=int(held[at]), reached=int(reached[at + 1]))
