"""Changes of state in the order of the log, each with the state that it led to."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from server.history.unreadable import OF_ONE_MODEL, Unreadable
from server.views import StateView, state_of
from statemachine.events import StateChanged
from statemachine.health import ModelHealth
from statemachine.record.envelope import RecordedEvent
from statemachine.replay import evolved, fact_in
from store.ports import Reader

PAGE = 500  #: events of one model that are read at once, however late a watcher comes


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """One change, and the state after it: not the present one, which may be further on."""

    position: int
    source: str
    trigger: str
    note: str
    state: StateView


@dataclass(frozen=True, slots=True, kw_only=True)
class Untold:
    """The first change of a model that cannot be told, and why. No watcher is told of one behind it."""

    position: int
    model: Unreadable


class Changes:
    """What one watcher has seen so far. It folds the log of each model once, however much it is shown."""

    def __init__(self, after_position: int, models: Collection[str] = ()) -> None:
        """Begin behind a position; *models* keeps it to these, none of them to all."""
        self.position = after_position
        self.has_caught_up = False  #: as far as the log reached at the last look
        self._models = frozenset(models)
        self._known: dict[str, ModelHealth] = {}
        self._unreadable: set[str] = set()

    def following(self, reader: Reader, limit: int) -> list[Changed | Untold]:
        """Give those of the next changes, at most *limit*, that are asked for, and move the position behind them.

        A model that cannot be read is named once, and keeps no other from being told.
        """
        page = reader.events_of((StateChanged.name,), self.position, limit)
        found = [self._told(reader, event) for event in page if self._is_watched(event)]
        self.has_caught_up = len(page) < limit
        self.position = page[-1].position if len(page) == limit else max(reader.head().position, self.position)
        return [one for one in found if one is not None]

    def _is_watched(self, event: RecordedEvent) -> bool:
        return event.payload is not None and (not self._models or event.stream in self._models)

    def _told(self, reader: Reader, event: RecordedEvent) -> Changed | Untold | None:
        if event.stream in self._unreadable:
            return None
        try:
            return self._changed(reader, event)
        except OF_ONE_MODEL as error:
            self._unreadable.add(event.stream)
            return Untold(position=event.position, model=Unreadable(event.stream, error))

    def _changed(self, reader: Reader, change: RecordedEvent) -> Changed:
        health = self._known.get(change.stream, ModelHealth())
        for after in range(health.version, change.version, PAGE):
            for telling in reader.tellings(change.stream, after, min(after + PAGE, change.version)):
                health = evolved(health, telling)
        self._known[change.stream] = health
        fact = fact_in(change)
        assert isinstance(fact, StateChanged)  # noqa: S101 - its type says so
        return Changed(
            position=change.position, source=fact.source, trigger=fact.trigger, note=fact.note,
            state=state_of(health, position=change.position),
        )  # fmt: skip
