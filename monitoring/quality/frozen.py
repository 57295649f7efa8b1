"""Finds sensors that freeze: one entity of many repeats a value row after row, while the column still varies.

How long a run must be, and what its length is evidence of, is told by `stillness.py`. A sensor counts as frozen from
the first row of its run on, and the rows of that entity alone are at fault.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from monitoring.quality.absurd import Patient, Spell
from monitoring.quality.stillness import Stillness

FROZEN = "frozen"  #: the kind of fault


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """One run of a window beyond its limit: which feature, whose, how long by now, its bin, and the rows of the window.

    In the window in which it passes the limit its rows before that are among them.
    """

    feature: int
    entity: str
    length: int
    slot: int
    rows: tuple[int, ...]

    def to_json(self) -> list[Any]:
        """Return plain values, for canonical bytes."""
        return [self.feature, self.entity, self.length, self.slot, list(self.rows)]

    @classmethod
    def from_json(cls, data: Sequence[Any]) -> Self:
        """Undo `to_json`."""
        feature, entity, length, slot, rows = data
        return cls(feature=feature, entity=entity, length=length, slot=slot, rows=tuple(rows))


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenWatch:
    """The state of a watch; `observe` returns its next self. What is frozen needs no window before it."""

    still: Mapping[int, Stillness]
    threshold: float
    patience: int  #: windows without a fault after which the next one is another
    spells: Mapping[int, Spell]  #: by feature

    @classmethod
    def start(cls, still: Sequence[Stillness], policy: Patient, beside: int) -> Self:
        """Return the watch that has seen nothing; its features share the threshold with *beside* other streams."""
        threshold = math.log(policy.false_alarm_windows * max(len(still) + beside, 1))
        known = {one.feature: one for one in still}
        return cls(still=known, threshold=threshold, patience=policy.clear_windows, spells={})

    @property
    def limits(self) -> dict[int, int]:
        """Rows from which on a run is frozen, by feature."""
        return {k: one.limit(self.threshold) for k, one in self.still.items()}

    def observe(self, window: Sequence[Frozen]) -> tuple[FrozenWatch, dict[int, tuple[float, int]]]:
        """Take what is frozen in a window; give by feature the evidence in nats, and the first row."""
        here: dict[int, list[Frozen]] = {k: [] for k in self.still}
        for one in window:
            here.get(one.feature, []).append(one)
        spells, found = dict[int, Spell](), dict[int, tuple[float, int]]()
        for k, runs in here.items():
            spell = self._spell(k, runs)
            if spell:
                spells[k] = spell
            if runs and spell:
                beyond = max(one.length for one in runs) - self.still[k].record
                found[k] = round(beyond * self.still[k].nats, 6), spell.since
        return replace(self, spells=spells), found

    def _spell(self, k: int, runs: Sequence[Frozen]) -> Spell | None:
        before = self.spells.get(k)
        if runs:
            return Spell(since=before.since if before else min(row for one in runs for row in one.rows))
        over = before is None or before.quiet + 1 >= self.patience
        return None if before is None or over else replace(before, quiet=before.quiet + 1)

    def anew(self) -> Self:
        """Return the watch that has seen nothing."""
        return replace(self, spells={})

    def to_json(self) -> list[list[int]]:
        """Return what goes on, for canonical bytes."""
        return [[k, one.since, one.quiet] for k, one in sorted(self.spells.items())]

    def restored(self, state: Sequence[Sequence[int]]) -> Self:
        """Return a watch like this one in the state that `to_json` gave."""
        return replace(self, spells={k: Spell(since=since, quiet=quiet) for k, since, quiet in state})
