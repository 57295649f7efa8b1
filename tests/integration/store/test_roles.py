"""The roles of docs/operating.md: the one that serves can do all its work, and nothing to what is on record."""

import re
from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest
from sqlalchemy import make_url

from store import (
    Checkpoint,
    ClearCheckpoint,
    ClearLease,
    ClearRequest,
    ClearTimer,
    Cursor,
    Evidence,
    FeedItem,
    Job,
    Lease,
    Projection,
    Route,
    Timer,
    Window,
    Write,
    migrate,
)
from tests.fixtures.events import some_events
from tests.fixtures.postgres import Postgres
from tests.fixtures.servers import ROOT
from tests.fixtures.work import keeping
from tests.integration.store.conftest import Opening

ROLE = "remission"
BODY = b"{}"
PROOF = "t"


def grants() -> list[str]:
    """Read the statements that the page tells the owner to run."""
    page = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    [block] = re.findall(r"```sql\n(.*?)```", page, re.DOTALL)
    return [line for line in block.splitlines() if line]


@pytest.fixture(scope="module")
def role(postgres: Postgres) -> Iterator[str]:
    """Give the role that serves, as long as no database needs it."""
    with psycopg.connect(postgres.uri, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {ROLE} LOGIN".encode())
        yield ROLE


@pytest.fixture(scope="module")
def granted_url(postgres: Postgres, role: str) -> str:
    """Give the address, as the role that serves, of a database that its owner has migrated and opened to it."""
    owner = postgres.new_database()
    migrate.upgrade(owner)
    with psycopg.connect(owner, autocommit=True) as connection:
        for statement in grants():
            connection.execute(statement.encode())
    return make_url(owner).set(username=role).render_as_string(hide_password=False)


def everything() -> list[Write]:
    """Give one row of each kind, and again those that are replaced."""
    evidence = Evidence(kind="k", body=BODY)
    once: list[Write] = [
        evidence,
        *(Checkpoint(epoch=1, size=size, root=PROOF, note=BODY, created_us=size) for size in (1, 2)),
        FeedItem(stream="a", seq=1, kind="rows", batch_id="b", first_row=0, row_count=1, watermark_us=1, body=BODY),
    ]
    again: list[Write] = [
        Projection(stream="a", version=1, state="s", phase="", automation="auto", body=BODY, updated_us=1),
        Timer(stream="a", name="x", due_us=1, visit=1),
        Route(stream="a", generation=1, body=BODY, issued_us=1),
        Job(job_id="j", stream="a", kind="train", status="queued", spec=BODY, created_us=1, visit=1),
        Lease(job_id="j", attempt=1, worker="w", token=PROOF, lease_until_us=1, heartbeat_us=1, progress=BODY),
        Cursor(stream="a", name="follower", seq=1, body=b""),
        Window(stream="a", epoch=0, kind="rows", idx=0, evidence_sha256=evidence.sha256, feed_seq=1),
    ]
    return [
        *once,
        *again,
        *again,
        ClearTimer(stream="a", name="x"),
        ClearLease(job_id="j"),
        ClearCheckpoint(epoch=1, size=1),
    ]


def test_the_role_that_serves_can_do_all_its_work(granted_url: str, opened: Opening) -> None:
    store = opened(granted_url)
    store.run(lambda unit: unit.append("a", 0, some_events("a", 2)))
    store.run(keeping(*everything()))
    store.run(lambda unit: unit.remember("r-1", "0" * 64, BODY))

    assert [event.version for event in store.read(lambda reader: reader.events("a"))] == [1, 2]
    assert store.read(lambda reader: reader.job("j")) is not None
    assert store.run(lambda unit: unit.answer("r-1", "0" * 64)) == BODY
    store.run(keeping(ClearRequest(request_id="r-1")))
    assert store.run(lambda unit: unit.answer("r-1", "0" * 64)) is None
    assert [one.size for one in store.read(lambda reader: reader.checkpoints(limit=9))] == [2]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET actor = 'forged'",
        "DELETE FROM events",
        "TRUNCATE events",
        "UPDATE events SET payload = payload_key",
        "UPDATE evidence SET kind = 'forged'",
        "DELETE FROM requests",
        "DELETE FROM checkpoints",
        "UPDATE feed SET body = ''",
        "ALTER TABLE events DISABLE TRIGGER ALL",
        "DROP TABLE events",
        "UPDATE alembic_version SET version_num = '9'",
        "INSERT INTO alembic_version VALUES ('9')",
    ],
)
def test_the_role_that_serves_can_do_nothing_to_what_is_on_record(granted_url: str, statement: str) -> None:
    with (
        closing(psycopg.connect(granted_url, autocommit=True)) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(statement.encode())
