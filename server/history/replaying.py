"""A model's log folded again, as far as it can be, beside the state that is stored; in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from server.history import folding
from server.history.beside import Said, Stored
from server.history.folding import Step
from server.views import StateView, state_of
from statemachine.health import ModelHealth
from statemachine.record.chain import Chain
from statemachine.record.envelope import RecordedEvent
from statemachine.replay import projection
from store.ports import Readable


class Replay:
    """One replay of *model*: go through its pages, then ask what it came to.

    *difference* and *broken* are the first things that are wrong with the fold, or with the timers and routes that
    follow from it, and with the chain; empty when nothing is.
    """

    def __init__(self, store: Readable, model: str) -> None:
        """Take note of what is stored now. What is recorded later is no part of this replay."""
        self._store, self._model, self._chain = store, model, Chain()
        self._stored, self._said = store.read(lambda reader: Stored.of(reader, model)), Said()
        self.end, self.events, self.position = ModelHealth(), 0, 0
        self.difference = self.broken = ""

    def pages(self) -> Iterator[list[Step]]:
        """Fold page by page. A history that cannot be folded ends there, and the chain is checked to its end."""
        for page in folding.pages(self._store, self._model, self._stored.until):
            for event in page:
                self.broken = self.broken or next(self._chain.faults(event), "")
            yield [] if self.difference else self._folded(page)
        stored = self._stored.projection.body if self._stored.projection else b"{}"
        self.difference = self.difference or _difference(projection(self.end), stored)
        self.difference = self.difference or next(self._said.faults(self._stored), "")

    @property
    def replayed(self) -> StateView:
        """Where the events lead."""
        return state_of(self.end, position=self.position)

    def _folded(self, page: tuple[RecordedEvent, ...]) -> list[Step]:
        taken: list[Step] = []
        try:
            for step in folding.steps(page, self.end):
                taken.append(step)
                self._said.take(step)
                self.end, self.position = step.after, step.recorded.position
        except ValueError as error:  # a move that is illegal, or a payload that cannot be read
            self.difference = str(error)
        self.events += len(taken)
        return taken


def _difference(ours: bytes, stored: bytes) -> str:
    if ours == stored:
        return ""
    left: dict[str, Any] = orjson.loads(ours)
    right: dict[str, Any] = orjson.loads(stored)
    for name in sorted(left.keys() | right.keys()):
        if left.get(name) != right.get(name):
            return f"{name}: replayed {left.get(name)!r}, stored {right.get(name)!r}"
    return "the same values, written differently"
