"""`remission signals`: a file of declarations, what is told of them, and a process that brings points in."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2_grpc as service_grpc
from remission import Client

from cli.ports import free_port
from tests.fixtures.commands import remission, started
from tests.fixtures.listeners import in_memory
from tests.fixtures.otel import export, gauge, number
from tests.fixtures.prometheus import Recorded, recorded
from tests.fixtures.servers import PATIENCE_SECONDS
from tests.integration.server.requests import model, reference

DECLARED = """
[[signal]]
name = "latency.p99"
unit = "ms"
direction = "higher_is_worse"
tolerance = 0.2
tolerance_is_share = true
provider = "prom"
other_providers = "apart"
interval_seconds = 60
silent_after = 5
"""


@pytest.fixture(scope="module")
def target() -> Iterator[str]:
    with in_memory() as made, Client(made) as client:
        client.models.create(model(name="m"), reference())
        yield made


@pytest.fixture
def prom() -> Iterator[Recorded]:
    with recorded() as made:
        now = int(time.time()) // 60 * 60
        made.record("p99", dict.fromkeys(range(now - 3600, now + 3600, 60), "0.1"))
        yield made


def settings(folder: Path, prom: Recorded, **changes: str) -> Path:
    asked = {"model": "m", "signal": "latency.p99", "expression": "p99", "unit": "s", **changes}
    lines = "\n".join(f'{name} = "{value}"' for name, value in asked.items())
    file = folder / "signals.toml"
    file.write_text(
        f'state = "{folder}/state.json"\n[[prometheus]]\nprovider = "prom"\nurl = "{prom.url}"\nsettle_seconds = 0\n'
        f"backfill_seconds = 600\n[[prometheus.query]]\n{lines}\n"
    )
    return file


@pytest.fixture
def declared(target: str, tmp_path: Path) -> str:
    (tmp_path / "declared.toml").write_text(DECLARED)
    done = remission("signals", "declare", "m", "declared.toml", "--server", target, folder=tmp_path)
    assert (done.code, done.out) == (0, "m: 1 signals\n"), done.err
    return target


def test_an_empty_file_withdraws_nothing_and_signal_as_an_empty_list_withdraws_all(
    declared: str, tmp_path: Path
) -> None:
    def listed() -> list[Any]:
        done = remission("signals", "list", "m", "--json", "--server", declared, folder=tmp_path)
        found: list[Any] = json.loads(done.out)
        return found

    (tmp_path / "empty.toml").write_text("# nothing yet\n")
    (tmp_path / "none.toml").write_text("signal = []\n")
    refused = remission("signals", "declare", "m", "empty.toml", "--server", declared, folder=tmp_path)
    left = listed()
    done = remission("signals", "declare", "m", "none.toml", "--server", declared, folder=tmp_path)

    assert refused.code == 2
    assert "empty.toml: declares nothing; tables [[signal]] are accepted, or signal = [] for none" in refused.err
    assert left
    assert (done.code, listed()) == (0, [])


def test_what_is_declared_is_listed(declared: str, tmp_path: Path) -> None:
    done = remission("signals", "list", "m", "--json", "--server", declared, folder=tmp_path)

    (told,) = json.loads(done.out)
    assert (told["name"], told["unit"], told["silent_after"], told["other_providers"]) == (
        "latency.p99", "ms", 5, "OTHER_PROVIDERS_APART",
    )  # fmt: skip


def test_points_are_brought_in_once_and_the_exit_code_says_so(declared: str, prom: Recorded, tmp_path: Path) -> None:
    file = settings(tmp_path, prom)
    done = remission(
        "signals", "run", "--config", str(file), "--once", "--logs", "json", "--server", declared, folder=tmp_path
    )

    assert done.code == 0, done.err
    assert json.loads(done.err.splitlines()[0])["points"] == 11


def test_what_is_refused_is_told_with_the_reason_and_exit_code_1(declared: str, prom: Recorded, tmp_path: Path) -> None:
    file = settings(tmp_path, prom, unit="By")
    done = remission(
        "signals", "run", "--config", str(file), "--once", "--logs", "json", "--server", declared, folder=tmp_path
    )

    assert done.code == 1
    assert "'By' cannot be told in 'ms'" in done.err


def test_it_runs_until_it_is_told_to_stop(declared: str, prom: Recorded, tmp_path: Path) -> None:
    file = settings(tmp_path, prom)
    with started("signals", "run", "--config", str(file), "--server", declared, folder=tmp_path) as process:
        heard = prom.heard.wait(PATIENCE_SECONDS)
        process.terminate()
        code = process.wait(PATIENCE_SECONDS)

    assert (heard, code) == (True, 0)


def test_exporters_are_heard_until_it_is_told_to_stop(declared: str, tmp_path: Path) -> None:
    port = free_port()
    (tmp_path / "otlp.toml").write_text(
        f"""
        state = "{tmp_path}/state.json"
        [otlp]
        provider = "prom"
        grpc = "127.0.0.1:{port}"
        [[otlp.metric]]
        model = "m"
        signal = "latency.p99"
        metric = "latency"
        """
    )
    request = export(gauge("latency", number(time.time(), 0.1, unit="s"), unit="s"))
    with started("signals", "run", "--config", "otlp.toml", "--server", declared, folder=tmp_path) as process:
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            stub: Any = service_grpc.MetricsServiceStub(channel)  # type: ignore[no-untyped-call]  # generated without types
            answer = stub.Export(request, timeout=PATIENCE_SECONDS, wait_for_ready=True)
        process.terminate()
        code = process.wait(PATIENCE_SECONDS)

    assert (answer.partial_success.error_message, code) == ("", 0)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("signal = 3", "signal: is not accepted"),
        ("[[signals]]\nname = 'x'", "signals: is not accepted"),
        ("[[signal]]\nnom = 'x'", 'signal[0]: Message type "remission.v1.ExternalSignal" has no field named "nom"'),
        ("[[signal]]\ntolerance = 'x'", "signal[0].tolerance: 'x' is not accepted; a finite number is"),
        ("[[signal]]\ntolerance = nan", "signal[0].tolerance: nan is not accepted; a finite number is"),
        ("[[signal]]\ntolerance = 'NaN'", "signal[0].tolerance: 'NaN' is not accepted; a finite number is"),
        (
            "[[signal]]\n[[signal]]\ninterval_seconds = -inf",
            "signal[1].interval_seconds: -inf is not accepted; a finite",
        ),
        (
            "[[signal]]\ntoleranceIsShare = true\nintervalSeconds = inf",
            "signal[0].intervalSeconds: inf is not accepted",
        ),
        (
            "[[signal]]\ndirection = 'up'",
            "signal[0].direction: 'up' is not accepted; one of higher_is_worse, lower_is_worse is",
        ),
        ("[[signal]]\nother_providers = 1", "signal[0].other_providers: 1 is not accepted; one of "),
        ("[[", "cannot be read as TOML"),
    ],
)
def test_declarations_that_cannot_be_read_are_refused_in_a_line(
    target: str, tmp_path: Path, text: str, told: str
) -> None:
    (tmp_path / "bad.toml").write_text(text)
    done = remission("signals", "declare", "m", "bad.toml", "--server", target, folder=tmp_path)

    assert done.code == 2
    assert told in done.err
    assert done.err.count("\n") == 1


def test_settings_that_are_not_accepted_are_refused_in_a_line(target: str, tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text("[[prometheus]]\nprovider = 'p'\nurl = 'ftp://x'\nquery = []\n")
    done = remission("signals", "run", "--config", "bad.toml", "--server", target, folder=tmp_path)

    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "bad.toml: Expected `array` of length >= 1 - at `$.prometheus[0].query`" in done.err
