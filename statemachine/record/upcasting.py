"""Old forms of payloads: each becomes the next, one schema at a time, until it has the form of today.

What is on record never changes, and neither does a function here once a release has written its next schema. A change
of an event's fields is a new schema of it, a function from the one before, and a payload of each kept by the tests.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Payload = dict[str, Any]
Upcast = Callable[[Payload], Payload]  #: pure: gives the payload of the next schema, and leaves what it was given alone

#: By event and the schema that is left.
UPCASTS: dict[tuple[str, int], Upcast] = {}


class UpcastTaken(ValueError):
    """Two functions lead from one schema."""

    def __init__(self, name: str, from_schema: int) -> None:
        """Name the event and the schema that both leave."""
        super().__init__(f"{name!r}: two functions lead from schema {from_schema}; one is accepted")


class NoUpcast(ValueError):
    """No function leads from this schema to the next."""

    def __init__(self, name: str, from_schema: int) -> None:
        """Name the event and the schema."""
        super().__init__(f"{name!r}: nothing leads from schema {from_schema} to {from_schema + 1}")


def upcast(name: str, *, from_schema: int) -> Callable[[Upcast], Upcast]:
    """Let a function lead from *from_schema* of the event *name* to the next.

    Raises:
        UpcastTaken: Another does.
    """

    def register(function: Upcast) -> Upcast:
        if (name, from_schema) in UPCASTS:
            raise UpcastTaken(name, from_schema)
        UPCASTS[name, from_schema] = function
        return function

    return register


def upcast_policy(**from_schemas: int) -> Callable[[Upcast], Upcast]:
    """Let a function give the next form of a policy, in every event that holds one: `model_registered=1, …`.

    A policy has no schema of its own: its form is that of the events that it stands in.
    """

    def register(function: Upcast) -> Upcast:
        for name, from_schema in from_schemas.items():
            upcast(name, from_schema=from_schema)(lambda old: {**old, "policy": function(old["policy"])})
        return function

    return register


@upcast("diagnosis_made", from_schema=1)
def _diagnosis_made_1(old: Payload) -> Payload:
    """Nobody has noted how many rows were seen, and no incident was diagnosed anew."""
    return {**old, "at_row": 0, "instead_of": ""}


def raised(name: str, schema: int, newest: int, payload: Payload) -> Payload:
    """Give *payload*, which has *schema*, in the form of *newest*.

    Raises:
        NoUpcast: A step of the way is missing.
    """
    for step in range(schema, newest):
        if (name, step) not in UPCASTS:
            raise NoUpcast(name, step)
        payload = UPCASTS[name, step](payload)
    return payload
