"""Entities: whose each row is, as a policy says, and which of their sensors stand still."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from monitoring.profiles.reference import Floats, Ints, Reference
from monitoring.quality.frozen import Frozen
from monitoring.quality.stillness import OpenRuns, Runs, Stillness
from server.intake.schema import NUMERIC, Schema
from server.watching.tape import Tape


class Entities:
    """What the feature named *entity* tells of rows on a tape, whose first *reference_rows* have come."""

    def __init__(self, schema: Schema, tape: Tape, entity: str, reference_rows: int, reference: Reference) -> None:
        names = [one.name for one in schema.features]
        self._index, self._tape, self._reference = names.index(entity), tape, reference
        self._words = schema.features[self._index].categories
        # Words have few values, and each may well last.
        judged = [k for k, one in enumerate(schema.features) if one.kind == NUMERIC and k != self._index]
        self._runs = OpenRuns.of(*self._rows(0, reference_rows), judged)

    @property
    def still(self) -> tuple[Stillness, ...]:
        """How long each feature that can be judged stood still in the reference."""
        return self._runs.still

    def take(self, first: int, end: int, limits: Mapping[int, int]) -> tuple[Frozen, ...]:
        """Give what is frozen in the window of rows [first, end), by the *limits* of features."""
        self._runs, long = self._runs.after(*self._rows(first, end), limits)
        return tuple(one for k, runs in long for one in self._frozen(k, runs, first, limits[k]))

    def _rows(self, first: int, end: int) -> tuple[Floats, Floats, Ints]:
        numbers = first + np.flatnonzero(~self._tape.erased[first:end])
        rows = self._tape.features(first, end)[numbers - first]
        return rows[:, self._index], rows, numbers

    def _frozen(self, k: int, runs: Runs, first: int, limit: int) -> Iterator[Frozen]:
        """Tell of each of *runs*, none of which ended before row *first*."""
        slots = self._reference.features[k].place(runs.value).tolist()
        each = zip(
            *(column.tolist() for column in (runs.entity, runs.length, runs.first, runs.last)), slots, strict=True
        )
        for entity, length, begun, last, slot in each:
            all_rows = self._of(entity, begun, last + 1)
            here = [row for row in all_rows if row >= first]
            passed = length - len(here) < limit
            yield Frozen(
                feature=k, entity=self._name(entity), length=length, slot=slot,
                rows=tuple(all_rows if passed else here),
            )  # fmt: skip

    def _of(self, entity: float, first: int, end: int) -> list[int]:
        rows = np.arange(first, end)
        return [int(row) for row in rows[self._tape.feature(self._index, rows) == entity]]

    def _name(self, entity: float) -> str:
        """Give the word of *entity*; one that came later than the model goes by its number."""
        return self._words[int(entity)] if entity in range(len(self._words)) else f"{entity:.12g}"
