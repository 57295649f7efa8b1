"""Changes of state in the order of the log, each with the state that it led to."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from server.history import reading
from server.views import StateView, state_of
from statemachine.evolve import evolve
from statemachine.health import ModelHealth
from statemachine.replay import fact_in
from store.ports import Reader

PAGE = 500  #: events of one model that are read at once, however late a watcher comes


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """One change, and the state after it: not the present one, which may be further on."""

    change: reading.Change
    state: StateView


class Changes:
    """What one watcher has seen so far. It folds the log of each model once, however much it is shown."""

    def __init__(self, after_position: int, models: Collection[str] = ()) -> None:
        """Begin behind a position; *models* keeps it to these, none of them to all."""
        self.position = after_position
        self._models = frozenset(models)
        self._known: dict[str, ModelHealth] = {}

    def following(self, reader: Reader, limit: int) -> list[Changed]:
        """Give those of the next changes, at most *limit*, that are asked for, and move the position behind them."""
        found, self.position = reading.changes(reader, self.position, limit)
        return [self._changed(reader, one) for one in found if not self._models or one.model in self._models]

    def _changed(self, reader: Reader, change: reading.Change) -> Changed:
        health = self._known.get(change.model, ModelHealth())
        for after in range(health.version, change.version, PAGE):
            for recorded in reader.events(change.model, after, min(after + PAGE, change.version)):
                health = evolve(health, fact_in(recorded), recorded.occurred_us)
        self._known[change.model] = health
        return Changed(change=change, state=state_of(health, position=change.position))
