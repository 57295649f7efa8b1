"""Servers and workers that are killed at any moment lose nothing acknowledged, and end where unhurt ones end."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from remission import Client
from remission.v1 import health_pb2

from backtest.backend import Setup
from backtest.champion import Champion, matrix, train
from backtest.options import Options, setup_of
from backtest.stream import Stream, read_stream
from retraining.sandbox import Sandbox
from retraining.template import TEMPLATES
from retraining.worker import Worker
from tests.fixtures.servers import PATIENCE_SECONDS, ROOT
from tests.fixtures.streams import changed_concept
from tests.integration.server.killing import TRAINS, Counted, Run, Supervisor, moments, run

KILLS, SEED, PARTS = 20, 11, 5
VOLATILE = ("lease_expired", "attempt_failed")
DEATHS = {"challenge": 1, "remedy": 2}
DOOMED = Path(__file__).with_name("doomed.py")
#: Serves as the command does, but a worker that falls silent loses its lease within seconds.
SHORT_LEASES = """
from server.jobs import leasing, vigil
vigil.LEASE_US, leasing.HEARTBEAT_US = 4_000_000, 500_000
from cli.main import main
main()
"""


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory) -> Stream:
    return read_stream(changed_concept(tmp_path_factory.mktemp("stream") / "turned.csv"), "label")


@pytest.fixture(scope="module")
def setup(stream: Stream) -> Setup:
    return setup_of(stream, Options())


@pytest.fixture(scope="module")
def champion(stream: Stream, setup: Setup) -> Champion:
    return train(stream, matrix(stream), TEMPLATES[setup.template])


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as made:
        yield made


@pytest.fixture(scope="module")
def unhurt(
    stream: Stream, setup: Setup, champion: Champion, sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory
) -> Run:
    """Serve the stream with nobody killed."""
    supervisor = Supervisor(tmp_path_factory.mktemp("unhurt"), {})
    found = run(stream, setup, champion, supervisor, lambda backend: Worker("worker", backend, sandbox))
    supervisor.stop()
    return found


@pytest.fixture(scope="module")
def killed(
    stream: Stream, setup: Setup, champion: Champion, sandbox: Sandbox, unhurt: Run,
    tmp_path_factory: pytest.TempPathFactory,
) -> Run:  # fmt: skip
    """Serve the stream while its server is killed."""
    supervisor = Supervisor(tmp_path_factory.mktemp("killed"), moments(unhurt.calls, KILLS, SEED))
    found = run(stream, setup, champion, supervisor, lambda backend: Worker("worker", backend, sandbox))
    supervisor.stop()
    return found


def test_the_kills_are_spread_over_the_stream_and_hit_trainings_uploads_and_results(killed: Run) -> None:
    parts = {at * PARTS // len(killed.calls) for at in killed.kills}
    hit = {killed.calls[at] for at in killed.kills}

    assert len(killed.kills) == KILLS
    assert parts == set(range(PARTS))
    assert {TRAINS, "upload", "complete", "acknowledge"} <= hit


def test_a_killed_server_ends_in_the_same_state_with_the_same_log(unhurt: Run, killed: Run) -> None:
    assert killed.state == unhurt.state
    assert killed.audit.log_sha256 == unhurt.audit.log_sha256
    assert len(killed.of_type(*VOLATILE)) <= KILLS
    assert (killed.audit.chain_ok, killed.audit.replay_equal) == (True, True)
    assert killed.audit.rederived == killed.audit.decisions > 0


def test_each_request_has_the_same_effects_and_has_them_once(unhurt: Run, killed: Run) -> None:
    assert killed.calls == unhurt.calls
    assert killed.effects() == unhurt.effects()


def test_no_acknowledged_row_is_lost_to_a_kill(stream: Stream, killed: Run) -> None:
    rows = {receipt.first_row: receipt.accepted_rows for _, receipt in killed.receipts.values()}

    assert sum(rows.values()) == stream.rows - stream.reference_rows
    assert killed.state.row == stream.rows
    assert all(receipt.duplicate for receipt in killed.again.values())
    assert {one.first_row: one.accepted_rows for one in killed.again.values()} == rows


def test_the_same_answers_are_served_whether_or_not_the_server_is_killed(unhurt: Run, killed: Run) -> None:
    assert len(unhurt.served.versions) > 1
    assert np.array_equal(killed.served.outputs, unhurt.served.outputs, equal_nan=True)


class Relay:
    """Lets workers take a job and die of it; another one goes on when the lease of the last of them has run out."""

    def __init__(self, client: Client, model: str, worker: Worker, target: str) -> None:
        self._client, self._model, self._worker, self._target = client, model, worker, target
        self.deaths: list[dict[str, object]] = []

    def run_one(self) -> bool:
        """Have one job done, if there is one."""
        for _ in range(self._doomed()):
            self.deaths.append(died(self._target, f"doomed-{len(self.deaths)}"))
        while not (done := self._worker.run_one()) and self._open():
            pass  # the lease of the dead has not run out yet
        return done

    def _doomed(self) -> int:
        """Say how many are to die of the job that waits: one of the first challenge, two of the first remedy."""
        known = {str(death["kind"]) for death in self.deaths}
        kind = "remedy" if self._client.state(self._model).phase == "queued" else "challenge"
        return DEATHS[kind] if self._open() and kind not in known else 0

    def _open(self) -> bool:
        waits = self._client.operations.explain_wait(self._model).waits
        return any(wait.awaited.startswith("a worker, for job") for wait in waits)


def died(target: str, name: str) -> dict[str, object]:
    """Let a worker take a job and die of it; give the job."""
    done = subprocess.run(
        [sys.executable, str(DOOMED), target, name], cwd=ROOT, capture_output=True, text=True, check=False,
        timeout=PATIENCE_SECONDS,
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


def settled(state: health_pb2.ModelState) -> health_pb2.ModelState:
    """Give a state without what counts events: a lease that was lost is one more."""
    found = health_pb2.ModelState()
    found.CopyFrom(state)
    for name in ("version", "position", "etag"):
        found.ClearField(name)
    return found


def test_a_worker_that_is_killed_costs_an_attempt_and_nothing_else(
    stream: Stream, setup: Setup, champion: Champion, sandbox: Sandbox, unhurt: Run, tmp_path: Path
) -> None:
    supervisor, relays = Supervisor(tmp_path, {}, SHORT_LEASES), list[Relay]()
    target = supervisor.server.target

    with Client(target, timeout=60.0) as client:

        def workshop(backend: Counted) -> Relay:
            relays.append(Relay(client, setup.name, Worker("worker", backend, sandbox), target))
            return relays[0]

        found = run(stream, setup, champion, supervisor, workshop)
    supervisor.stop()

    deaths = relays[0].deaths
    expired = [json.loads(event.payload_json) for event in found.of_type(*VOLATILE)]
    assert [death["kind"] for death in deaths] == ["challenge", "remedy", "remedy"]
    assert expired == [{"job": one["job"], "attempt": one["attempt"]} for one in deaths if one["kind"] == "remedy"]
    assert settled(found.state) == settled(unhurt.state)
    assert found.audit.log_sha256 == unhurt.audit.log_sha256
    assert found.audit.rederived == found.audit.decisions > 0
    assert np.array_equal(found.served.outputs, unhurt.served.outputs, equal_nan=True)
