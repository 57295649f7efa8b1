"""What is too old goes in small pieces of work, and what is asked again then has no second effect on a feed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import numpy as np
import pytest

from server import clockwork
from server.clock import wall_us
from server.clockwork import Clockwork
from server.errors import IdReused, Invalid
from server.privacy.steadiness import SET_US
from server.requests import LabelsBatch
from server.service import Service
from server.settings import Settings
from server.trimming import BATCH, DAY_US, Trimmer
from server.wiring import build
from store import Checkpoint, migrate
from tests.fixtures.services import Feed, a_model
from tests.fixtures.work import keeping

LATER_US = 91 * DAY_US


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = Settings(database=f"sqlite:///{tmp_path}/log.db", artifacts=str(tmp_path / "blobs"))
    migrate.upgrade(made.database)
    return made


@pytest.fixture
def service(settings: Settings) -> Iterator[Service]:
    with closing(build(settings)) as started:
        yield started


def trimmer(service: Service, answers_days: int = 90, *, thin: bool = True) -> Trimmer:
    made = Trimmer(service.store, service.do, answers_days, thin=thin)
    made.begin(wall_us() + LATER_US)
    return made


def steps(made: Trimmer) -> list[int]:
    """Step until nothing goes any more."""
    return list(iter(made.step, 0))


def answered(service: Service) -> int:
    return len(service.store.read(lambda reader: reader.requests("", 10_000)))


def asked(service: Service, count: int) -> None:
    for number in range(count):
        service.store.submit(lambda unit, number=number: unit.remember(f"r-{number}", "0" * 64, b""))  # type: ignore[misc]  # bound
    service.store.run(lambda _: None)


def signed(service: Service, count: int) -> None:
    at_us = wall_us()
    rows = [Checkpoint(epoch=1, size=size, root="", note=b"", created_us=at_us) for size in range(1, count + 1)]
    service.store.run(keeping(*rows))


def test_a_piece_of_work_is_small_and_everything_goes(service: Service) -> None:
    asked(service, 2 * BATCH + 3)
    signed(service, BATCH + 5)

    found = steps(trimmer(service))

    assert found == [2 * BATCH, BATCH + 4, 3]
    assert answered(service) == 0
    assert len(service.store.read(lambda reader: reader.checkpoints(limit=99))) == 1


def test_once_all_is_done_nothing_is_looked_at_until_it_begins_again(service: Service) -> None:
    made = trimmer(service)
    steps(made)
    asked(service, 1)

    assert steps(made) == []
    made.begin(wall_us() + LATER_US)
    assert steps(made) == [1]


def test_nothing_goes_that_is_to_be_kept(service: Service) -> None:
    asked(service, 3)
    signed(service, 3)
    young = Trimmer(service.store, service.do, 90, thin=True)
    young.begin(wall_us())
    ever = trimmer(service, 0, thin=False)

    assert (steps(young), steps(ever), bool(ever)) == ([], [], False)
    assert answered(service) == 3


def test_what_failed_is_done_with_the_next_step(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    asked(service, 3)
    made = trimmer(service)
    with monkeypatch.context() as broken:
        broken.setattr(service.store, "submit", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            made.step()

    assert steps(made) == [3]


def test_rows_that_are_sent_again_when_their_answer_is_gone_are_not_taken_twice(service: Service) -> None:
    service.create_model(a_model()).result()
    batch = Feed(service).a_batch(5)
    service.ingest(batch).result()
    steps(trimmer(service))

    with pytest.raises(Invalid, match="was ingested before, as row 60"):
        service.ingest(batch).result()


def test_labels_that_are_sent_again_when_their_answer_is_gone_are_known(service: Service) -> None:
    service.create_model(a_model()).result()
    ids = Feed(service).rows(5)
    first = LabelsBatch(model="m", batch_id="l-1", ids=ids[:3], values=np.ones(3), times_us=np.full(3, wall_us()))
    other = LabelsBatch(model="m", batch_id="l-1", ids=ids[3:], values=np.ones(2), times_us=np.full(2, wall_us()))
    service.ingest_labels(first).result()
    steps(trimmer(service))

    with pytest.raises(IdReused, match="batch_id: 'l-1' was used before"):
        service.ingest_labels(other).result()
    again = service.ingest_labels(first).result()
    assert (again.accepted, again.repeated) == (0, 3)


@pytest.mark.parametrize("by_us", [0, 2 * SET_US], ids=["steady", "set"])
def test_the_clock_begins_it_behind_an_hour_in_which_nobody_has_set_it(
    settings: Settings, service: Service, monkeypatch: pytest.MonkeyPatch, by_us: int
) -> None:
    asked(service, 3)
    passed = [0, 0]
    monkeypatch.setattr(clockwork, "steady_us", lambda: wall_us() + passed[0])
    monkeypatch.setattr(clockwork, "wall_us", lambda: wall_us() + passed[1])
    works = Clockwork(service, settings, None)
    asyncio.run(works.tick())
    at_once = answered(service)
    passed[:] = [LATER_US, LATER_US + by_us]
    asyncio.run(works.tick())

    assert (at_once, answered(service)) == (3, 3 if by_us else 0)


def test_a_server_on_the_clock_of_its_streams_lets_nothing_go(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_streams = msgspec.structs.replace(settings, clock="stream")
    with closing(build(of_streams)) as service:
        asked(service, 3)
        passed_us = [0]
        for name in ("steady_us", "wall_us"):
            monkeypatch.setattr(clockwork, name, lambda: wall_us() + sum(passed_us))
        works = Clockwork(service, of_streams, None)
        passed_us.append(LATER_US)
        asyncio.run(works.tick())

        assert answered(service) == 3
