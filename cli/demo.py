"""`remission demo`: the whole service on real data, as real processes, over gRPC."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from remission import Client
from rich.console import Console

from backtest.run import Options, backtest
from backtest.stream import read_stream
from cli.history import show_counts, show_losses, with_bar
from cli.ports import free_port
from cli.reports import check_writable, write_report
from statemachine.timers import SECOND_US

MODEL = "chicago"
START_SECONDS = 60.0
BOUND = 0.6  #: the served error, as a share of that of the model left alone
LEGEND = "Each change of state with its reason; indented, what was decided, and the first digits of its evidence:"
JOURNEY = ("healthy", "suspect", "degraded", "retraining", "canary", "healthy")


def run_demo(json_file: str) -> bool:
    """Run the demo; say whether it showed what it should."""
    check_writable(json_file)
    console = Console()
    with as_file(files("backtest") / "data" / "chicago.csv.gz") as path:
        stream = read_stream(path, "ridership", task="regression", time="date")
    console.print(
        "Chicago rail ridership and weather, 2001-2016: the first fifth trains a model, the rest is served day by day."
    )
    with tempfile.TemporaryDirectory(prefix="remission-demo-") as folder, _processes(Path(folder)) as target:
        console.print(f"remission serve listens on {target}; remission worker trains in a sandbox.")
        options = Options(metric="mae", server=target, external_worker=True, model=MODEL)
        found = with_bar(console, "days served", lambda begin: backtest(stream, options, begin))
        console.print(LEGEND)
        with Client(target) as client:
            _show_evidence(console, client)
    show_losses(console, found)
    show_counts(console, found)
    write_report(found, json_file)
    return _verdict(console, found)


@contextlib.contextmanager
def _processes(folder: Path) -> Iterator[str]:
    """Start server and worker as processes of their own; end them afterwards."""
    target = f"127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", "cli.main"]
    database = f"sqlite:///{folder / 'demo.db'}"
    serve = [
        *command, "serve", "--migrate", "--db", database, "--artifacts", str(folder / "artifacts"),
        "--clock", "stream", "--port", target.rpartition(":")[2],
    ]  # fmt: skip
    root = Path(__file__).resolve().parents[1]
    with contextlib.ExitStack() as stack:
        log = stack.enter_context((folder / "server.log").open("wb"))
        stack.enter_context(_process(serve, root, log))
        _await(target)
        stack.enter_context(_process([*command, "worker", "--server", target, "--name", "demo"], root, log))
        yield target


@contextlib.contextmanager
def _process(command: list[str], root: Path, log: Any) -> Iterator[None]:  # noqa: ANN401 - an open file
    process = subprocess.Popen(command, cwd=root, stdout=log, stderr=log)  # noqa: S603 - our own program
    try:
        yield
    finally:
        process.terminate()
        process.wait(START_SECONDS)


def _await(target: str) -> None:
    """Wait until the server says that it serves."""
    deadline = time.monotonic() + START_SECONDS
    with grpc.insecure_channel(target) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        request = health_pb2.HealthCheckRequest()
        left = deadline - time.monotonic()
        if stub.Check(request, timeout=left, wait_for_ready=True).status != health_pb2.HealthCheckResponse.SERVING:
            raise TimeoutError(f"{target} does not serve")


def _show_evidence(console: Console, client: Client) -> None:
    """Print when what was decided, and on which evidence."""
    told = {"alarm_raised", "decline_confirmed", "alarm_cleared", "diagnosis_made", "gates_judged", "canary_judged"}
    for event in client.history(MODEL):
        fact = json.loads(event.payload_json)
        day = time.strftime("%Y-%m-%d", time.gmtime(event.occurred_us / SECOND_US))
        if event.type == "state_changed":
            console.print(f"[bold]{day}  {fact['source']} → {fact['dest']}[/bold]  {fact['reason']} {fact['note']}")
        elif event.type in told:
            console.print(f"{day}    {event.type}: {_brief(fact)}  [dim]evidence {fact['evidence'][:12]}[/dim]")


def _brief(fact: dict[str, Any]) -> str:
    if "gates" in fact:
        return f"{fact['chosen']}; " + ", ".join(f"{g['name']} {g['value']:.3g} {g['verdict']}" for g in fact["gates"])
    if "causes" in fact:
        return ", ".join(f"{cause['kind']} {cause['share']:.0%}" for cause in fact["causes"])
    kept = ("signal", "detector", "log_evidence", "verdict", "exposure_bp", "lower", "upper", "sample")
    return ", ".join(
        f"{k} {fact[k]:.3g}" if isinstance(fact[k], float) else f"{k} {fact[k]}" for k in kept if k in fact
    )


def _verdict(console: Console, found: dict[str, Any]) -> bool:
    """Check the journey, the error and the replay, and say so."""
    served, static = found["loss"]["served"], found["loss"]["static"]
    audit = found["audit"]
    checks = {
        f"the timeline passes {' → '.join(JOURNEY)}": _passes(found["transitions"]),
        f"the served error is {served / static:.2f} of that of the model left alone (at most {BOUND})": served
        <= BOUND * static,
        "the replay of the log is equal, and its chain whole": audit["replay_equal"] and audit["chain_ok"],
        f"{audit['rederived']} of {audit['decisions']} decisions were derived again": audit["rederived"]
        == audit["decisions"],
    }
    for what, holds in checks.items():
        console.print(f"[{'green' if holds else 'red'}]{'yes' if holds else 'NO '}[/]  {what}")
    return all(checks.values())


def _passes(transitions: list[dict[str, Any]]) -> bool:
    """Say whether the public states pass the journey, in order and without a detour."""
    states = ["healthy"]
    for one in transitions:
        state = one["to"].partition(".")[0]
        if state != states[-1]:
            states.append(state)
    return any(tuple(states[i : i + len(JOURNEY)]) == JOURNEY for i in range(len(states)))
