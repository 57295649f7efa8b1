"""A real Prometheus scrapes an exporter on the loopback; its points arrive, and what lasts confirms a decline."""

from __future__ import annotations

import shutil
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from remission import Client
from remission.v1 import ingest_pb2, signals_pb2

from cli.ports import free_port
from tests.fixtures.commands import started
from tests.fixtures.servers import ROOT, serving
from tests.integration.server.requests import model, reference

PATIENCE_SECONDS = 90.0
UNPACKED = ROOT / ".cache" / "prometheus" / "usr" / "bin" / "prometheus"
#: Scrapes that are as always: more than a baseline needs, though the first may lie before the first question.
CALM_SCRAPES = 15


class Exporter:
    """Tells a counter and a sum of seconds, as a client library of Prometheus does; after a while requests get slow."""

    def __init__(self) -> None:
        self.scrapes, self.requests, self.seconds = 0, 0, 0.0

    def text(self) -> str:
        """Answer a scrape: ten requests more, each of 0.1 s, and later of 0.5 s."""
        self.scrapes += 1
        self.requests += 10
        self.seconds += 10 * (0.1 if self.scrapes <= CALM_SCRAPES else 0.5)
        return (
            "# TYPE app_seconds_sum counter\n"
            f"app_seconds_sum {self.seconds}\n# TYPE app_seconds_count counter\napp_seconds_count {self.requests}\n"
        )


@contextmanager
def exporting() -> Iterator[tuple[Exporter, int]]:
    """Let an exporter listen on a free port."""
    told = Exporter()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(told.text().encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield told, server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def until(holds: Callable[[], bool], what: str) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline, what
        threading.Event().wait(0.2)


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - of the loopback
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


@contextmanager
def prometheus(folder: Path, target: int) -> Iterator[str]:
    """Run Debian's Prometheus on the loopback, scraping once a second."""
    program = shutil.which("prometheus") or str(UNPACKED)
    port = free_port()
    config = folder / "prometheus.yml"
    config.write_text(
        "global: {scrape_interval: 1s, scrape_timeout: 1s}\n"
        f"scrape_configs: [{{job_name: app, static_configs: [{{targets: ['127.0.0.1:{target}']}}]}}]\n"
    )
    command = [
        program, f"--config.file={config}", f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]  # fmt: skip
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    try:
        until(lambda: answers(f"{url}/-/ready"), f"{program} is not ready; see {folder / 'prometheus.log'}")
        yield url
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture
def client(tmp_path: Path) -> Iterator[tuple[Client, str]]:
    with serving(tmp_path) as target, Client(target) as made:
        signal = signals_pb2.ExternalSignal(
            name="latency.mean", unit="ms", direction=ingest_pb2.DIRECTION_HIGHER_IS_WORSE, tolerance=0.5,
            tolerance_is_share=True, provider="prometheus", interval_seconds=1, silent_after=20,
        )  # fmt: skip
        made.models.create(model(name="m", signals=[signal]), reference())
        yield made, target


def settings(folder: Path, url: str) -> Path:
    file = folder / "signals.toml"
    file.write_text(
        f"""
        state = "{folder / "state.json"}"
        [[prometheus]]
        provider = "prometheus"
        url = "{url}"
        settle_seconds = 2
        [[prometheus.query]]
        model = "m"
        signal = "latency.mean"
        expression = "sum(rate(app_seconds_sum[5s])) / sum(rate(app_seconds_count[5s]))"
        unit = "s"
        step_seconds = 1
        """
    )
    return file


def test_points_of_a_real_prometheus_move_a_model(client: tuple[Client, str], tmp_path: Path) -> None:
    service, target = client
    types: list[str] = []

    def told(event: str) -> bool:
        types[:] = [one.type for one in service.history("m")]
        return event in types

    with exporting() as (exporter, port), prometheus(tmp_path, port) as url:
        until(lambda: exporter.scrapes > 2, "Prometheus does not scrape")
        asked = ("--config", str(settings(tmp_path, url)), "--server", target)
        with started("signals", "run", *asked, folder=tmp_path) as run:
            until(lambda: told("decline_confirmed"), "the points confirm no decline")
            run.terminate()
            code = run.wait(30)
    until(lambda: told("signal_silenced"), "nobody noticed that the provider is gone")

    assert code == 0
    assert types.index("signals_declared") < types.index("alarm_raised") < types.index("decline_confirmed")
    assert list(service.state("m").silent_signals) == ["latency.mean"]
