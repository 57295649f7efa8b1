"""Every kind of vault, for the promises that all of them keep."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from store.vault import Vault, open_vault
from tests.fixtures.postgres import Postgres

#: Opens the vault of a test; all that one test opens are the same one.
Opening = Callable[..., Vault]


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def vault_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Give the address of a vault that was never opened."""
    if request.param == "postgresql":
        server: Postgres = request.getfixturevalue("postgres")
        return server.new_database()
    return "memory://" if request.param == "memory" else f"sqlite:///{tmp_path}/vault.db"


@pytest.fixture
def vault(vault_url: str) -> Iterator[Vault]:
    """Give an empty vault."""
    opened = open_vault(vault_url, clock_us=iter(range(1, 1_000_000)).__next__)
    yield opened
    opened.close()
