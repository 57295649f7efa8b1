"""The step that lets old answers and checkpoints go: above it a day's last checkpoint stays, below it all do."""

from __future__ import annotations

from contextlib import closing

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import IntegrityError

from store import Checkpoint, ClearCheckpoint, ClearRequest, migrate, open_store
from store.rules import DAY_US
from store.schema import EXPECTED
from tests.fixtures.events import ticking
from tests.fixtures.work import keeping
from tests.integration.store.conftest import Opening

BEFORE = "0005"
SIZES = (1, 2, 3)


def written(url: str) -> None:
    """Write an answer, and three checkpoints of two days."""
    with closing(open_store(url, clock_us=ticking())) as store:
        store.run(lambda unit: unit.remember("r", "hash", b"first"))
        store.run(keeping(*(Checkpoint(epoch=1, size=n, root="", note=b"", created_us=n * DAY_US // 2) for n in SIZES)))


def executed(url: str, statement: str) -> None:
    """Run a statement past the store, as the owner."""
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    try:
        with engine.begin() as connection:
            connection.execute(text(statement))
    finally:
        engine.dispose()


@pytest.mark.parametrize("statement", ["DELETE FROM checkpoints", "DELETE FROM checkpoints WHERE size = 1"])
def test_whoever_asks_the_database_keeps_the_last_checkpoint_of_each_day(url: str, statement: str) -> None:
    written(url)
    executed(url, "DELETE FROM checkpoints WHERE size = 2")  # the first of the second day

    with pytest.raises(IntegrityError, match="immutable: checkpoints"):
        executed(url, statement)


@pytest.mark.parametrize(
    "change", ["UPDATE checkpoints SET created_us = 0", "REPLACE INTO checkpoints SELECT * FROM checkpoints"]
)
def test_a_checkpoint_is_still_not_changed(url: str, change: str) -> None:
    written(url)
    if change.startswith("REPLACE") and url.startswith("postgresql"):
        change = "TRUNCATE checkpoints"

    with pytest.raises(IntegrityError, match=r"immutable: checkpoints|taken: checkpoints_pkey"):
        executed(url, change)


def test_below_the_step_no_checkpoint_goes(url: str) -> None:
    written(url)
    migrate.downgrade(url, BEFORE)

    with pytest.raises(IntegrityError, match="immutable: checkpoints"):
        executed(url, "DELETE FROM checkpoints WHERE size = 2")


def test_what_was_written_below_the_step_is_let_go_of_above_it(url: str, opened: Opening) -> None:
    written(url)
    migrate.downgrade(url, BEFORE)
    migrate.upgrade(url)
    assert migrate.current(url) == EXPECTED
    store = opened(url)
    store.run(keeping(ClearCheckpoint(epoch=1, size=2), ClearRequest(request_id="r")))

    assert [one.size for one in store.read(lambda reader: reader.checkpoints(limit=9))] == [3, 1]
    assert store.run(lambda unit: unit.answer("r", "hash")) is None
