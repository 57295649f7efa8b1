"""How a model stood at a moment of its past: the fold of its log up to there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from server.errors import OutOfRecord, ThingMissing
from server.history import folding
from server.history.folding import Step
from server.views import StateView, state_of
from statemachine.health import ModelHealth
from statemachine.record.envelope import RecordedEvent
from store.ports import Readable

By = Literal["at_us", "version", "position"]


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant on the clock of the events, a version of the stream, or a position of the whole log."""

    by: By
    value: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """How a model stood, and the event that this follows from."""

    recorded: RecordedEvent
    health: ModelHealth

    @property
    def state(self) -> StateView:
        """The state, as it was."""
        return state_of(self.health, position=self.recorded.position)


def as_of(store: Readable, model: str, moment: Moment) -> Stand:
    """Fold the log of *model* up to *moment*.

    What counts is the last event before the first one that is later, so of events at one instant the last.

    Raises:
        ThingMissing: No event of such a model is on record.
        OutOfRecord: The moment lies before the model's first event; a version or position, behind the newest.
        IllegalHistory: The log up to there cannot be folded.
    """
    newest, head = store.read(lambda reader: (reader.version(model), reader.head().position))
    if not newest:
        raise ThingMissing("model", f"no model {model!r} is under watch; CreateModel registers one")
    _check_end(moment, newest, head)
    found: Step | None = None
    for step in folding.life(store, model, newest):
        if _OF[moment.by](step.recorded) > moment.value:
            break
        found = step
    if found is None:
        raise _before_the_first(store, model, moment, {"at_us": None, "version": newest, "position": head})
    return Stand(recorded=found.recorded, health=found.after)


def _before_the_first(store: Readable, model: str, moment: Moment, newest: dict[By, int | None]) -> OutOfRecord:
    (first,) = store.read(lambda reader: reader.events(model, 0, 1))
    what = "lies before the first event of the model"
    return OutOfRecord(moment.by, moment.value, _OF[moment.by](first), newest[moment.by], what)


def _check_end(moment: Moment, newest: int, head: int) -> None:
    if moment.by == "version" and moment.value > newest:
        raise OutOfRecord("version", moment.value, 1, newest, "is not reached yet")
    if moment.by == "position" and moment.value > head:
        raise OutOfRecord("position", moment.value, 1, head, "is not reached yet")


_OF: dict[By, Callable[[RecordedEvent], int]] = {
    "at_us": lambda event: event.occurred_us,
    "version": lambda event: event.version,
    "position": lambda event: event.position,
}
