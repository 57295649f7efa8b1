"""A model moves, and people are called to where it stands."""

from __future__ import annotations

from msgspec.structs import replace

from statemachine import events as e
from statemachine.folds.fold import Folds
from statemachine.health import ModelHealth
from statemachine.words import DEGRADED, HEALTHY, Place, Reason


def _state_changed(health: ModelHealth, fact: e.StateChanged, at_us: int) -> ModelHealth:
    dest = Place.named(fact.dest)
    moved = replace(
        health, place=dest, visit=health.visit + 1, entered_us=at_us, armed_us=at_us, reason=fact.reason, escalation=0
    )
    if dest == HEALTHY:
        moved = replace(moved, alarm=None, cause="", causes=(), onset_row=-1, moved_row=0, diagnosed_row=0)
    if dest in (HEALTHY, DEGRADED):
        moved = replace(moved, remediation=None, candidate="", challenge_evidence="")
    if fact.trigger == "abandon":
        moved = _failed(moved, at_us)
    return moved


def _failed(health: ModelHealth, at_us: int) -> ModelHealth:
    until_us = at_us + health.cooldown_us()
    return replace(health, failures=health.failures + 1, cooldown_until_us=until_us, improvement=False)


def _escalated(health: ModelHealth, fact: e.Escalated, at_us: int) -> ModelHealth:
    if fact.reason == Reason.ROWS_ERASED:
        return health  # it concerns what a model has learned, not how it does: no timer is wound up again
    return replace(health, escalation=fact.level, armed_us=at_us)


def _notified(health: ModelHealth, _: e.Notified, at_us: int) -> ModelHealth:
    return replace(health, armed_us=at_us)


FOLDS: Folds = {
    e.StateChanged: _state_changed,
    e.Escalated: _escalated,
    e.Notified: _notified,
}
