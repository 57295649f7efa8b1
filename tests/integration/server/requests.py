"""Requests as they should be, each with room for what a test makes wrong."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from remission import make_batch, make_reference
from remission.v1 import ingest_pb2, model_pb2

START_US = 1_700_000_000_000_000


def doubles(*values: float) -> bytes:
    return struct.pack(f"<{len(values)}d", *values)


def longs(*values: int) -> bytes:
    return struct.pack(f"<{len(values)}q", *values)


def reference(rows: int = 100, labels: list[float] | None = None, **changes: Any) -> model_pb2.Reference:
    x = np.linspace(0, 1, rows)
    chosen = labels if labels is not None else [float(i % 2) for i in range(rows)]
    made = make_reference(
        {"x": x, "colour": ["red", "green"] * (rows // 2)}, labels=chosen, outputs=x, times_us=range(rows)
    )
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def model(name: str = "m", **changes: Any) -> model_pb2.Model:
    fields: dict[str, Any] = {
        "name": name,
        "owner": "risk",
        "task": model_pb2.TASK_BINARY,
        "champion": "v1",
        "features": [
            model_pb2.FeatureSpec(name="x", kind=model_pb2.FEATURE_KIND_NUMERIC),
            model_pb2.FeatureSpec(name="colour", kind=model_pb2.FEATURE_KIND_CATEGORICAL),
        ],
    }
    return model_pb2.Model(**{**fields, **changes})


def create(asked: model_pb2.Model, past: model_pb2.Reference | None, request_id: str = "r-new") -> Any:
    return model_pb2.CreateModelRequest(request_id=request_id, model=asked, reference=past)


def batch(batch_id: str = "b-new", ids: tuple[str, ...] = ("n-1", "n-2"), **changes: Any) -> ingest_pb2.IngestRequest:
    made = make_batch(
        batch_id, {"x": [0.1] * len(ids), "colour": ["red"] * len(ids)}, outputs={"v1": [0.2] * len(ids)},
        prediction_ids=list(ids), times_us=[START_US + 1_000 + i for i in range(len(ids))],
    )  # fmt: skip
    for name, value in changes.items():
        if name == "outputs":
            del made.outputs[:]
            made.outputs.extend(value)
        elif name == "columns":
            del made.columns[:]
            made.columns.extend(value)
        else:
            setattr(made, name, value)
    return ingest_pb2.IngestRequest(model="m", batch=made)


def columns(**values: Any) -> Any:
    return make_batch("b", values, outputs={}, prediction_ids=["a", "b"], times_us=[0, 0]).columns


def labels(ids: tuple[str, ...] = ("p-2",), values: bytes = doubles(1.0), **changes: Any) -> Any:
    fields: dict[str, Any] = {"model": "m", "batch_id": "l-new", "prediction_ids": ids, "values": values}
    return ingest_pb2.IngestLabelsRequest(**{**fields, **changes})


def point(**changes: Any) -> Any:
    fields: dict[str, Any] = {
        "name": "rate", "time_us": START_US, "value": 1.0, "direction": ingest_pb2.DIRECTION_HIGHER_IS_WORSE,
        "tolerance": 0.1,
    }  # fmt: skip
    return ingest_pb2.MetricPoint(**{**fields, **changes})


def metrics(*points: Any, **changes: Any) -> Any:
    fields: dict[str, Any] = {"model": "m", "request_id": "q-new", "points": points}
    return ingest_pb2.IngestMetricsRequest(**{**fields, **changes})
