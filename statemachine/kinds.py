"""What a fact is: its stored name, its schema, and what may be said of every fact of its kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from typing import Any, ClassVar, TypeVar


class Event:
    """A fact that happened to a model."""

    __slots__ = ()

    name: ClassVar[str]
    schema: ClassVar[int]
    volatile: ClassVar[bool]  #: left out of `log_sha256`: leases come and go with the workers
    decision: ClassVar[bool]  #: derived from recorded evidence, and derivable again


T = TypeVar("T", bound=Event)
REGISTRY: dict[str, type[Event]] = {}


def event(
    name: str, *, schema: int = 1, volatile: bool = False, decision: bool = False
) -> Callable[[type[T]], type[T]]:
    """Give a class the name, schema and kind under which its facts are stored."""

    def register(cls: type[T]) -> type[T]:
        cls.name, cls.schema, cls.volatile, cls.decision = name, schema, volatile, decision
        REGISTRY[name] = cls
        return cls

    return register


def volatile_field() -> Any:  # noqa: ANN401 - dataclasses.field is typed as the field's own type
    """Give a field that may differ between two equal runs."""
    return field(default="", metadata={"volatile": True})
