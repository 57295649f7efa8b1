"""A reader that comes back with a place goes on just behind it, in the whole log and in one stream."""

from __future__ import annotations

from operator import methodcaller

import pytest

from statemachine.record.envelope import RecordedEvent
from store import Store, Unit
from tests.fixtures.events import some_events
from tests.fixtures.work import appending, page

STREAMS = ("a", "b", "a", "c", "a", "b", "a")
EACH = 3


@pytest.fixture
def mixed(store: Store) -> Store:
    """Give a log in which three streams take turns."""
    for turn, stream in enumerate(STREAMS):
        store.run(appending(stream, STREAMS[:turn].count(stream) * EACH, *some_events(f"t{turn}", EACH)))
    return store


def test_a_streams_version_at_a_place_counts_its_events_up_to_there(mixed: Store) -> None:
    log = mixed.read(page(0, 100))

    for position in range(len(log) + 2):
        for stream in ("a", "b", "c", "unknown"):
            before = sum(event.stream == stream for event in log[:position])
            assert mixed.read(methodcaller("version_at", stream, position)) == before


def test_a_place_before_the_log_has_no_version(mixed: Store) -> None:
    assert mixed.read(lambda reader: reader.version_at("a", -5)) == 0


def test_work_finds_the_places_that_it_has_written(store: Store) -> None:
    def work(unit: Unit) -> list[int]:
        unit.append("a", 0, some_events("x", 2))
        unit.append("b", 0, some_events("y", 1))
        return [unit.version_at("a", position) for position in range(5)] + [unit.version_at("b", 3)]

    assert store.run(work) == [0, 1, 2, 2, 2, 1]


@pytest.mark.parametrize("limit", [1, 2, 5, 100])
def test_reading_on_from_where_each_page_ended_gives_the_log_once(mixed: Store, limit: int) -> None:
    log = mixed.read(page(0, 100))
    seen: list[RecordedEvent] = []
    while more := mixed.read(page(seen[-1].position if seen else 0, limit)):
        seen += more

    assert tuple(seen) == log
