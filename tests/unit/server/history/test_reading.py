"""Reading on behind a position gives the rest once, of one model or of all, in pages of any size."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from server.history import changes, reading
from server.history.changes import Changes
from server.service import Service
from statemachine.record.envelope import RecordedEvent
from tests.fixtures.asked import Asked
from tests.fixtures.jobs import WORKER
from tests.fixtures.services import a_model, a_service

TYPES = ("policy_changed", "state_changed")


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    """Three models whose events take turns."""
    with a_service() as made:
        for name in ("m", "n", "o"):
            made.create_model(a_model(name)).result()
        for turn in range(5):
            for name in ("m", "n"):
                made.update_model(name, "", f"owner-{turn}", None, None).result()
        made.start_retraining("m", "", "try", [], WORKER).result()
        made.operate("abort", "m", "", "", WORKER).result()
        yield made


def read_on(service: Service, model: str, size: int, types: tuple[str, ...]) -> list[RecordedEvent]:
    found: list[RecordedEvent] = []
    while page := service.events(model, found[-1].position if found else 0, size, types):
        found += page
    return found


@pytest.mark.parametrize("size", [1, 2, 3, 100])
@pytest.mark.parametrize("types", [(), TYPES])
@pytest.mark.parametrize("model", ["", "m", "n", "o"])
def test_pages_of_any_size_give_the_log_once(service: Service, model: str, types: tuple[str, ...], size: int) -> None:
    log = service.events("", 0, 1_000)
    wanted = [one for one in log if model in ("", one.stream) and (not types or one.type in types)]

    assert read_on(service, model, size, types) == wanted


def test_a_model_is_read_on_behind_the_event_of_another(service: Service) -> None:
    log = service.events("", 0, 1_000)

    for position in range(len(log) + 2):
        wanted = [one for one in log if one.stream == "n" and one.position > position]
        assert service.events("n", position, 1_000) == wanted


def test_a_model_that_is_not_there_has_no_events(service: Service) -> None:
    assert service.events("ghost", 0, 10) == []


def test_a_watcher_that_comes_late_folds_in_pages_what_others_folded_at_once(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once = service.store.read(lambda reader: Changes(0).following(reader, 1_000))
    monkeypatch.setattr(changes, "PAGE", 2)

    assert service.store.read(lambda reader: Changes(0).following(reader, 1_000)) == at_once != []


def test_where_the_log_ends_is_asked_once_for_all_whose_states_are_listed(service: Service) -> None:
    reader: Any = service.store.read(Asked)

    found = reading.state_views(service.desk, reader, "", 1_000).told

    assert [(one.model, one.position) for one in found] == [(name, service.position()) for name in ("m", "n", "o")]
    assert reader.counts["head"] == 1


def test_few_among_many_events_are_one_question(service: Service) -> None:
    reader: Any = service.store.read(Asked)

    found = reading.events(reader, "", 0, 2, ("state_changed",)), reading.events(reader, "", 0, 2, ("model_retired",))

    assert [[one.type for one in some] for some in found] == [["state_changed"] * 2, []]
    assert reader.counts == {"events_of": 2}


def test_who_watches_reads_changes_of_state_alone_and_is_told_where_the_log_ends(service: Service) -> None:
    reader: Any = service.store.read(Asked)
    watcher = Changes(0)

    watcher.following(reader, 1_000)

    assert watcher.position == service.position()
    assert reader.counts["events_of"] == 1
    assert reader.counts["all_events"] == 0
