"""Habits: what the windows of a reference did that its bins do not hold, so that a window can be held against it."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from monitoring.profiles.reference import MAX_BINS, Column, Floats, Ints
from monitoring.profiles.tails import SIDES, Limits, Tail, learn_tail
from monitoring.quality.facts import CODES, LEVELED, Facts, facts
from monitoring.quality.resent import learn_resent
from monitoring.quality.sentinels import Habit, learn_habit
from monitoring.quality.units import Bands, learn_bands


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """The habits of the features that are measured, numbers of more values than there are bins, and of whole rows.

    Of other features every value is a code, and each has a bin of its own.
    """

    window: int  #: rows of the windows that it was learned from
    columns: tuple[int, ...]  #: the place of each measured feature
    repeating: tuple[Habit, ...]  #: of each of them
    bands: tuple[Bands, ...]  #: of each of them
    tails: tuple[tuple[Tail, ...], ...]  #: of each of them, below and above
    resent: float  #: the highest share of a window's rows that came again in their order

    def facts(
        self,
        rows: Floats,
        judged: Container[str] = (CODES, LEVELED),
        limits: Limits | None = None,
        numbers: Ints | None = None,
    ) -> Facts:
        """Return the facts of *rows* (n, all features) that *judged* kinds of faults need: of the measured ones."""
        return facts(rows[:, self.columns], judged, limits, numbers)

    def to_json(self) -> dict[str, Any]:
        """Return plain values, for canonical bytes."""
        return {
            "window": self.window,
            "columns": list(self.columns),
            "repeating": [one.to_json() for one in self.repeating],
            "bands": [one.to_json() for one in self.bands],
            "tails": [[one.to_json() for one in both] for both in self.tails],
            "resent": self.resent,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Undo `to_json`."""
        return cls(
            window=data["window"],
            columns=tuple(data["columns"]),
            repeating=tuple(map(Habit.from_json, data["repeating"])),
            bands=tuple(map(Bands.from_json, data["bands"])),
            tails=tuple(tuple(map(Tail.from_json, both)) for both in data["tails"]),
            resent=float(data["resent"]),
        )


def learn_habits(columns: Sequence[Column], rows: Floats, window: int) -> Habits:
    """Learn from reference *rows* (n, features) in order of time, cut into windows of about *window* rows."""
    measured = tuple(k for k, one in enumerate(columns) if one.kind == "numeric" and _is_measured(rows[:, k]))
    parts = np.array_split(rows, max(len(rows) // window, 1))
    seen = [facts(part[:, measured]) for part in parts]
    repeating = tuple(learn_habit(k, seen) for k in range(len(measured)))
    bands = tuple(learn_bands([one.levels[k] for one in seen]) for k in range(len(measured)))
    tails = tuple(tuple(learn_tail(rows[:, k], side) for side in SIDES) for k in measured)
    return Habits(
        window=window, columns=measured, repeating=repeating, bands=bands, tails=tails, resent=learn_resent(parts)
    )


def _is_measured(values: Floats) -> bool:
    return len(np.unique(values[np.isfinite(values)])) > MAX_BINS
