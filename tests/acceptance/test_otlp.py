"""Exporters of OpenTelemetry's own SDK send to `remission signals run`, and their points arrive in the service."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as OverGrpc
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter as OverHttp
from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, MetricExporter, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from remission import Client
from remission.v1 import ingest_pb2, signals_pb2

from cli.ports import free_port
from tests.fixtures.commands import started
from tests.fixtures.servers import PATIENCE_SECONDS, serving
from tests.integration.server.requests import model, reference

ROUNDS = 12


def until(holds: Callable[[], bool], what: str) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline, what
        threading.Event().wait(0.1)


def signal(name: str, unit: str) -> signals_pb2.ExternalSignal:
    return signals_pb2.ExternalSignal(
        name=name, unit=unit, direction=ingest_pb2.DIRECTION_HIGHER_IS_WORSE, tolerance=0.5, tolerance_is_share=True,
        provider="otel",
    )  # fmt: skip


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Client, str]]:
    with serving(tmp_path) as target, Client(target) as client:
        signals = [signal("queue", "ms"), signal("errors", "{error}"), signal("latency.p50", "ms")]
        client.models.create(model(name="m", signals=signals), reference())
        yield client, target


def settings(folder: Path, ports: tuple[int, int]) -> Path:
    file = folder / "signals.toml"
    rules = [
        ("queue", "queue.wait", "value", ""),
        ("errors", "app.errors", "difference", ""),
        ("latency.p50", "app.duration", "quantile", "quantile = 0.5"),
    ]
    tables = "\n".join(
        f'[[otlp.metric]]\nmodel = "m"\nsignal = "{signal}"\nmetric = "{metric}"\nreading = "{reading}"\n{more}\n'
        'resource = { "service.name" = "scoring" }\n'
        for signal, metric, reading, more in rules
    )
    listens = f'grpc = "127.0.0.1:{ports[0]}"\nhttp = "127.0.0.1:{ports[1]}"'
    file.write_text(f'state = "{folder}/state.json"\n[otlp]\nprovider = "otel"\n{listens}\n{tables}')
    return file


def over_grpc(ports: tuple[int, int]) -> MetricExporter:
    return OverGrpc(endpoint=f"http://127.0.0.1:{ports[0]}", insecure=True)


def over_http(ports: tuple[int, int]) -> MetricExporter:
    """Send differences, gzipped."""
    how: dict[type, AggregationTemporality] = {
        Counter: AggregationTemporality.DELTA,
        Histogram: AggregationTemporality.DELTA,
    }
    url = f"http://127.0.0.1:{ports[1]}/v1/metrics"
    return OverHttp(endpoint=url, compression=Compression.Gzip, preferred_temporality=how)


@pytest.mark.parametrize("way", [over_grpc, over_http])
def test_what_the_sdk_exports_arrives(
    served: tuple[Client, str], tmp_path: Path, way: Callable[[tuple[int, int]], MetricExporter]
) -> None:
    client, target = served
    ports = (free_port(), free_port())
    asked = ("--config", str(settings(tmp_path, ports)), "--server", target)
    with started("signals", "run", *asked, folder=tmp_path) as process:
        with grpc.insecure_channel(f"127.0.0.1:{ports[0]}") as channel:
            grpc.channel_ready_future(channel).result(PATIENCE_SECONDS)
        reader = PeriodicExportingMetricReader(way(ports), export_interval_millis=3_600_000)
        provider = MeterProvider([reader], Resource({"service.name": "scoring"}))
        rounds(provider, reader)
        provider.shutdown()
        process.terminate()
        said = process.communicate(timeout=PATIENCE_SECONDS)[1]

    assert process.returncode == 0
    assert "refused" not in said
    until(lambda: "decline_confirmed" in [one.type for one in client.history("m")], said)
    subjects = [one.payload_json for one in client.history("m") if one.type == "alarm_raised"]
    assert any('"latency.p50"' in one for one in subjects)


def rounds(provider: MeterProvider, reader: Any) -> None:
    """Measure and export again and again: first as always, then with requests that take ten times as long."""
    meter = provider.get_meter("scoring")
    queue, errors = meter.create_gauge("queue.wait", unit="s"), meter.create_counter("app.errors", unit="{error}")
    duration = meter.create_histogram("app.duration", unit="ms")
    for i in range(2 * ROUNDS):
        queue.set(0.01)
        errors.add(1)
        for _ in range(20):
            duration.record(20 if i < ROUNDS else 200)
        assert reader.force_flush()
