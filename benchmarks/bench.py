"""The service beside the least that could do the work, in interleaved rounds of one run; ratios count, not figures.

python -m benchmarks.bench [--rounds 5]
"""

from __future__ import annotations

import argparse
import os
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import numpy as np
from remission import Client, make_batch, make_reference
from remission.v1 import health_pb2, health_pb2_grpc, ingest_pb2, ingest_pb2_grpc, model_pb2
from rich.console import Console
from rich.table import Table

from cli.ports import free_port
from statemachine.record.envelope import NewEvent
from store import migrate, open_store

ROOT = Path(__file__).resolve().parents[1]
FEATURES, ROWS, BATCHES, CALLS, EVENTS = 20, 1_000, 40, 300, 500
START_SECONDS = 60.0
#: A service is installed with its bytecode, so a start must not compile.
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": ""}
LOOK_SECONDS = 0.005  #: between two looks at whether a server listens


@dataclass(slots=True)
class Pair:
    """One measure of ours and of the baseline, round by round; *higher* says which way is better."""

    what: str
    unit: str
    ours: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)


class Server:
    """A server process, and what its start and its memory cost."""

    def __init__(self, command: list[str], port: int) -> None:
        begun = time.perf_counter()
        self.process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL, env=ENVIRONMENT)
        _answers(port)
        self.channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        grpc.channel_ready_future(self.channel).result(START_SECONDS)
        self.start_seconds = time.perf_counter() - begun
        self.target = f"127.0.0.1:{port}"

    def memory_mib(self) -> float:
        """Give the resident memory."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)

    def stop(self) -> None:
        """End it."""
        self.channel.close()
        self.process.terminate()
        self.process.wait(START_SECONDS)


def _compile() -> None:
    """Leave the bytecode of both servers behind."""
    both = "import benchmarks.bare, cli.main, server.serve, store.steps"
    subprocess.run([sys.executable, "-c", both], cwd=ROOT, env=ENVIRONMENT, check=True)


def _answers(port: int) -> None:
    """Wait until somebody listens. A channel that is refused comes back after a second: too coarse to measure by."""
    until = time.perf_counter() + START_SECONDS
    while time.perf_counter() < until:
        with socket.socket() as one:
            if not one.connect_ex(("127.0.0.1", port)):
                return
        time.sleep(LOOK_SECONDS)
    raise TimeoutError(f"nobody listens on port {port} after {START_SECONDS:g} s")


def main() -> None:
    """Measure in rounds, and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="two rounds")
    options = parser.parse_args()
    rounds = 2 if options.quick else options.rounds
    _compile()
    pairs = [
        Pair("ingest, 20 features, columnar, durable", "rows/s"),
        Pair("GetState", "calls/s"),
        Pair("append, one durable event at a time", "events/s"),
        Pair("append, 500 events waiting", "events/s"),
        Pair("start until ready", "s"),
        Pair("memory once ready", "MiB"),
    ]
    for number in range(rounds):
        _round(pairs, number)
    _show(pairs, rounds)


def _round(pairs: list[Pair], number: int) -> None:
    with tempfile.TemporaryDirectory(prefix="remission-bench-") as name:
        folder = Path(name)
        port, bare_port = free_port(), free_port()
        serve = [
            sys.executable, "-m", "cli.main", "serve", "--migrate", "--db", f"sqlite:///{folder / 'log.db'}",
            "--artifacts", str(folder / "artifacts"), "--port", str(port),
        ]  # fmt: skip
        bare = Server([sys.executable, "-m", "benchmarks.bare", str(bare_port)], bare_port)
        ours = Server(serve, port)
        try:
            _register(ours.target)
            warm, *batches = _batches(number)
            for server in (bare, ours):
                _ingest(server, [warm])  # what a server makes once for each model is no part of a row's price
            measures: list[Callable[[Server], float]] = [lambda one: _ingest(one, batches), _states]
            for pair, measure in zip(pairs, measures, strict=False):
                pair.bare.append(measure(bare))
                pair.ours.append(measure(ours))
            pairs[4].ours.append(ours.start_seconds)
            pairs[4].bare.append(bare.start_seconds)
            pairs[5].ours.append(ours.memory_mib())
            pairs[5].bare.append(bare.memory_mib())
        finally:
            ours.stop()
            bare.stop()
        _append(folder, pairs[2], pairs[3])


