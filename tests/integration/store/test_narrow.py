"""What a column cannot hold is refused by name, however many rows go to the database with it; nothing is cut to fit."""

from __future__ import annotations

import msgspec
import pytest

from statemachine.record.envelope import NewEvent
from store import DatabaseFault, Unit, migrate
from store.answers import Answer
from tests.fixtures.events import an_event, some_events
from tests.fixtures.postgres import Postgres
from tests.fixtures.work import appending
from tests.integration.store.conftest import Opening


@pytest.fixture
def url(postgres: Postgres) -> str:
    """Give a migrated database of the kind that knows how wide a number is."""
    address = postgres.new_database()
    migrate.upgrade(address)
    return address


@pytest.mark.parametrize("beside", [0, 2], ids=["alone", "among others"])
@pytest.mark.parametrize(
    "too_much", [{"schema": 2**40}, {"policy_version": 2**63}, {"actor": "a\0b"}], ids=["narrow", "wide", "text"]
)
def test_what_a_column_cannot_hold_is_refused(
    url: str, opened: Opening, too_much: dict[str, int | str], beside: int
) -> None:
    store = opened(url)
    bad: NewEvent = msgspec.structs.replace(an_event("bad"), **too_much)
    answers: list[Answer[object]] = []

    def busy(unit: Unit) -> None:
        unit.head()
        works = [appending("bad", 0, bad), *(appending(one.event_id, 0, one) for one in some_events("good", beside))]
        answers[:] = [store.submit(work) for work in works]

    store.run(busy)

    assert [type(answer.exception()) for answer in answers] == [DatabaseFault, *[type(None)] * beside]
    assert store.read(lambda reader: (reader.version("bad"), len(reader.all_events(0, 9)))) == (0, beside)
