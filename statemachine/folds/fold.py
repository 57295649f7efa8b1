"""A fold: what a model's health is after one fact, which happened at a time in microseconds."""

from collections.abc import Callable, Mapping
from typing import Any

from statemachine.health import ModelHealth
from statemachine.kinds import Event

Fold = Callable[[ModelHealth, Any, int], ModelHealth]
Folds = Mapping[type[Event], Fold]
