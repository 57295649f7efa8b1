"""A server beside a database that a later release has migrated: it writes nothing, says why, and none starts there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import grpc
import psycopg
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from remission import Client
from remission.v1 import operations_pb2, operations_pb2_grpc

from store.schema import EXPECTED
from tests.fixtures.postgres import Postgres
from tests.fixtures.servers import ROOT, start
from tests.integration.server import marked

FREEZE = operations_pb2.FreezeRequest(request_id="f-1", model="m", reason="a drill")


def moved_to(database: str, revision: str) -> None:
    with psycopg.connect(database) as connection:
        connection.execute("UPDATE alembic_version SET version_num = %s", (revision,))


def frozen(target: str) -> None:
    with grpc.insecure_channel(target) as channel:
        operations_pb2_grpc.OperationsServiceStub(channel).Freeze(FREEZE, timeout=30)


def reason_of(error: Any) -> str:
    info = error_details_pb2.ErrorInfo()
    status = rpc_status.from_call(error)
    assert status is not None
    return next(str(info.reason) for one in status.details if one.Unpack(info))


def test_a_running_server_refuses_to_write_beside_a_later_schema_and_goes_on_when_it_is_back(
    tmp_path: Path, postgres: Postgres
) -> None:
    database = postgres.new_database()
    server = start(tmp_path, database=database)
    with Client(server.target) as client:
        client.create_model(marked.a_model(), marked.a_past())
        before = list(client.history("m"))
        moved_to(database, "9999")
        with pytest.raises(grpc.RpcError, match=f"found 9999, expected {EXPECTED}") as caught:
            frozen(server.target)
        during = list(client.history("m"))
        moved_to(database, EXPECTED)
        frozen(server.target)
        proved = client.audit.verify()
    server.stop()

    assert caught.value.code() == grpc.StatusCode.UNAVAILABLE
    assert reason_of(caught.value) == "WRONG_SCHEMA_VERSION"
    assert during == before
    assert (proved.chain_ok, proved.replay_equal, proved.first_failure) == (True, True, "")


def test_no_server_starts_beside_a_later_schema_and_none_migrates_it(tmp_path: Path, postgres: Postgres) -> None:
    database, vault = postgres.new_database(), postgres.new_database()
    server = start(tmp_path, database=database, vault=vault)
    server.stop()
    moved_to(database, "9999")
    command = [sys.executable, "-m", "cli.main", "serve", "--db", database, "--vault", vault, "--port", "0"]
    plain, migrating = (
        subprocess.run([*command, *more], cwd=ROOT, check=False, capture_output=True, text=True, timeout=60)
        for more in ([], ["--migrate"])
    )

    assert (plain.returncode, migrating.returncode) == (2, 2)
    assert f"found 9999, expected {EXPECTED}" in plain.stderr
    assert "9999" in migrating.stderr
