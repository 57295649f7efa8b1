"""Eight clients and a follower of one log, while a replica is killed and another frozen: nothing missed, nothing twice.

The same with 200,000 events is `make replicas`.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.replicas.run import REPLICAS, ROOT, run, serving
from store import migrate
from tests.fixtures.postgres import Postgres

EVENTS, FEW = 4_000, 1_600
#: A replica that holds the head is given up sooner than in earnest, so that the test is quick.
BOUND = "options=-c%20idle_in_transaction_session_timeout%3D1000"


def test_three_replicas_of_which_one_is_killed_and_one_frozen_lose_nothing_and_repeat_nothing(
    postgres: Postgres,
) -> None:
    url = postgres.new_database()
    migrate.upgrade(url)

    outcome = run(f"{url}{'&' if '?' in url else '?'}{BOUND}", EVENTS)

    assert outcome.accounts.faults() == []
    assert len(outcome.accounts.log) == EVENTS < len(outcome.accounts.appends)  # some were refused, as they must be
    assert 0 < outcome.killed_at < outcome.frozen_at < outcome.thawed_at <= len(outcome.accounts.log)
    assert len({page.replica for page in outcome.accounts.pages}) == REPLICAS


def test_the_one_server_of_a_file_is_killed_and_frozen_and_loses_nothing(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/log.db"
    migrate.upgrade(url)

    outcome = run(url, EVENTS)

    assert outcome.accounts.faults() == []
    assert len(outcome.accounts.log) == EVENTS < len(outcome.accounts.appends)  # some were refused, as they must be
    assert outcome.frozen_at == outcome.thawed_at > outcome.killed_at > 0


def test_a_second_server_of_one_file_is_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/log.db"
    migrate.upgrade(url)
    first = serving(url, str(tmp_path / "first"))
    try:
        with pytest.raises(RuntimeError, match="DatabaseInUse"):
            serving(url, str(tmp_path / "second"))
    finally:
        first.kill()
        first.communicate()


def test_a_follower_of_a_plain_sequence_misses_some(postgres: Postgres) -> None:
    """The control: what `position > last` gives where positions are handed out before they are committed."""
    found = subprocess.run(
        [sys.executable, "-m", "benchmarks.replicas.plain", postgres.new_database(), str(FEW)],
        cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip

    assert int(found.stdout) > 0
