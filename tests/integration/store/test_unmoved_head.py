"""A commit whose last step fails, and the tree that had grown for it."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from remission_verify.merkle import root_of

from statemachine.record.envelope import leaf_hash
from store import Store, StoreError, migrate
from store.records import Head
from tests.fixtures.events import some_events
from tests.fixtures.work import appending
from tests.integration.store.conftest import Opening

HOLD = "CREATE TRIGGER held BEFORE UPDATE ON head BEGIN SELECT RAISE(ABORT, 'held'); END"


def said(file: Path, statement: str) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(statement)
        connection.commit()


def stands(store: Store) -> tuple[Head, str]:
    """Return the head, and the root over all events."""
    return store.read(lambda reader: (reader.head(), root_of([*map(leaf_hash, reader.all_events(0, 1_000))]).hex()))


@pytest.mark.parametrize("first", [1, 255, 300])
def test_a_head_that_could_not_be_moved_leaves_the_tree_as_it_was(tmp_path: Path, opened: Opening, first: int) -> None:
    file = tmp_path / "log.db"
    migrate.upgrade(f"sqlite:///{file}")
    store = opened(f"sqlite:///{file}")
    store.run(appending("a", 0, *some_events("a", first)))
    said(file, HOLD)
    with pytest.raises(StoreError):
        store.run(appending("lost", 0, *some_events("lost", 2)))

    said(file, "DROP TRIGGER held")
    store.run(appending("b", 0, *some_events("b", 3)))

    head, root = stands(store)
    assert (head.position, head.root) == (first + 3, root)
