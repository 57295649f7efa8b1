"""A model's log folded again, as far as it can be, beside the state that is stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from server.auditing import Step, steps
from statemachine.envelope import chain_faults
from statemachine.health import ModelHealth
from statemachine.replay import projection
from store.ports import Reader


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """Every step, and the first thing that is wrong with each of fold and chain; empty when nothing is."""

    steps: list[Step]
    difference: str
    broken: str

    @property
    def end(self) -> ModelHealth:
        """Where the last step leads; a health that nothing has happened to, where there is none."""
        return self.steps[-1].after if self.steps else ModelHealth()


def replayed(reader: Reader, model: str) -> Replayed:
    """Fold the log of *model* again. A history that the table does not know ends the fold, and is the difference."""
    taken: list[Step] = []
    failure = ""
    try:
        for step in steps(reader, model):
            taken.append(step)  # noqa: PERF402 - what was folded before a failure is kept
    except ValueError as error:  # a move that is illegal, or a payload that cannot be read
        failure = str(error)
    stored = reader.projection(model)
    end = taken[-1].after if taken else ModelHealth()
    failure = failure or _difference(projection(end), stored.body if stored else b"{}")
    return Replayed(steps=taken, difference=failure, broken=next(iter(chain_faults(reader.events(model))), ""))


def _difference(ours: bytes, stored: bytes) -> str:
    if ours == stored:
        return ""
    left: dict[str, Any] = orjson.loads(ours)
    right: dict[str, Any] = orjson.loads(stored)
    for name in sorted(left.keys() | right.keys()):
        if left.get(name) != right.get(name):
            return f"{name}: replayed {left.get(name)!r}, stored {right.get(name)!r}"
    return "the same values, written differently"
