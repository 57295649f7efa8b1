"""Judges the conditions of a policy on signals as they stood at the end of each window.

Conditions are in the Common Expression Language, of which `statemachine.policies.grammar` accepts a part that always
ends. A signal that could not be told makes a condition that names it not known: neither true nor false.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cache, lru_cache
from importlib.metadata import version
from typing import Any

from statemachine.policies.conditions import signals_of
from statemachine.policies.grammar import KEPT
from statemachine.policies.sections import Condition

Signals = Mapping[str, float | None]
LIBRARY = "common-expression-language"
ALARMING, ACCEPTING = ("suspect", "escalate"), ("accept",)  #: what follows from a condition
HOLDS, FAILS, OPEN = "holds", "fails", "open"
OF_METRIC = re.compile(r'metric\["(?P<series>[^"]+)"\]\.(?P<part>\w+)')


# The version is read from a file of the installation, once: it does not change while a process lives.
@cache
def engine() -> str:
    """Name what evaluates, and its version: they stand in the evidence."""
    return f"{LIBRARY} {version(LIBRARY)}"


def holds(expression: str, signals: Signals) -> bool | None:
    """Say whether *expression* is true of *signals*; None where one that it names is not known, or none can say.

    >>> holds("loss.up > 0.1", {"loss.up": 0.25}), holds("loss.up > 0.1", {"loss.up": None})
    (True, None)
    """
    values = {name: signals.get(name) for name in signals_of(expression)}
    known = {name: float(value) for name, value in values.items() if value is not None}
    if len(known) < len(values):
        return None
    try:
        return bool(_program(expression)(_nested(known)))
    except TypeError:  # types were checked: what the library cannot order is no number, such as 0.0 / 0.0
        return None


def stands(condition: Condition, looks: Sequence[Signals]) -> str:
    """Say whether *condition* has held for as long as it must, cannot have, or whether that is open."""
    of, at_least = condition.persistence.of, condition.persistence.at_least
    found = [holds(condition.when, signals) for signals in looks[-of:]]
    if found.count(True) >= at_least:
        return HOLDS
    return FAILS if found.count(False) > of - at_least else OPEN


def first(conditions: Iterable[Condition], then: Collection[str], looks: Sequence[Signals]) -> Condition | None:
    """Give the first of *conditions* from which one of *then* follows, and which has held for as long as it must."""
    return next((one for one in conditions if one.then in then and stands(one, looks) == HOLDS), None)


def signals_in(inputs: Mapping[str, Any]) -> list[Signals]:
    """Give the signals of each window that is on record, the latest last."""
    return [one["signals"] for one in inputs["looks"]]


def named(conditions: Iterable[Condition], name: str, then: Collection[str]) -> Condition | None:
    """Give the condition of that name, if the policy still has it and it still means this."""
    return next((one for one in conditions if one.name == name and one.then in then), None)


def verdict(inputs: Mapping[str, Any], conditions: Iterable[Condition]) -> str:
    """Say how the condition that raised an alarm stands; one that the policy has no more fails."""
    condition = named(conditions, inputs["subject"], ALARMING)
    return FAILS if condition is None else stands(condition, signals_in(inputs))


# The library costs a sixth of a second to load, which nobody pays whose policies have no conditions.
@lru_cache(KEPT)
def _program(expression: str) -> Callable[[dict[str, Any]], object]:
    import cel  # noqa: PLC0415 - see above

    return cel.compile(expression).execute


def _nested(signals: Mapping[str, float]) -> dict[str, Any]:
    """Give signals as the language reads their names.

    >>> _nested({"loss.up": 0.5, 'metric["p99"].value': 2.0, "rows": 3.0})
    {'loss': {'up': 0.5}, 'metric': {'p99': {'value': 2.0}}, 'rows': 3.0}
    """
    made: dict[str, Any] = {}
    for name, value in signals.items():
        found = OF_METRIC.fullmatch(name)
        *path, last = ("metric", found["series"], found["part"]) if found else name.split(".")
        place = made
        for step in path:
            place = place.setdefault(step, {})
        place[last] = value
    return made
