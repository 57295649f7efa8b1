"""What is known of idle models goes when there are many, and a model of which it went goes on as if it had not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from server.service import Service
from server.watching.known import Watches
from server.watching.watch import Watch
from tests.fixtures.services import Feed, a_model, a_service

MODELS = ("a", "b", "c")


@pytest.fixture
def service() -> Iterator[Service]:
    """Give a service with three models."""
    with a_service() as made:
        for name in MODELS:
            made.create_model(a_model(name)).result()
        yield made


@pytest.fixture
def watch(service: Service) -> Watch:
    return service.do(lambda unit: service.desk.watch(unit, "a")).result()


def test_those_go_that_were_asked_for_longest_ago(watch: Watch) -> None:
    now_us = [0]
    known = Watches(lambda: now_us[0])
    for name in MODELS:
        known.put(name, watch)
    known.get("a")

    assert known.idle(1, 0) == ["b", "c"]
    assert known.idle(2, 0) == ["b"]
    assert known.idle(3, 0) == []


def test_none_goes_that_was_asked_for_lately_however_many_there_are(watch: Watch) -> None:
    now_us = [0]
    known = Watches(lambda: now_us[0])
    known.put("a", watch)
    now_us[0] = 5
    known.put("b", watch)
    now_us[0] = 10

    assert known.idle(0, 6) == ["a"]
    assert known.idle(0, 11) == []


def test_a_server_lets_go_of_no_more_than_is_over_the_bound(service: Service) -> None:
    for name in MODELS:
        Feed(service, name).rows(4)
    busy = service.desk.make_room(1)
    gone = service.desk.make_room(2, idle_us=0)

    assert (busy, gone, service.desk.known_models) == (0, 1, 2)
    assert service.make_room(2) == 0


def fed(service: Service, *, most: int) -> list[tuple[str, int, str]]:
    """Feed the models in turn, until one has declined; give the log."""
    feeds = {name: Feed(service, name) for name in MODELS}
    for step in range(8):
        for name, feed in feeds.items():
            ids = feed.rows(20, output=0.99 if name == "b" and step > 3 else 0.5)
            feed.labels(ids, 0.0)
            service.do(lambda _: service.desk.make_room(most, idle_us=0)).result()
    assert service.desk.known_models == min(most, len(MODELS))
    return [
        (one.event_id, one.version, one.payload.hex() if one.payload else "") for one in service.events("", 0, 1_000)
    ]


def test_a_model_whose_watch_went_goes_on_as_if_it_had_stayed(service: Service) -> None:
    with a_service() as other:
        for name in MODELS:
            other.create_model(a_model(name)).result()
        kept = fed(other, most=3)
    rebuilt = fed(service, most=1)

    assert rebuilt == kept
    assert "alarm_raised" in {one.type for one in service.events("b", 0, 1_000)}
