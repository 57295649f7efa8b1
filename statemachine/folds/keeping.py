"""What is known of a model is erased, or held from being erased."""

from __future__ import annotations

from msgspec.structs import replace

from statemachine import events as e
from statemachine.folds.fold import Folds
from statemachine.health import ModelHealth


def _erased(health: ModelHealth, _: e.Erased, __: int) -> ModelHealth:
    return replace(health, erasures=health.erasures + 1)


def _hold_placed(health: ModelHealth, _: e.LegalHoldPlaced, __: int) -> ModelHealth:
    return replace(health, legal_hold=True)


def _hold_lifted(health: ModelHealth, _: e.LegalHoldLifted, __: int) -> ModelHealth:
    return replace(health, legal_hold=False)


FOLDS: Folds = {
    e.Erased: _erased,
    e.LegalHoldPlaced: _hold_placed,
    e.LegalHoldLifted: _hold_lifted,
}
