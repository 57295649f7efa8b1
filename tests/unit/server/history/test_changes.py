from __future__ import annotations

from collections.abc import Iterator

import pytest

from server.history import folding
from server.history.changes import Changed, Changes
from server.history.replaying import Replay
from server.requests import MetricsBatch, Point
from server.service import Service
from tests.fixtures.services import a_model, a_service

NORMAL, LASTING = [0.1] * 12, [0.5] * 12


def send(service: Service, model: str, start: int, values: list[float]) -> None:
    points = [
        Point(name="rate", time_us=1_000_000 * (start + i), value=value, higher_is_worse=True, tolerance=0.2)
        for i, value in enumerate(values)
    ]
    service.ingest_metrics(MetricsBatch(model=model, request_id=f"at-{start}", points=points)).result()


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    """Two models that fell ill by their metrics."""
    with a_service() as made:
        for name in ("m", "n"):
            made.create_model(a_model(name)).result()
            send(made, name, 1, NORMAL)
            send(made, name, 100, LASTING)
        yield made


def seen(service: Service, watcher: Changes, limit: int = 1_000) -> list[Changed]:
    found = service.store.read(lambda reader: watcher.following(reader, limit))
    told = [one for one in found if isinstance(one, Changed)]
    assert len(told) == len(found)
    return told


def test_each_change_comes_with_the_state_that_it_led_to(service: Service) -> None:
    found = seen(service, Changes(0, ["m"]))

    assert [one.trigger for one in found][:2] == ["raise_alarm", "confirm_decline"]
    assert [one.state.state for one in found][:2] == ["suspect", "degraded"]
    assert [one.state.position for one in found] == [one.position for one in found]
    assert found[-1].state.version <= service.state("m").version


def test_reading_on_from_any_position_gives_the_rest_and_nothing_twice(service: Service) -> None:
    whole = seen(service, Changes(0))

    for at, one in enumerate(whole):
        assert seen(service, Changes(one.position)) == whole[at + 1 :]


def test_small_steps_see_what_one_large_step_sees(service: Service) -> None:
    watcher, found = Changes(0), []
    position = -1
    while watcher.position != position:
        position = watcher.position
        found += seen(service, watcher, limit=1)

    assert found == seen(service, Changes(0))
    assert {one.state.model for one in found} == {"m", "n"}


def test_a_replay_ends_where_the_stored_state_stands(service: Service) -> None:
    replay = Replay(service.store, "m")
    steps = [step for page in replay.pages() for step in page]

    assert (replay.difference, replay.broken) == ("", "")
    assert replay.end.version == replay.events == len(steps) == service.state("m").version


def test_a_replay_of_nothing_differs_from_nothing_stored(service: Service) -> None:
    replay = Replay(service.store, "ghost")

    assert list(replay.pages()) == []
    assert replay.difference != ""


def test_a_replay_reads_a_page_at_a_time(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folding, "PAGE", 3)
    replay = Replay(service.store, "m")
    coming = replay.pages()
    pages = [next(coming)]
    folded = replay.events
    pages += coming

    assert folded == 3
    assert {len(page) for page in pages[:-1]} == {3}
    assert [step.recorded.version for page in pages for step in page] == list(range(1, replay.events + 1))
    assert replay.difference == ""
