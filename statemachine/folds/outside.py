"""What others measure is declared, falls silent, and is heard again."""

from __future__ import annotations

from msgspec.structs import replace

from statemachine import events as e
from statemachine import externals
from statemachine.folds.fold import Folds
from statemachine.health import ModelHealth


def _signals_declared(health: ModelHealth, fact: e.SignalsDeclared, at_us: int) -> ModelHealth:
    signals = externals.declared(health.signals, fact.signals, at_us)
    return replace(health, signals=signals, silent=tuple(name for name in health.silent if signals[name].limit_us))


def _signal_silenced(health: ModelHealth, fact: e.SignalSilenced, _: int) -> ModelHealth:
    return replace(health, silent=tuple(sorted({*health.silent, fact.subject})))


def _signal_heard(health: ModelHealth, fact: e.SignalHeard, _: int) -> ModelHealth:
    return replace(health, silent=tuple(name for name in health.silent if name != fact.subject))


FOLDS: Folds = {
    e.SignalsDeclared: _signals_declared,
    e.SignalSilenced: _signal_silenced,
    e.SignalHeard: _signal_heard,
}
