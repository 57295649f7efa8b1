"""Signals over gRPC: they are declared, read back, reconciled, and change with the model's etag."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from remission import Client
from remission.errors import AbortedError
from remission.v1 import ingest_pb2, signals_pb2

from tests.fixtures.servers import serving
from tests.integration.server.requests import START_US, model, reference


def a_signal(name: str, **changes: Any) -> signals_pb2.ExternalSignal:
    fields: dict[str, Any] = {"unit": "s", "tolerance": 0.1, "provider": "prom", "tolerance_is_share": True}
    worse = {"direction": ingest_pb2.DIRECTION_HIGHER_IS_WORSE, "other_providers": signals_pb2.OTHER_PROVIDERS_REFUSED}
    return signals_pb2.ExternalSignal(name=name, **{**fields, **worse, **changes})


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    folder: Path = tmp_path_factory.mktemp("signals")
    with serving(folder) as target, Client(target) as made:
        asked = model(name="signals", signals=[a_signal("latency")])
        made.models.create(asked, reference())
        yield made


def test_what_is_declared_is_told_and_stands_in_the_history(client: Client) -> None:
    declared = client.models.get("signals")

    assert list(declared.signals) == [a_signal("latency")]
    assert "signals_declared" in [event.type for event in client.history("signals")]


def test_points_of_a_declared_signal_need_no_direction_and_count_once(client: Client) -> None:
    points = [ingest_pb2.MetricPoint(name="latency", time_us=START_US + i, value=20.0 + i, unit="ms") for i in (2, 1)]

    first = client.ingest_metrics("signals", points, provider="prom")
    again = client.ingest_metrics("signals", points, provider="prom")

    assert (first.accepted, first.repeated) == (2, 0)
    assert (again.accepted, again.repeated, again.duplicate) == (0, 2, False)


def test_signals_change_for_whoever_has_seen_the_last_ones(client: Client) -> None:
    seen = client.models.get("signals").etag
    changed = client.models.update(
        "signals", seen, owner="ann", signals=[a_signal("latency"), a_signal("errors", unit="1")]
    )

    assert (changed.owner, [one.name for one in changed.signals]) == ("ann", ["errors", "latency"])
    with pytest.raises(AbortedError):
        client.models.update("signals", seen, signals=[])
