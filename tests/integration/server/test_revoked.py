"""A certificate that was lost is shut out at once, and no connection outlives the authority for long."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from remission import Client, make_batch
from remission.errors import PermissionDeniedError
from remission.v1.ingest_pb2 import Batch

from tests.fixtures.authority import Authority
from tests.fixtures.secured import of_a_client, secured
from tests.integration.server.examples import a_model, a_reference

CALL_SECONDS = 30.0
PATIENCE_SECONDS = 60.0
FILES = ("server.pem", "server.key", "authority.pem")


def test_a_certificate_that_is_listed_is_shut_out_of_connections_and_streams_that_stand(tmp_path: Path) -> None:
    authority, listed = _authority(tmp_path / "tls"), tmp_path / "revoked"
    lost, kept = authority.machine("lost"), authority.machine("kept")
    listed.write_text("")
    received = Event()

    def sent() -> Iterator[Batch]:
        yield _batch(60)
        received.wait(CALL_SECONDS)
        listed.write_text(f"serial={authority.serial('lost'):X}")
        yield _batch(70)

    with (
        secured(tmp_path, tmp_path / "tls", kept, REMISSION_TLS_REVOKED=str(listed)) as target,
        Client(target, tls=lost, timeout=CALL_SECONDS) as theirs,
        Client(target, tls=kept, timeout=CALL_SECONDS) as ours,
    ):
        theirs.create_model(a_model("m"), a_reference())
        receipts = theirs.ingest_stream("m", sent())
        taken = next(receipts)
        received.set()
        for asked in (lambda: next(receipts), lambda: theirs.state("m")):
            with pytest.raises(PermissionDeniedError) as refused:
                asked()
            assert refused.value.reason == "CERTIFICATE_REVOKED"

        assert (taken.first_row, ours.ingest_batch("m", _batch(70)).first_row) == (60, 70)
    assert "revoked_renewed" in (tmp_path / "server.log").read_text()


def test_a_connection_does_not_outlive_the_authority_for_long(tmp_path: Path) -> None:
    before, after = _authority(tmp_path / "before"), _authority(tmp_path / "after")
    shown = tmp_path / "shown"
    shutil.copytree(tmp_path / "before", shown)
    old, new = before.machine("worker"), after.machine("worker")
    with (
        secured(tmp_path, shown, old, REMISSION_CONNECTION_SECONDS="2") as target,
        grpc.secure_channel(target, old) as channel,
    ):
        stub = health_pb2_grpc.HealthStub(channel)
        watching = stub.Watch(health_pb2.HealthCheckRequest(), timeout=PATIENCE_SECONDS)
        assert next(watching).status == health_pb2.HealthCheckResponse.SERVING
        for name in FILES:
            (shown / name).write_bytes((tmp_path / "after" / name).read_bytes())
        with pytest.raises(grpc.RpcError) as ended:
            next(watching)
        with pytest.raises(grpc.RpcError) as refused:
            _ask_for_ever(stub)
        with grpc.secure_channel(target, new) as another:
            health_pb2_grpc.HealthStub(another).Check(health_pb2.HealthCheckRequest(), timeout=CALL_SECONDS)

    assert ended.value.code() is not grpc.StatusCode.DEADLINE_EXCEEDED
    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE


def test_who_is_still_let_in_goes_on_over_another_connection(tmp_path: Path) -> None:
    with (
        secured(tmp_path, REMISSION_CONNECTION_SECONDS="1") as target,
        Client(target, tls=of_a_client(), timeout=CALL_SECONDS) as client,
    ):
        client.create_model(a_model("m"), a_reference())
        until = time.monotonic() + 5
        first = 60
        while time.monotonic() < until:
            first = client.ingest_batch("m", _batch(first)).first_row + 10

    assert first > 60


def _ask_for_ever(stub: health_pb2_grpc.HealthStub) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        stub.Check(health_pb2.HealthCheckRequest(), timeout=CALL_SECONDS)


def _authority(folder: Path) -> Authority:
    folder.mkdir()
    return Authority(folder)


def _batch(first: int) -> Batch:
    numbers = range(first, first + 10)
    return make_batch(
        f"b-{first}", {"x": [float(i % 7) for i in numbers]}, outputs={"v1": [0.5] * 10},
        prediction_ids=[f"p-{i}" for i in numbers], times_us=[1_000_000 * i for i in numbers],
    )  # fmt: skip
