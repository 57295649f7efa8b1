"""Work that hides the database's error from the store cannot take with it what others have written beside it."""

from __future__ import annotations

import contextlib

import pytest

from store import StoreError, Timer, Unit, migrate
from store.answers import Answer
from tests.fixtures.postgres import Postgres
from tests.fixtures.work import keeping
from tests.integration.store.conftest import Opening

KEPT = Timer(stream="a", name="kept", due_us=1, visit=1)


@pytest.fixture
def url(postgres: Postgres) -> str:
    """Give a migrated database of the kind that ends a transaction in which a statement has failed."""
    address = postgres.new_database()
    migrate.upgrade(address)
    return address


def hide(unit: Unit) -> None:
    """Ask what the database refuses, and go on as if nothing were wrong."""
    with contextlib.suppress(StoreError):
        unit.timers_due(5, limit=-1)


def test_an_error_that_work_hides_is_told_to_it_and_to_nobody_else(url: str, opened: Opening) -> None:
    store = opened(url)
    answers: list[Answer[None]] = []

    def busy(unit: Unit) -> None:
        unit.head()
        answers[:] = [store.submit(keeping(KEPT)), store.submit(hide)]

    store.run(busy)

    assert answers[0].result() is None
    assert store.read(lambda reader: reader.timers("a")) == (KEPT,)
    with pytest.raises(StoreError):
        answers[1].result()
