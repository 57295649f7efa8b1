"""Real databases, reached past the store."""

from collections.abc import Callable
from pathlib import Path

import pytest

from store import Store, migrate, open_store
from tests.fixtures.events import ticking
from tests.fixtures.postgres import Postgres

#: Opens a store that is closed at the end of the test.
Opening = Callable[[str], Store]


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Give the address of a database without a schema."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/log.db"
    server: Postgres = request.getfixturevalue("postgres")
    return server.new_database()


@pytest.fixture
def url(empty_url: str) -> str:
    """Give the address of a database that is migrated."""
    migrate.upgrade(empty_url)
    return empty_url


@pytest.fixture
def opened(request: pytest.FixtureRequest) -> Opening:
    """Open stores, and close them when the test ends."""

    def opening(url: str) -> Store:
        store = open_store(url, clock_us=ticking(), lock_timeout_ms=50)
        request.addfinalizer(store.close)
        return store

    return opening
