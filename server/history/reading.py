"""Questions about models, answered from the fold of their logs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import orjson

from server.desk import Desk
from server.history.unreadable import Listing, listing
from server.history.unwatched import unwatched
from server.views import ModelView, StateView, declared_now, state_of
from statemachine.health import ModelHealth
from statemachine.record.envelope import RecordedEvent
from statemachine.replay import FOREIGN, restored
from statemachine.words import RETIRED
from store.ports import Reader
from store.records import Projection

PAGE = 1_000  #: models that are read at once
LOOK_BACK = 50  #: events that are read at once in search of the latest change


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """A state, and what of it stands in no fold."""

    state: StateView
    onset_us: int  #: since when an open incident is suspected; 0 where that is not known
    note: str  #: what the latest change of state says beside its reason


def state_view(desk: Desk, reader: Reader, model: str) -> StateView:
    """Tell the state of *model*."""
    return _state(desk, reader, model, reader.head().position)


def _state(desk: Desk, reader: Reader, model: str, position: int) -> StateView:
    health = desk.as_committed(reader, model)
    return state_of(health, row=reader.feed_head(model).next_row, position=position)


def explained(desk: Desk, reader: Reader, model: str) -> Explained:
    """Tell the state of *model*, and what people ask who are called."""
    view = state_view(desk, reader, model)
    row = view.concern.onset_row if view.concern else -1
    items = reader.feed_rows(model, row, row + 1) if row >= 0 else ()
    return Explained(
        state=view, onset_us=items[0].watermark_us if items else 0, note=_latest_note(reader, model, view.version)
    )


def _latest_note(reader: Reader, model: str, version: int) -> str:
    """Give what the latest change of state says; nothing where there was none, or where it is erased."""
    for until in range(version, 0, -LOOK_BACK):
        for event in reversed(reader.events(model, max(until - LOOK_BACK, 0), until)):
            if event.type == "state_changed":
                return str(orjson.loads(event.payload or b"{}").get("note", ""))
    return ""


def stored_view(desk: Desk, reader: Reader, model: str) -> StateView:
    """Tell the state of *model* as it is stored, without a fold; nothing of it where somebody has altered it."""
    found = reader.projection(model)
    if found is None:
        return state_view(desk, reader, model)
    try:
        health = restored(found.body)
    except FOREIGN:
        health = ModelHealth()
    return state_of(health, row=reader.feed_head(model).next_row, position=reader.head().position)


def state_views(desk: Desk, reader: Reader, after: str, limit: int) -> Listing[StateView]:
    """Tell the states of models by name, from behind *after*; how far the log reaches is the same for all of them."""
    position = reader.head().position
    return listing(_behind(reader, after, limit), limit, lambda model: _state(desk, reader, model, position))


def model_view(desk: Desk, reader: Reader, model: str) -> ModelView:
    """Tell what *model* is."""
    health = desk.as_committed(reader, model, "name")
    first, policy = reader.events(model, 0, 1)[0], health.policy.to_json()
    return ModelView(
        name=model,
        owner=health.owner,
        purpose=health.purpose,
        schema=orjson.loads(reader.evidence(health.features_sha256)),
        outcomes=health.outcomes,
        template=health.template,
        champion=health.champion,
        label_delay_rows=health.label_delay_rows,
        policy=policy,
        policy_version=health.policy_version,
        reference_rows=health.reference_rows,
        retired=health.place == RETIRED,
        create_time_us=first.occurred_us,
        seed=health.seed,
        version=health.version,
        signals=declared_now(health),
        unwatched=unwatched(policy, first),
    )


def model_views(desk: Desk, reader: Reader, after: str, limit: int, *, include_retired: bool) -> Listing[ModelView]:
    """Tell models by name, from behind *after*."""

    def told(model: str) -> ModelView | None:
        view = model_view(desk, reader, model)
        return view if include_retired or not view.retired else None

    return listing(_behind(reader, after, limit), limit, told)


def manifest(desk: Desk, reader: Reader, model: str, version: str) -> str:
    """Find the manifest of a version; empty where its bytes were never kept."""
    health = desk.as_committed(reader, model, "version.model")
    return health.manifests.get(version, "")


def names(reader: Reader) -> list[str]:
    """Name every model."""
    return [one.stream for one in stored(reader)]


def stored(reader: Reader, after: str = "", size: int = PAGE) -> Iterator[Projection]:
    """Give the stored states of models behind *after*, by name, read in pages of *size*."""
    while page := reader.projections(after, size):
        yield from page
        after = page[-1].stream


def _behind(reader: Reader, after: str, size: int) -> Iterator[str]:
    return (one.stream for one in stored(reader, after, size))


def events(reader: Reader, model: str, after_position: int, limit: int, types: tuple[str, ...]) -> list[RecordedEvent]:
    """Read at most *limit* events behind a position, of one model or of all, of some types or of all."""
    if types and not model:
        return list(reader.events_of(types, after_position, limit))  # the log of all may hold few of them
    found: list[RecordedEvent] = []
    for page in _pages(reader, model, after_position, limit):
        found += [event for event in page if not types or event.type in types]
        if len(found) >= limit:
            break
    return found[:limit]


def _pages(reader: Reader, model: str, after_position: int, limit: int) -> Iterator[Sequence[RecordedEvent]]:
    """Read on behind a position; a model's own stream is read alone, however much others have written in between."""
    version = reader.version_at(model, after_position) if model else 0
    while True:
        page = reader.events(model, version, version + limit) if model else reader.all_events(after_position, limit)
        if not page:
            return
        yield page
        version, after_position = page[-1].version, page[-1].position
