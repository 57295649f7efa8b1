"""Replay: fold a history again, and check that every move in it was legal."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, is_dataclass

from statemachine.canonical import canonical
from statemachine.events import Event, StateChanged
from statemachine.evolve import evolve
from statemachine.health import ModelHealth
from statemachine.machine import GATEKEEPER
from statemachine.policy import Policy
from statemachine.words import Place


class IllegalHistory(ValueError):
    """A recorded move is not in the table, or does not start where the model stood."""


def replay(history: Iterable[tuple[Event, int]], start: ModelHealth | None = None) -> ModelHealth:
    """Fold *history*, pairs of fact and time in microseconds, from *start* on.

    Raises:
        IllegalHistory: A move in it is one that the table does not know.
    """
    health = start or ModelHealth()
    for fact, occurred_us in history:
        if isinstance(fact, StateChanged):
            _check(health, fact)
        health = evolve(health, fact, occurred_us)
    return health


def projection(health: ModelHealth) -> bytes:
    """Write *health* canonically: the bytes that the stored projection must equal."""
    return canonical(_as_json(health))


def _as_json(value: object) -> object:
    """Give *value* as JSON types; dataclasses by field name, places by name."""
    if isinstance(value, Place):
        return str(value)
    if isinstance(value, Policy):
        return value.to_json()
    if is_dataclass(value):
        return {f.name: _as_json(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, tuple | list):
        return [_as_json(item) for item in value]
    if isinstance(value, dict):
        return {key: _as_json(item) for key, item in value.items()}
    return value


def _check(health: ModelHealth, fact: StateChanged) -> None:
    if str(health.place) != fact.source:
        msg = f"event {health.version + 1}: the move starts in {fact.source}, the model stood in {health.place}"
        raise IllegalHistory(msg)
    if (fact.source, fact.trigger, fact.dest) not in GATEKEEPER.legal_moves:
        msg = f"event {health.version + 1}: {fact.trigger} from {fact.source} to {fact.dest} is not in the table"
        raise IllegalHistory(msg)
