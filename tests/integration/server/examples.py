"""A small model for tests of the transport, and what makes it ill."""

from __future__ import annotations

from collections.abc import Iterable

from remission import Client, make_reference
from remission.v1 import ingest_pb2, model_pb2

NORMAL, LASTING = [0.1] * 12, [0.5] * 12


def a_model(name: str) -> model_pb2.Model:
    """Give a model with one number `x`."""
    return model_pb2.Model(
        name=name, owner="risk", task=model_pb2.TASK_BINARY, champion="v1",
        features=[model_pb2.FeatureSpec(name="x", kind=model_pb2.FEATURE_KIND_NUMERIC)],
    )  # fmt: skip


def a_reference(rows: int = 60) -> model_pb2.Reference:
    """Give its past."""
    return make_reference(
        {"x": [float(i % 7) for i in range(rows)]}, labels=[float(i % 2) for i in range(rows)],
        outputs=[0.5] * rows, times_us=range(rows),
    )  # fmt: skip


def points(start: int, values: Iterable[float]) -> list[ingest_pb2.MetricPoint]:
    """Give points of one series, a second apart."""
    return [
        ingest_pb2.MetricPoint(
            name="error_rate", time_us=1_000_000 * (start + i), value=value,
            direction=ingest_pb2.DIRECTION_HIGHER_IS_WORSE, tolerance=0.2,
        )
        for i, value in enumerate(values)
    ]  # fmt: skip


def decline(client: Client, model: str) -> None:
    """Let a metric rise for good: the model becomes suspect, then degraded."""
    client.ingest_metrics(model, points(1, NORMAL))
    client.ingest_metrics(model, points(100, LASTING))
