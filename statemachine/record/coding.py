"""How facts are stored: written canonically, and read back in the form of their day."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, cast

from statemachine.events import StateChanged
from statemachine.kinds import REGISTRY, Event
from statemachine.record.canonical import canonical
from statemachine.record.upcasting import raised

LEASE_TRIGGERS = frozenset({"lease_job", "lose_lease"})


def payload_of(fact: Event) -> dict[str, Any]:
    """Give the fields of *fact* as they are stored."""
    return {f.name: getattr(fact, f.name) for f in fields(cast(Any, fact))}


def encode(fact: Event) -> bytes:
    """Write the payload of *fact* canonically."""
    return canonical(payload_of(fact))


def decode(name: str, schema: int, payload: dict[str, Any]) -> Event:
    """Read a stored payload back, the oldest form first: it is raised from schema to schema until it has today's.

    Raises:
        UnknownEvent: No event of that name and schema is known here.
        PayloadUnreadable: The payload has other fields than its schema says.
    """
    cls = REGISTRY.get(name)
    if cls is None or not 1 <= schema <= cls.schema:
        raise UnknownEvent(name, schema)
    try:
        return cls(**raised(name, schema, cls.schema, payload))
    except (TypeError, KeyError, AttributeError) as error:  # a field is missing, is too much, or is of another kind
        raise PayloadUnreadable(name, schema, str(error)) from error


def is_volatile(fact: Event) -> bool:
    """Say whether two equal runs may differ in having *fact* at all: leases come and go with the workers."""
    return fact.volatile or (isinstance(fact, StateChanged) and fact.trigger in LEASE_TRIGGERS)


def volatile_fields(fact: Event) -> tuple[str, ...]:
    """Name the fields that may differ between two equal runs."""
    return tuple(f.name for f in fields(cast(Any, fact)) if f.metadata.get("volatile"))


class UnknownEvent(ValueError):
    """The log holds an event that this release does not know."""

    def __init__(self, name: str, schema: int) -> None:
        """Name the event and its schema, and say what is known."""
        cls = REGISTRY.get(name)
        known = f"schemas 1 to {cls.schema} of it" if cls else ", ".join(sorted(REGISTRY))
        super().__init__(f"unknown event {name!r} of schema {schema}; known: {known}")
        self.name, self.schema = name, schema


class PayloadUnreadable(ValueError):
    """The payload of an event does not have the fields of its schema."""

    def __init__(self, name: str, schema: int, why: str) -> None:
        """Name the event, its schema, and what is wrong."""
        super().__init__(f"the payload is none of {name!r} of schema {schema}: {why}")
        self.name, self.schema = name, schema
