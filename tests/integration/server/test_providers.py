"""A provider's points are taken from that provider alone: its certificate says who speaks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
from remission import Client
from remission.errors import PermissionDeniedError
from remission.v1 import ingest_pb2, signals_pb2

from tests.fixtures.authority import Authority
from tests.fixtures.secured import secured
from tests.integration.server.requests import START_US, model, reference
from tests.integration.server.test_refusals import fields_of

PROM, OTEL, RIVAL = "signals.ops.example", "otel", "rival"
MINUTE_US = 60_000_000


@dataclass
class Monitored:
    """A server on the stream's clock whose model hears `prometheus`, and machines with certificates."""

    target: str
    machines: dict[str, grpc.ChannelCredentials]

    def send(self, machine: str, provider: str, *, minute: int = 0, name: str = "latency") -> int:
        """Send a point as *machine*, in the name of *provider*; give how many were taken."""
        point = ingest_pb2.MetricPoint(name=name, time_us=START_US + minute * MINUTE_US, value=0.2)
        with Client(self.target, tls=self.machines[machine]) as client:
            return client.ingest_metrics("m", [point], provider=provider).accepted

    def silent(self) -> list[str]:
        """Give the signals whose provider has fallen silent."""
        with Client(self.target, tls=self.machines[RIVAL]) as client:
            return list(client.state("m").silent_signals)


def a_signal(name: str, provider: str, silent_after: int = 0) -> signals_pb2.ExternalSignal:
    return signals_pb2.ExternalSignal(
        name=name, unit="s", tolerance=0.1, provider=provider, interval_seconds=60, silent_after=silent_after,
        direction=ingest_pb2.DIRECTION_HIGHER_IS_WORSE, other_providers=signals_pb2.OTHER_PROVIDERS_APART,
    )  # fmt: skip


@pytest.fixture
def monitored(tmp_path: Path) -> Iterator[Monitored]:
    (tmp_path / "tls").mkdir()
    authority = Authority(tmp_path / "tls")
    machines = {name: authority.machine(name) for name in (PROM, OTEL, RIVAL)}
    bound = {"REMISSION_PROVIDERS": f"prometheus={PROM}", "REMISSION_CLOCK": "stream"}
    with secured(tmp_path, tmp_path / "tls", machines[RIVAL], **bound) as target:
        with Client(target, tls=machines[RIVAL]) as client:
            signals = [a_signal("latency", "prometheus", 3), a_signal("errors", OTEL)]
            client.models.create(model(signals=signals), reference())
        yield Monitored(target, machines)


def test_a_provider_is_heard_by_the_certificate_bound_to_it_or_of_its_name(monitored: Monitored) -> None:
    assert monitored.send(PROM, "prometheus") == 1
    assert monitored.send(OTEL, OTEL, name="errors") == 1
    assert monitored.send(RIVAL, RIVAL) == 1  # apart, as `latency@rival`


@pytest.mark.parametrize(("machine", "provider"), [(RIVAL, "prometheus"), (OTEL, "prometheus"), (PROM, OTEL)])
def test_another_providers_name_is_refused_and_nothing_is_kept(
    monitored: Monitored, machine: str, provider: str
) -> None:
    with pytest.raises(PermissionDeniedError, match="not this certificate's to speak for") as caught:
        monitored.send(machine, provider)

    told: Any = caught.value.__cause__
    assert caught.value.reason == "NOT_THE_PROVIDER"
    assert fields_of(told) == ["provider"]
    assert monitored.send(PROM, "prometheus") == 1  # the point is new


def test_nobody_covers_up_a_providers_silence(monitored: Monitored) -> None:
    monitored.send(PROM, "prometheus")
    with pytest.raises(PermissionDeniedError):
        monitored.send(RIVAL, "prometheus", minute=2)
    monitored.send(RIVAL, RIVAL, minute=5)

    assert monitored.silent() == ["latency"]
