"""Folding: what a model's health is after a fact. It happened, so this never refuses."""

from __future__ import annotations

from msgspec.structs import replace

from statemachine.folds import canary, control, keeping, outside, place, remedy, suspicion
from statemachine.folds.fold import Folds
from statemachine.health import ModelHealth
from statemachine.kinds import Event

#: What changes more than the version. Of other facts the log alone tells.
_FOLDS: Folds = {
    **control.FOLDS,
    **outside.FOLDS,
    **place.FOLDS,
    **suspicion.FOLDS,
    **remedy.FOLDS,
    **canary.FOLDS,
    **keeping.FOLDS,
}


def evolve(health: ModelHealth, fact: Event, occurred_us: int) -> ModelHealth:
    """Return *health* after *fact*, which happened at *occurred_us*."""
    fold = _FOLDS.get(type(fact))
    after = fold(health, fact, occurred_us) if fold else health
    return replace(after, version=health.version + 1)
