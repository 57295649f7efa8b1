"""A model's log read page by page and folded event by event, in bounded memory, however long it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import NamedTuple

from statemachine.health import ModelHealth
from statemachine.kinds import Event
from statemachine.record.envelope import RecordedEvent
from statemachine.replay import refold
from store.ports import Readable, Reader

PAGE = 500  #: events that are read at once


class Step(NamedTuple):
    """One event, and the health before and after it."""

    recorded: RecordedEvent
    fact: Event
    before: ModelHealth
    after: ModelHealth


def pages(store: Readable, model: str, until: int) -> Iterator[tuple[RecordedEvent, ...]]:
    """Read the events of *model* with version <= *until*, by version. No transaction outlives a page."""
    for after in range(0, until, PAGE):
        page = store.read(partial(_page, model, after, min(after + PAGE, until)))
        if not page:  # versions are dense, so somebody has written past the store: do not count up to where
            yield store.read(partial(_page, model, after, until))
            return
        yield page


def events(store: Readable, model: str, until: int) -> Iterator[RecordedEvent]:
    """Read the events of *model* with version <= *until*, one after the other."""
    for page in pages(store, model, until):
        yield from page


def steps(recorded: Iterable[RecordedEvent], start: ModelHealth | None = None) -> Iterator[Step]:
    """Fold events that follow *start*.

    Raises:
        IllegalHistory: One cannot be read, or cannot have happened there.
        PayloadErased: What one tells was erased.
    """
    health = start or ModelHealth()
    for event in recorded:
        fact, after = refold(health, event)
        yield Step(recorded=event, fact=fact, before=health, after=after)
        health = after


def life(store: Readable, model: str, until: int | None = None) -> Iterator[Step]:
    """Fold the events of *model* with version <= *until*, without it all that are on record now; raises as `steps`."""
    return steps(events(store, model, version_of(store, model) if until is None else until))


def version_of(store: Readable, model: str) -> int:
    """Give the newest version of *model*; 0 where there is none."""
    return store.read(lambda reader: reader.version(model))


def _page(model: str, after: int, until: int, reader: Reader) -> tuple[RecordedEvent, ...]:
    return reader.events(model, after, until)
