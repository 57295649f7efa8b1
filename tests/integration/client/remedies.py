"""A weak champion under watch, a worker that trains it a candidate, and a word on what serving did with it."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from remission import Client, make_reference
from remission.sklearn import MonitoredModel, Prediction
from remission.v1 import model_pb2
from remission.v1.health_pb2 import STATE_CANARY
from sklearn.linear_model import LogisticRegression

from backtest.remote import Remote
from retraining.sandbox import Sandbox
from retraining.worker import Result, Worker

PATIENCE_SECONDS = 60.0
REFERENCE_ROWS = 400
WORDS = np.array(["no", "yes"])
#: Nothing but the canary is to move the model. Its only rung is half of the traffic: soon reached, and not soon left.
POLICY = {
    "regret": {"every": 0}, "drift": {"alarms": "never"}, "quality": {"alarms": "never"}, "loss": {"run_length": 1e9},
    "canary": {
        "rungs_bp": [5_000], "route_ttl_seconds": 5, "exposed_harm": 1, "alpha": 1e-6, "margin": 0,
        "most_windows": 1_000,
    },
}  # fmt: skip
Matrix = NDArray[np.float64]


class Traffic:
    """Rows with their truth, and units of their own; the same ones on every run."""

    def __init__(self) -> None:
        self._chance, self._units = np.random.default_rng(5), 0

    def rows(self, count: int) -> tuple[Matrix, NDArray[np.str_]]:
        """Give rows and labels."""
        matrix = self._chance.normal(size=(count, 2))
        return matrix, WORDS[(matrix.sum(axis=1) > 0).astype(int)]

    def units(self, count: int) -> list[str]:
        """Give units that never came before."""
        self._units += count
        return [f"unit-{i}" for i in range(self._units - count, self._units)]


def weak_champion(client: Client, traffic: Traffic, outcomes: model_pb2.Outcomes.ValueType) -> LogisticRegression:
    """Put a champion under watch that learned what has nothing to do with the truth, and have it retrained."""
    matrix, labels = traffic.rows(REFERENCE_ROWS)
    champion = LogisticRegression().fit(matrix, WORDS[(matrix[:, 0] > matrix[:, 1]).astype(int)])
    features = [model_pb2.FeatureSpec(name=name, kind=model_pb2.FEATURE_KIND_NUMERIC) for name in ("x0", "x1")]
    asked = model_pb2.Model(
        name="m", owner="risk", task=model_pb2.TASK_BINARY, champion="v1", template="linear",
        policy_json=json.dumps(POLICY), outcomes=outcomes, features=features,
    )  # fmt: skip
    times = time.time_ns() // 1_000 - 60_000_000 * np.arange(REFERENCE_ROWS)[::-1]
    outputs = champion.predict_proba(matrix)[:, 1]
    client.create_model(asked, make_reference(matrix, labels=labels == "yes", outputs=outputs, times_us=times))
    client.operations.start_retraining("m")
    return champion


class Tampering(Remote):
    """A worker's connection on which bytes are changed before they are handed in."""

    def __init__(self, client: Client, change: Callable[[dict[str, Any], bytes], tuple[dict[str, Any], bytes]]) -> None:
        super().__init__(client)
        self._change = change
        self._artifact = b""

    def upload(self, data: bytes, kind: str, job_id: str, attempt: int) -> str:
        """Keep the model back until its manifest comes, then hand both in, changed."""
        if kind == "model":
            self._artifact = data
            return ""
        manifest, artifact = self._change(json.loads(data), self._artifact)
        manifest["artifact_sha256"] = hashlib.sha256(artifact).hexdigest()
        self._artifact_sha256 = super().upload(artifact, "model", job_id, attempt)
        return super().upload(
            json.dumps(manifest, sort_keys=True, separators=(",", ":")).encode(), kind, job_id, attempt
        )

    def complete(self, job_id: str, attempt: int, result: Result) -> None:
        """Name what was really handed in."""
        named = [one or self._artifact_sha256 for one in result.artifacts]
        super().complete(job_id, attempt, replace(result, artifacts=named))


def train(client: Client, jobs: Remote) -> None:
    """Do the job that waits; what comes of it is on trial then."""
    with Sandbox() as sandbox:
        assert Worker("w", jobs, sandbox).run_one()
    until(lambda: client.state("m").state == STATE_CANARY)


def serve_until(model: MonitoredModel, traffic: Traffic, condition: Callable[[], object]) -> list[Prediction]:
    """Serve until something holds; give all that was answered."""
    told: list[Prediction] = []

    def held() -> object:
        told.append(serve(model, traffic))
        return condition()

    until(held)
    return told


def until(condition: Callable[[], object]) -> None:
    """Ask again until something holds."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it never came true"


def acknowledged(client: Client) -> int:
    """Give the generation that serving said last that it follows."""
    said = [json.loads(event.payload_json)["generation"] for event in events(client, "route_acknowledged")]
    return int(said[-1]) if said else -1


def events(client: Client, kind: str) -> Iterator[Any]:
    """Give the events of one type."""
    return client.audit.events("m", types=[kind])


def serve(model: MonitoredModel, traffic: Traffic, count: int = 10) -> Prediction:
    """Answer some rows, report what turned out to be true, and see that all of it arrives."""
    matrix, labels = traffic.rows(count)
    told = model.answer(matrix, unit_ids=traffic.units(count))
    for prediction_id, label in zip(told.prediction_ids, labels, strict=True):
        model.report_outcome(prediction_id, label)
    assert model.flush(PATIENCE_SECONDS)
    return told
