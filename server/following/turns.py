"""Turns: what the clock begins, model by model, so that one that fails keeps no other from its turn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from store.answers import Answer

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Turn(Generic[T]):
    """Work on one model that has begun."""

    model: str
    done: Answer[T]

    def result(self) -> T:
        """Give what came of it, once it is durable; raise what it has failed with."""
        return self.done.result()

    def exception(self) -> BaseException | None:
        """Give what it has failed with, if it has."""
        return self.done.exception()
