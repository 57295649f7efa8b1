"""Models whose record cannot be read: named with the reason, beside those that can."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from server.errors import ModelMissing
from statemachine.replay import FOREIGN
from store.errors import EvidenceAltered, EvidenceErased, EvidenceMissing, VaultMissing
from store.vault import KeyUnknown, SealBroken

T = TypeVar("T")

#: What is raised of one model whose record a later release has written, was altered or erased, or has lost its key.
#: That the database or the vault is away is none of these: then nothing can be told of any model.
OF_ONE_MODEL = (
    *(ModelMissing, EvidenceMissing, EvidenceErased, EvidenceAltered),
    *(VaultMissing, KeyUnknown, SealBroken),
    *FOREIGN,
)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A model that cannot be read, and why."""

    model: str
    error: Exception


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """A page of models by name: what is told of them, and those that cannot be read."""

    told: list[T]
    unreadable: list[Unreadable]
    last: str = ""  #: the name to go on behind; empty at the end


def listing(models: Iterable[str], limit: int, tell: Callable[[str], T | None]) -> Listing[T]:
    """Tell the first *limit* of *models*, readable or not; where *tell* gives None, a model is left out."""
    told: list[T] = []
    unreadable: list[Unreadable] = []
    for model in models:
        try:
            view = tell(model)
        except OF_ONE_MODEL as error:
            unreadable.append(Unreadable(model, error))
        else:
            told += [] if view is None else [view]
        if len(told) + len(unreadable) == limit:
            return Listing(told, unreadable, model)
    return Listing(told, unreadable)
