"""A certificate that was lost is shut out at once, and no connection outlives the authority for long."""

from __future__ import annotations

import shutil
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from remission import Client, make_batch
from remission.errors import PermissionDeniedError
from remission.v1 import health_pb2_grpc as states_grpc
from remission.v1 import ingest_pb2_grpc, routing_pb2_grpc, training_pb2_grpc
from remission.v1.health_pb2 import WatchStatesRequest
from remission.v1.ingest_pb2 import Batch
from remission.v1.routing_pb2 import WatchRoutesRequest
from remission.v1.training_pb2 import LeaseJobRequest

from tests.fixtures.authority import Authority
from tests.fixtures.secured import of_a_client, secured
from tests.integration.server.examples import a_model, a_reference

CALL_SECONDS = 30.0
PATIENCE_SECONDS = 60.0
SHUT_OUT = "The caller's certificate is on the list of those that are not let in any more"
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


def test_calls_of_a_certificate_that_is_listed_end_though_nothing_comes_and_those_of_others_wait_on(
    tmp_path: Path,
) -> None:
    authority, listed = _authority(tmp_path / "tls"), tmp_path / "revoked"
    lost, kept = authority.machine("lost"), authority.machine("kept")
    listed.write_text("")
    over = Event()
    with (
        secured(tmp_path, tmp_path / "tls", kept, REMISSION_TLS_REVOKED=str(listed)) as target,
        Client(target, tls=kept, timeout=CALL_SECONDS) as ours,
        grpc.secure_channel(target, lost) as channel,
        grpc.secure_channel(target, kept) as channel_of_others,
    ):
        ours.create_model(a_model("m"), a_reference())
        theirs, others = _waiting(channel, over), _waiting(channel_of_others, over)
        listed.write_text(f"serial={authority.serial('lost'):X}")
        ended = {name: (call.code(), call.details()) for name, call in theirs.items()}
        still = [name for name, call in others.items() if call.is_active()]
        over.set()

    assert {code for code, _ in ended.values()} == {grpc.StatusCode.PERMISSION_DENIED}
    assert {what.partition(";")[0] for _, what in ended.values()} == {SHUT_OUT}
    assert still == list(others)


def _waiting(channel: grpc.Channel, over: Event) -> dict[str, grpc.Call]:
    """Begin each kind of call that waits: for news, for a job, for messages that nobody sends."""
    health, states = health_pb2_grpc.HealthStub(channel), states_grpc.ModelHealthServiceStub(channel)
    watches = {
        "readiness": health.Watch(health_pb2.HealthCheckRequest(), timeout=PATIENCE_SECONDS),
        "states": states.WatchStates(WatchStatesRequest(), timeout=PATIENCE_SECONDS),
        "routes": routing_pb2_grpc.RoutingServiceStub(channel).WatchRoutes(
            WatchRoutesRequest(models=["m"]), timeout=PATIENCE_SECONDS
        ),
    }
    for name in ("readiness", "routes"):
        next(watches[name])  # so it stands
    training = training_pb2_grpc.TrainingServiceStub(channel)
    lease = LeaseJobRequest(worker_id="w", request_id=uuid.uuid4().hex, wait_seconds=60)
    silent = ingest_pb2_grpc.IngestServiceStub(channel).IngestStream(_nothing(over), timeout=PATIENCE_SECONDS)
    return {
        **watches,
        "lease": training.LeaseJob.future(lease, timeout=PATIENCE_SECONDS),
        "upload": training.UploadArtifact.future(_nothing(over), timeout=PATIENCE_SECONDS),
        "rows": silent,
    }


def _nothing(over: Event) -> Iterator[Any]:
    over.wait(PATIENCE_SECONDS)
    yield from ()


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
