"""One suite of promises, run against every kind of store."""

from collections.abc import Callable, Iterator
from itertools import count

import pytest

from store import Store, migrate, open_store
from tests.fixtures.events import ticking
from tests.fixtures.postgres import Postgres

_NUMBERS = count(1)

OpenStore = Callable[[], Store]


@pytest.fixture(scope="module", params=["memory", "sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Give the address of a database that is migrated and shared by the module's tests."""
    if request.param == "memory":
        return "memory://"
    if request.param == "sqlite":
        address = f"sqlite:///{tmp_path_factory.mktemp('store')}/log.db"
    else:
        server: Postgres = request.getfixturevalue("postgres")
        address = server.new_database()
    migrate.upgrade(address)
    return address


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """Give an empty store: each test has a namespace of its own."""
    opened = open_store(url, clock_us=ticking(), namespace=f"test-{next(_NUMBERS)}")
    yield opened
    opened.close()
