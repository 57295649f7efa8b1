"""What the clock asks with every tick costs SQLite as many steps in a log of years as in one of days."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path

import pytest
from sqlalchemy.dialects import sqlite

from store import Job, Lease, Timer, Write, migrate
from store.sql.statement import Statement
from store.sql.statements import Statements
from tests.fixtures.work import keeping
from tests.integration.store.conftest import Opening

FEW, MANY, NOW_US = 5, 500, 100
SAY = Statements(sqlite.dialect(paramstyle="named"))
ASKED = {"leases": SAY.leases, "timers": SAY.timers_due, "jobs": SAY.jobs_by_status}
VALUES = {"namespace": "default", "status": "leased", "now_us": NOW_US, "limit": 1_000}


def years(first: int, jobs: int) -> Iterable[Write]:
    """Give jobs that are over, whose leases stay on record, and timers that are due later."""
    for name in (f"m-{number:05}" for number in range(first, first + jobs)):
        yield Job(job_id=name, stream=name, kind="train", status="done", spec=b"{}", created_us=first, visit=1)
        yield Lease(job_id=name, attempt=1, worker="w", token="", lease_until_us=1 << 62, heartbeat_us=1)
        yield Timer(stream=name, name="silence", due_us=NOW_US + 1, visit=1)


def steps(file: Path, asked: Statement) -> int:
    """Count the steps of SQLite's machine that a question takes."""
    count = 0

    def step() -> int:
        nonlocal count
        count += 1
        return 0

    connection = sqlite3.connect(file)
    try:
        connection.set_progress_handler(step, 1)
        connection.execute(asked.text, {**asked.constants, **VALUES}).fetchall()
    finally:
        connection.close()
    return count


@pytest.mark.parametrize("asked", ASKED.values(), ids=ASKED.keys())
def test_what_is_over_or_not_yet_due_costs_a_tick_nothing(tmp_path: Path, opened: Opening, asked: Statement) -> None:
    file = tmp_path / "log.db"
    migrate.upgrade(f"sqlite:///{file}")
    store = opened(f"sqlite:///{file}")
    store.run(keeping(*years(0, FEW)))
    after_days = steps(file, asked)

    store.run(keeping(*years(FEW, MANY)))

    assert 0 < steps(file, asked) <= after_days
