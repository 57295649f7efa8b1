"""A server as a process: how it starts, what it refuses, and how it leaves."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_status import rpc_status
from remission import Client
from remission.errors import UnavailableError
from remission.v1 import (
    health_pb2 as model_health_pb2,
)
from remission.v1 import (
    health_pb2_grpc as model_health_pb2_grpc,
)
from remission.v1 import operations_pb2, operations_pb2_grpc, training_pb2, training_pb2_grpc

from statemachine.actors import is_actor
from store import migrate
from tests.fixtures.secured import of_a_client, of_a_stranger, secured
from tests.fixtures.servers import PATIENCE_SECONDS, ROOT, serving, start
from tests.integration.server.examples import a_model, a_reference, decline

HEAVY = {"cel", "pandas", "pyarrow", "scipy", "skops", "sklearn", "yaml"}
#: What steps between schemas, the other database, or artefacts in a bucket need.
ELSEWHERE = {"alembic", "fsspec", "mako", "psycopg", "sqlalchemy.dialects.postgresql"}
#: Serves as the command does, and writes down at the end what was imported.
LISTING = """
import json, os, sys
from cli.main import main
try:
    main()
finally:
    with open(os.environ["LISTING"], "w") as file:
        json.dump(sorted(sys.modules), file)
"""
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


def refusal(folder: Path, *options: str, **environment: str) -> str:
    """Start a server that must not come up, and give what it says."""
    done = subprocess.run(
        [sys.executable, "-m", "cli.main", "serve", "--db", f"sqlite:///{folder / 'log.db'}", *options],
        cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, check=False,
        timeout=PATIENCE_SECONDS,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


class Upload:
    """An upload that waits for its bytes, so that a call stays under way as long as a test wants."""

    def __init__(self, channel: grpc.Channel, model: str) -> None:
        self.data = b"bytes that take their time"
        self._parts: SimpleQueue[training_pb2.UploadArtifactRequest | None] = SimpleQueue()
        header = training_pb2.UploadHeader(
            sha256=hashlib.sha256(self.data).hexdigest(), size_bytes=len(self.data),
            kind=training_pb2.ARTIFACT_KIND_MODEL,
            initial_version=training_pb2.VersionRef(model=model, version="v1"),
        )  # fmt: skip
        self._parts.put(training_pb2.UploadArtifactRequest(header=header))
        stub = training_pb2_grpc.TrainingServiceStub(channel)
        self.call = stub.UploadArtifact.future(iter(self._parts.get, None))

    def finish(self) -> training_pb2.UploadArtifactResponse:
        """Send the bytes, and give the answer."""
        self._parts.put(training_pb2.UploadArtifactRequest(chunk=self.data))
        self._parts.put(None)
        answer: training_pb2.UploadArtifactResponse = self.call.result(PATIENCE_SECONDS)
        return answer


def statuses(channel: grpc.Channel) -> Iterator[int]:
    stub = health_pb2_grpc.HealthStub(channel)
    for answer in stub.Watch(health_pb2.HealthCheckRequest(), timeout=PATIENCE_SECONDS):
        yield answer.status


@pytest.mark.parametrize(
    ("options", "environment", "said"),
    [
        ([], {"REMISSION_PROT": "1"}, "REMISSION_PROT: is unknown"),
        (["--port", "99999"], {}, "port: 99999 is not accepted; 0 to 65535 is"),
        (["--host", "0.0.0.0"], {}, "host: '0.0.0.0' can be reached from other machines"),  # noqa: S104 - refused
        (["--clock", "sundial"], {}, "clock: 'sundial' is not accepted"),
        (["--config", "/nowhere.toml"], {}, "/nowhere.toml: cannot be read"),
        (["--db", "oracle://x"], {}, "memory://, sqlite:///path or postgresql://host/name"),
        ([], {}, "run `remission migrate`"),
    ],
)
def test_a_server_that_cannot_run_says_why_in_one_line(
    tmp_path: Path, options: list[str], environment: dict[str, str], said: str
) -> None:
    told = refusal(tmp_path, *options, **environment)

    assert told.startswith("remission: ")
    assert said in told


def test_an_address_that_is_taken_is_named(tmp_path: Path) -> None:
    migrate.upgrade(f"sqlite:///{tmp_path / 'log.db'}")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        told = refusal(tmp_path, "--port", str(port), "--artifacts", str(tmp_path / "artifacts"))

    assert f"127.0.0.1:{port} cannot be listened on" in told


def test_a_server_that_is_told_to_stop_sends_watchers_away_and_ends_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REMISSION_DRAIN_SECONDS", "3600")
    server = start(tmp_path)
    with Client(server.target) as client:
        client.create_model(a_model("m"), a_reference())
        routes = client.routes.watch("m")
        assert next(routes).champion == "v1"

        code = server.stop()

        with pytest.raises(UnavailableError) as caught:
            list(routes)
    assert code == 0
    assert caught.value.reason == "LEAVING"


def test_a_call_under_way_is_finished_before_a_server_leaves(tmp_path: Path) -> None:
    server = start(tmp_path)
    with grpc.insecure_channel(server.target) as channel, Client(server.target) as client:
        client.create_model(a_model("m"), a_reference())
        upload = Upload(channel, "m")
        health = statuses(channel)
        assert next(health) == SERVING
        stopping = threading.Thread(target=server.stop)
        stopping.start()
        assert next(health) == NOT_SERVING

        answer = upload.finish()

        health.close()  # type: ignore[attr-defined]  # a generator
        stopping.join(PATIENCE_SECONDS)
    assert answer.size_bytes == len(upload.data)
    assert server.process.returncode == 0


def test_what_was_acknowledged_is_there_after_a_stop_and_a_start(tmp_path: Path) -> None:
    with serving(tmp_path) as target, Client(target) as client:
        client.create_model(a_model("m"), a_reference())
        before = [event.hash for event in client.history()]
    with serving(tmp_path) as target, Client(target) as client:
        assert [event.hash for event in client.history()] == before


def test_more_calls_than_allowed_are_shed_but_those_that_make_things_safe_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(tmp_path) as target, Client(target) as client:
        client.create_model(a_model("m"), a_reference())
    monkeypatch.setenv("REMISSION_CALLS", "1")
    with serving(tmp_path) as target, grpc.insecure_channel(target) as channel:
        states = model_health_pb2_grpc.ModelHealthServiceStub(channel)
        upload, shed = crowded(channel, states)

        stop = operations_pb2.FreezeRequest(request_id="stop", model="m", reason="to be safe")
        frozen = operations_pb2_grpc.OperationsServiceStub(channel).Freeze(stop)
        health = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
        upload.finish()

    assert shed.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert retry_seconds(shed) >= 1
    assert frozen.state.automation == model_health_pb2.AUTOMATION_FROZEN
    assert health.status == SERVING


def crowded(channel: grpc.Channel, states: model_health_pb2_grpc.ModelHealthServiceStub) -> tuple[Upload, grpc.Call]:
    """Give an upload that is under way, and a question that was one too many beside it."""
    question = model_health_pb2.GetStateRequest(model="m")
    while True:
        upload = Upload(channel, "m")
        while not upload.call.done():  # it is when it arrived beside a question, and was shed itself
            asked = states.GetState.future(question, timeout=PATIENCE_SECONDS)
            if asked.exception() is not None:
                return upload, asked


def retry_seconds(error: grpc.Call) -> int:
    status = rpc_status.from_call(error)
    assert status is not None
    wait = error_details_pb2.RetryInfo()
    assert any(detail.Unpack(wait) for detail in status.details)
    return int(wait.retry_delay.seconds)


def test_certificates_on_both_sides_let_a_client_in_and_give_it_an_id(tmp_path: Path) -> None:
    with (
        secured(tmp_path) as target,
        Client(target, tls=of_a_client()) as client,
        Client(target, tls=of_a_stranger(), timeout=1.0) as stranger,
    ):
        client.create_model(a_model("m"), a_reference())
        first = next(iter(client.history("m")))
        with pytest.raises(UnavailableError):
            stranger.state("m")

    assert is_actor(first.actor)
    assert first.authentication == "mtls"


def test_a_server_at_work_never_loads_what_only_trainers_need(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listing = tmp_path / "modules.json"
    monkeypatch.setenv("LISTING", str(listing))
    with serving(tmp_path, clock="stream", program=LISTING) as target, Client(target) as client:
        client.create_model(a_model("m"), a_reference())
        decline(client, "m")
        assert list(client.replay("m"))[-1].summary.equal
        assert client.audit.verify("m").decisions > 0

    loaded = {name.partition(".")[0] for name in json.loads(listing.read_text())}
    assert "numpy" in loaded
    assert loaded & HEAVY == set()


def test_a_server_starts_without_what_its_database_schema_and_artefacts_do_not_need(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listing = tmp_path / "modules.json"
    monkeypatch.setenv("LISTING", str(listing))
    migrate.upgrade(f"sqlite:///{tmp_path / 'log.db'}")
    with serving(tmp_path, program=LISTING) as target, Client(target) as client:
        client.create_model(a_model("m"), a_reference())

    loaded = set(json.loads(listing.read_text()))
    assert "sqlalchemy.dialects.sqlite" in loaded
    assert loaded & ELSEWHERE == set()


def test_a_server_whose_log_finds_no_room_serves_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "server.log").symlink_to("/dev/full")
    server = start(tmp_path)
    with Client(server.target) as client:
        client.create_model(a_model("m"), a_reference())
        found = [one.name for one in client.models.list()]

    assert found == ["m"]
    assert server.stop() == 0
