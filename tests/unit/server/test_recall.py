"""A model is read again beside the writer; what came in between is read on, what holds no more is made anew."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from server.history.reading import state_views
from server.intake.admission import Intake
from server.recall import recalled
from server.service import Service
from server.settings import Settings
from server.watching.watch import Watch
from server.wiring import build
from store import Reader, migrate
from tests.fixtures.services import Feed, a_model, a_service
from tests.unit.server.test_unreadable import later


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = Settings(database=f"sqlite:///{tmp_path}/log.db", artifacts=str(tmp_path / "blobs"), clock="stream")
    migrate.upgrade(made.database)
    return made


@pytest.fixture
def service(settings: Settings) -> Iterator[Service]:
    """Give a service that has just started, and whose model `m` has rows and labels."""
    with closing(build(settings)) as before:
        before.create_model(a_model()).result()
        feed = Feed(before)
        feed.labels(feed.rows(25), 0.0)
    with closing(build(settings)) as started:
        yield started


def going_on(service: Service) -> Feed:
    """Give who sends on behind the rows that were there."""
    feed = Feed(service)
    feed.skip_to(service.state("m").row)
    return feed


def watch_of(service: Service) -> Watch:
    return service.do(lambda unit: service.desk.watch(unit, "m")).result()


def read_again(service: Service) -> tuple[Intake | None, Watch]:
    found = service.store.read(lambda reader: recalled(service.desk, reader, "m", Event()))
    assert found is not None
    assert found[1] is not None
    return found[0], found[1]


def known(service: Service) -> None:
    """Wait until the model is known by heart."""
    waiting = service.recall.of("m")
    assert waiting is not None
    waiting.result(30)


def log_of(service: Service) -> list[tuple[str, bytes | None]]:
    return [(one.event_id, one.payload) for one in service.events("m", 0, 1_000)]


def test_a_batch_finds_what_was_read_beside_the_writer(service: Service) -> None:
    before = service.desk.knows("m")
    known(service)
    made = watch_of(service)
    going_on(service).rows(10)

    assert (before, service.desk.knows("m"), service.recall.of("m")) == (False, True, None)
    assert watch_of(service) is made
    assert made.tape.end == 95


def test_what_came_in_between_is_read_on(service: Service) -> None:
    old = read_again(service)
    feed = going_on(service)
    feed.labels(feed.rows(20, output=0.99), 0.0)
    service.desk.forget("m")
    service.desk.adopt("m", *old)
    for _ in range(4):
        feed.labels(feed.rows(20, output=0.99), 0.0)

    with a_service() as other:
        other.create_model(a_model()).result()
        same = Feed(other)
        same.labels(same.rows(25), 0.0)
        for _ in range(5):
            same.labels(same.rows(20, output=0.99), 0.0)
        assert log_of(service) == log_of(other)
    assert watch_of(service) is old[1]
    assert "alarm_raised" in {one.type for one in service.events("m", 0, 1_000)}


def test_a_watch_that_does_not_hold_any_more_is_made_anew(service: Service) -> None:
    old = read_again(service)
    service.update_model("m", "", None, None, json.dumps({"windows": {"rows": 30}})).result()
    service.desk.forget("m")
    service.desk.adopt("m", *old)

    assert (old[1].window_rows, watch_of(service).window_rows) == (10, 30)


def laid_aside(service: Service) -> tuple[Intake, Watch]:
    """Have intake and watch laid aside, as where they have fallen far behind; give them."""
    going_on(service).rows(10)
    both = service.do(lambda unit: service.desk.intake(unit, "m")).result(), watch_of(service)
    service.desk.forget("m")
    for one in both:
        service.desk.aside.lay("m", one)
    return both


def intake_of(service: Service) -> Intake:
    return service.do(lambda unit: service.desk.intake(unit, "m")).result()


def test_what_was_laid_aside_is_read_on_once(settings: Settings, service: Service) -> None:
    intake, watch = laid_aside(service)
    known(service)

    assert (intake_of(service) is intake, watch_of(service) is watch) == (True, True)
    assert service.desk.aside.taken("m") == (None, None)
    service.close()
    with closing(build(settings)) as other:
        assert intake_of(other).row_of == intake.row_of
        assert watch_of(other).blocks == watch.blocks != []


def test_what_was_laid_aside_and_does_not_hold_any_more_is_made_anew(service: Service) -> None:
    intake, watch = laid_aside(service)
    service.update_model("m", "", None, None, json.dumps({"windows": {"rows": 30}})).result()
    service.desk.aside.taken("m")
    service.desk.forget("m")
    intake.erasures += 1
    for one in (intake, watch):
        service.desk.aside.lay("m", one)
    known(service)

    assert (intake_of(service) is intake, watch_of(service) is watch) == (False, False)
    assert watch_of(service).window_rows == 30


@pytest.mark.parametrize("part", [0, 1], ids=["intake", "watch"])
def test_what_is_known_is_not_read_again_for_the_sake_of_what_is_not(service: Service, part: int) -> None:
    both = laid_aside(service)
    service.desk.aside.taken("m")
    service.desk.adopt("m", *both)
    service.desk.forget("m")
    service.desk.aside.lay("m", both[part])
    service.desk.adopt("m", None if part == 0 else both[0], both[1] if part == 0 else None)
    found = service.store.read(lambda reader: recalled(service.desk, reader, "m", Event()))
    assert found is not None

    assert (found[part] is both[part], found[1 - part]) == (True, None)
    service.desk.adopt("m", *found)
    assert service.desk.knows("m")


def test_what_is_known_is_not_replaced(service: Service) -> None:
    old = read_again(service)
    going_on(service).rows(10)
    kept = watch_of(service)
    service.desk.adopt("m", *old)

    assert watch_of(service) is kept


def test_a_model_that_is_not_here_or_cannot_be_read_is_left_to_its_call(service: Service) -> None:
    service.create_model(a_model("broken")).result()
    later(service)
    service.desk.forget("broken")
    for name in ("broken", "nobody"):
        waiting = service.recall.of(name)
        assert waiting is not None
        waiting.result(30)

    assert not service.desk.knows("broken")
    assert not service.desk.knows("nobody")


class FoldedAlready:
    """Passes everything on to a reader, but for events."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def __getattr__(self, name: str) -> Any:
        assert name not in ("events", "tellings"), "the log is folded for who asks"
        return getattr(self._reader, name)


def told(service: Service) -> list[str]:
    """List the models, with no look at an event."""

    def asked(reader: Reader) -> list[str]:
        blind: Any = FoldedAlready(reader)
        return [one.model for one in state_views(service.desk, blind, "", 10).told]

    return service.store.read(asked)


def test_the_first_question_about_all_models_folds_nothing(settings: Settings, service: Service) -> None:
    service.create_model(a_model("n")).result()
    service.close()
    with closing(build(settings)) as started:
        with pytest.raises(AssertionError, match="folded for who asks"):
            told(started)

        assert (started.recall.fold_all(), told(started)) == (2, ["m", "n"])


def test_a_model_that_cannot_be_read_keeps_no_other_from_being_folded(service: Service) -> None:
    service.create_model(a_model("broken")).result()
    later(service)

    assert service.recall.fold_all() == 1
    service.recall.leave()
    assert service.recall.fold_all() == 0


def test_a_server_that_ends_does_not_wait_for_a_long_feed(service: Service) -> None:
    leaving = Event()
    leaving.set()

    assert service.store.read(lambda reader: recalled(service.desk, reader, "m", leaving)) is None
    service.recall.close()
    assert service.recall.of("m") is None
