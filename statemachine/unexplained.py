"""Alarms that no training cures: what others measure is out of bounds, and no cause is found in rows or labels.

A latency that rises, or labels that come later, is no loss, and no version that learned from other rows changes it. A
figure of business may follow from what a model answers; then a diagnosis finds a cause, or a loss moves as well.
"""

from __future__ import annotations

from statemachine.health import ModelHealth
from statemachine.policies.conditions import signals_of
from statemachine.words import Signal

#: How the names of signals begin that rows and labels tell of what a model has learned.
OF_LEARNING = ("loss.", "segment.", "drift.")
UNKNOWN = "unknown"  #: the cause, where a diagnosis has found none


def unexplained(health: ModelHealth) -> bool:
    """Say whether people must look, for training would be done on a guess: no policy asks for it, and no loss moved."""
    found = health.cause == UNKNOWN and _is_beside_learning(health)
    return found and not health.moved_row and health.policy.budget.unexplained == "people"


def _is_beside_learning(health: ModelHealth) -> bool:
    """Say whether the alarm is of what others measure, or of a condition that names nothing but such signals."""
    if health.alarmed_by != Signal.CONDITION:
        return health.alarmed_by == Signal.METRIC
    named = [one.when for one in health.policy.conditions if one.name == health.alarmed_about]
    return not any(signal.startswith(OF_LEARNING) for when in named for signal in signals_of(when))
