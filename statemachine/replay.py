"""Replay: fold a history again, and check that every move in it was legal."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import orjson

from statemachine.events import StateChanged
from statemachine.evolve import evolve
from statemachine.health import ModelHealth
from statemachine.kinds import Event
from statemachine.machine import GATEKEEPER, Gatekeeper, gatekeeper_of
from statemachine.policies.policy import Policy
from statemachine.record.canonical import canonical
from statemachine.record.coding import UnknownEvent, decode
from statemachine.record.envelope import PayloadErased, RecordedEvent, Telling
from statemachine.words import Place

#: Fields of a health that the first release did not have: left out of its bytes while they say nothing.
LEFT_OUT = frozenset({"erasures", "legal_hold", "signals", "silent", "moved_row", "loss_told_row", "diagnosed_row"})
#: Fields that hold a place, which is written as its name.
PLACES = frozenset({"place", "returns_to"})
#: What is raised where a fold expects a name, a number or a list, and finds what was written past the store.
FOREIGN = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError)


class IllegalHistory(ValueError):
    """An event on record cannot have happened there: its move is not in the table, or it cannot be read."""

    def __init__(self, version: int, why: str) -> None:
        """Name the event by its version."""
        super().__init__(f"event {version}: {why}")
        self.version, self.why = version, why


def replay(history: Iterable[tuple[Event, int]], start: ModelHealth | None = None) -> ModelHealth:
    """Fold *history*, pairs of fact and time in microseconds, from *start* on, by the table of today.

    Raises:
        IllegalHistory: A move in it is one that the table does not know.
    """
    health = start or ModelHealth()
    for fact, occurred_us in history:
        health = _after(health, fact, occurred_us, GATEKEEPER)
    return health


def refold(health: ModelHealth, recorded: RecordedEvent) -> tuple[Event, ModelHealth]:
    """Give the fact of *recorded* and *health* after it, by the table of the machine that decided it.

    Raises:
        IllegalHistory: It cannot be read, its machine is unknown here, or the machine's table has no such move.
        PayloadErased: What it tells was erased.
    """
    try:
        machine = gatekeeper_of(recorded.machine_version)
        fact = fact_in(recorded)
        return fact, _after(health, fact, recorded.occurred_us, machine)
    except PayloadErased:
        raise
    except FOREIGN as error:
        raise _illegal(recorded, error) from error


def evolved(health: ModelHealth, telling: Telling) -> ModelHealth:
    """Give *health* after *telling*, whether or not its move was legal.

    Raises:
        PayloadErased: What it tells was erased.
        UnknownEvent: A later release has written it.
        IllegalHistory: It cannot be read, so somebody has written past the store.
    """
    try:
        return evolve(health, fact_in(telling), telling.occurred_us)
    except (PayloadErased, UnknownEvent):
        raise
    except FOREIGN as error:
        raise _illegal(telling, error) from error


def fact_in(recorded: RecordedEvent | Telling) -> Event:
    """Read what *recorded* tells, in the form of today.

    Raises:
        PayloadErased: It was erased.
        UnknownEvent: This release does not know such an event.
        IllegalHistory: It is no JSON, so somebody has written past the store.
    """
    if recorded.payload is None:
        raise PayloadErased(recorded.stream, recorded.version)
    try:
        told = orjson.loads(recorded.payload)
    except orjson.JSONDecodeError as error:
        raise IllegalHistory(recorded.version, f"what it tells cannot be read: {error}") from error
    return decode(recorded.type, recorded.schema, told)


def projection(health: ModelHealth) -> bytes:
    """Write *health* canonically: the bytes that the stored projection must equal."""
    return canonical(_as_json(health))


def restored(body: bytes) -> ModelHealth:
    """Read what `projection` has written: where a model stands whose events tell nothing any more."""
    told = orjson.loads(body)
    policy = Policy.from_json(told.pop("policy"))
    for part in (told, told.get("remediation") or {}):
        for name in PLACES & part.keys():
            state, _, phase = part[name].partition(".")
            part[name] = {"state": state, "phase": phase}
    return msgspec.structs.replace(msgspec.convert(told, ModelHealth), policy=policy)


def _as_json(value: object) -> object:
    """Give *value* as JSON types; structs by field name, places by name."""
    if isinstance(value, Place):
        return str(value)
    if isinstance(value, Policy):
        return value.to_json()
    if isinstance(value, msgspec.Struct):
        told = {name: getattr(value, name) for name in value.__struct_fields__}
        return {name: _as_json(one) for name, one in told.items() if one or name not in LEFT_OUT}
    if isinstance(value, tuple | list):
        return [_as_json(item) for item in value]
    if isinstance(value, dict):
        return {key: _as_json(item) for key, item in value.items()}
    return value


def _illegal(recorded: RecordedEvent | Telling, error: Exception) -> IllegalHistory:
    why = error.why if isinstance(error, IllegalHistory) else str(error) or type(error).__name__
    return IllegalHistory(recorded.version, why)


def _after(health: ModelHealth, fact: Event, occurred_us: int, machine: Gatekeeper) -> ModelHealth:
    if isinstance(fact, StateChanged):
        _check(health, fact, machine)
    return evolve(health, fact, occurred_us)


def _check(health: ModelHealth, fact: StateChanged, machine: Gatekeeper) -> None:
    if str(health.place) != fact.source:
        raise IllegalHistory(health.version + 1, f"the move starts in {fact.source}, the model stood in {health.place}")
    if (fact.source, fact.trigger, fact.dest) not in machine.legal_moves:
        raise IllegalHistory(
            health.version + 1, f"{fact.trigger} from {fact.source} to {fact.dest} is not in the table"
        )