def _register(target: str) -> None:
    chance = np.random.default_rng(1)
    columns = {f"x{i}": chance.normal(size=2_000) for i in range(FEATURES)}
    features = [model_pb2.FeatureSpec(name=name, kind=model_pb2.FEATURE_KIND_NUMERIC) for name in columns]
    asked = model_pb2.Model(name="m", owner="bench", task=model_pb2.TASK_BINARY, champion="v1", features=features)
    labels = (columns["x0"] > 0).astype(float)
    past = make_reference(columns, labels=labels, outputs=labels * 0.8 + 0.1, times_us=range(2_000))
    with Client(target) as client:
        client.create_model(asked, past)


def _batches(number: int) -> list[ingest_pb2.Batch]:
    chance = np.random.default_rng(number)
    now_us = time.time_ns() // 1_000 - 1_000_000
    return [
        make_batch(
            f"b-{number}-{i}", {f"x{f}": chance.normal(size=ROWS) for f in range(FEATURES)},
            outputs={"v1": chance.random(ROWS)}, prediction_ids=[f"{number}-{i}-{row}" for row in range(ROWS)],
            times_us=np.full(ROWS, now_us),
        )
        for i in range(BATCHES + 1)
    ]  # fmt: skip


def _ingest(server: Server, batches: list[ingest_pb2.Batch]) -> float:
    stub = ingest_pb2_grpc.IngestServiceStub(server.channel)
    begun = time.perf_counter()
    for future in [stub.Ingest.future(ingest_pb2.IngestRequest(model="m", batch=batch)) for batch in batches]:
        future.result(START_SECONDS)
    return ROWS * len(batches) / (time.perf_counter() - begun)


def _states(server: Server) -> float:
    stub = health_pb2_grpc.ModelHealthServiceStub(server.channel)
    begun = time.perf_counter()
    for _ in range(CALLS):
        stub.GetState(health_pb2.GetStateRequest(model="m"))
    return CALLS / (time.perf_counter() - begun)


def _append(folder: Path, single: Pair, waiting: Pair) -> None:
    """Append to the store, and rows of the same size to a bare table, both flushed to disk at each commit."""
    payload = b'{"payload":"' + b"x" * 300 + b'"}'
    raw = sqlite3.connect(folder / "bare.db", isolation_level=None)
    raw.executescript(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE e (id INTEGER PRIMARY KEY, p BLOB)"
    )
    url = f"sqlite:///{folder / 'append.db'}"
    migrate.upgrade(url)
    store = open_store(url, clock_us=lambda: 0)
    few = EVENTS // 5
    begun = time.perf_counter()
    for _ in range(few):
        raw.execute("INSERT INTO e (p) VALUES (?)", (payload,))
    single.bare.append(few / (time.perf_counter() - begun))
    begun = time.perf_counter()
    for i in range(few):
        store.run(lambda unit, i=i: unit.append("s", i, [_event(i, payload)]))  # type: ignore[misc]  # a bound default
    single.ours.append(few / (time.perf_counter() - begun))
    begun = time.perf_counter()
    raw.execute("BEGIN")
    raw.executemany("INSERT INTO e (p) VALUES (?)", [(payload,)] * EVENTS)
    raw.execute("COMMIT")
    waiting.bare.append(EVENTS / (time.perf_counter() - begun))
    begun = time.perf_counter()
    futures = [
        store.submit(lambda unit, i=i: unit.append(f"w{i}", 0, [_event(few + i, payload)]))  # type: ignore[misc]  # as above
        for i in range(EVENTS)
    ]
    for future in futures:
        future.result(START_SECONDS)
    waiting.ours.append(EVENTS / (time.perf_counter() - begun))
    store.close()
    raw.close()


def _event(number: int, payload: bytes) -> NewEvent:
    return NewEvent(
        event_id=f"{number:032x}", type="bench", schema=1, occurred_us=number, actor="bench", authentication="none",
        policy_version=1, machine_version="1", payload=payload,
    )  # fmt: skip


def _show(pairs: list[Pair], rounds: int) -> None:
    table = Table(
        "measure", "unit", "ours", "bare", "ours / bare", header_style="bold",
        title=f"medians of {rounds} interleaved rounds; the ratio is the median of the rounds' ratios",
    )  # fmt: skip
    for pair in pairs:
        ratios = [ours / bare for ours, bare in zip(pair.ours, pair.bare, strict=True)]
        figures = (statistics.median(pair.ours), statistics.median(pair.bare))
        table.add_row(pair.what, pair.unit, *(f"{value:,.4g}" for value in figures), f"{statistics.median(ratios):.2f}")
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
