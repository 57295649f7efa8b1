"""A server over gRPC, as a driver and a worker see it."""

from __future__ import annotations

from typing import Any

import numpy as np
import orjson
from remission import Client
from remission.batches import make_batch, make_reference
from remission.v1 import model_pb2, training_pb2

from backtest.backend import ROUTER, Audit, Route, Setup
from backtest.stream import Floats, Ints, Stream, StreamInvalid
from retraining.worker import LeasedJob, Result


class RemoteJobs:
    """Where a worker gets the jobs of a server from."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._leased: dict[str, training_pb2.Job] = {}

    def download(self, sha256: str) -> bytes:
        """Give bytes by their hash."""
        return self._client.artifacts.download(sha256)

    def lease(self, worker: str) -> LeasedJob | None:
        """Give the oldest job that waits."""
        found = self._client.training.lease(worker)
        if found is None:
            return None
        self._leased[found.job_id] = found
        return LeasedJob(
            job_id=found.job_id, kind=training_pb2.JobKind.Name(found.kind).removeprefix("JOB_KIND_").lower(),
            model=found.model, attempt=found.attempt, spec=orjson.loads(found.spec_json),
            datasets=tuple(found.dataset_sha256s), heartbeat_seconds=found.heartbeat_period_us / 1_000_000,
        )  # fmt: skip

    def heartbeat(self, job_id: str, attempt: int, progress_bp: int, message: str) -> bool:
        """Keep a lease alive."""
        del attempt
        return not self._client.training.heartbeat(
            self._leased[job_id], progress_bp=progress_bp, message=message
        ).abandon

    def upload(self, data: bytes, kind: str, job_id: str, attempt: int) -> str:
        """Keep bytes."""
        del attempt
        kinds = {"model": training_pb2.ARTIFACT_KIND_MODEL, "manifest": training_pb2.ARTIFACT_KIND_MANIFEST}
        return self._client.training.upload(data, kinds[kind], self._leased[job_id])

    def complete(self, job_id: str, attempt: int, result: Result) -> None:
        """Hand a result in."""
        del attempt
        spent = {name: result.measured[name] for name in ("cpu_us", "wall_us", "max_rss_bytes")}
        self._client.training.complete(
            self._leased[job_id], report=result.report, artifact_sha256s=result.artifacts,
            isolation=training_pb2.IsolationLevel.Value(f"ISOLATION_LEVEL_{result.isolation.upper()}"),
            resources=training_pb2.ResourceUse(**spent),
        )  # fmt: skip

    def fail(self, job_id: str, attempt: int, failure: str, message: str) -> None:
        """Say that a job could not be done."""
        del attempt
        kind = training_pb2.FailureClass.Value(f"FAILURE_CLASS_{failure}")
        self._client.training.fail(self._leased[job_id], kind, message, training_pb2.ISOLATION_LEVEL_NONE)


class Remote(RemoteJobs):
    """A server over gRPC."""

    def register(self, stream: Stream, setup: Setup, labels: Floats, outputs: Floats) -> None:
        """Put the model under watch, with the stream's first rows as its reference."""
        rows = range(stream.reference_rows)
        asked = model_pb2.Model(
            name=setup.name, owner="backtest", purpose=stream.name, metric=setup.metric, template=setup.template,
            task=model_pb2.Task.Value(f"TASK_{stream.task.upper()}"),
            outcomes=model_pb2.Outcomes.Value(f"OUTCOMES_{setup.outcomes.upper()}"),
            features=[
                model_pb2.FeatureSpec(
                    name=one.name,
                    kind=model_pb2.FEATURE_KIND_NUMERIC if one.words is None else model_pb2.FEATURE_KIND_CATEGORICAL,
                )
                for one in stream.columns
            ],
            classes=stream.classes, champion="v1", label_delay_rows=setup.label_delay_rows,
            policy_json=orjson.dumps(setup.policy).decode() if setup.policy else "", seed=setup.seed,
        )  # fmt: skip
        reference = make_reference(
            _table(stream, rows), labels=labels, outputs=outputs, times_us=stream.times_us[: stream.reference_rows]
        )
        made = self._client.create_model(asked, reference, request_id=f"{setup.name}/create")
        if made.create_time_us != stream.times_us[stream.reference_rows - 1]:
            self._client.models.retire(setup.name, reason="a backtest needs a server on the clock of the stream")
            raise StreamInvalid("--server: it is on the system's clock; `remission serve --clock stream` is accepted")

    def keep(self, model: str, version: str, artifact: bytes, manifest: bytes) -> None:
        """Keep the bytes of the first champion."""
        purpose = training_pb2.VersionRef(model=model, version=version)
        self._client.training.upload(artifact, training_pb2.ARTIFACT_KIND_MODEL, purpose)
        self._client.training.upload(manifest, training_pb2.ARTIFACT_KIND_MANIFEST, purpose)

    def route(self, model: str) -> Route:
        """Give the route in force."""
        found = self._client.routes.get(model)
        return Route(
            generation=found.generation, champion=found.champion, candidate=found.candidate,
            shadows=tuple(found.shadow_versions), exposure_bp=found.exposure_bp, salt=found.salt,
            manifests=dict(found.manifest_sha256s),
        )  # fmt: skip

    def acknowledge(self, model: str, route: Route) -> None:
        """Say that the route is served."""
        self._client.routes.acknowledge(model, route.generation, ROUTER, applied_bp=route.exposure_bp)

    def ingest(
        self,
        stream: Stream,
        model: str,
        rows: range,
        outputs: dict[str, Floats],
        served: list[str],
        generation: int,
    ) -> None:
        """Send rows."""
        batch = make_batch(
            f"rows-{rows.start}", _table(stream, rows), outputs=outputs, prediction_ids=[str(row) for row in rows],
            times_us=stream.times_us[rows.start : rows.stop], served_by=served, route_generation=generation,
        )  # fmt: skip
        self._client.ingest_batch(model, batch)

    def label(self, stream: Stream, model: str, rows: Ints, time_us: int) -> None:
        """Send what turned out to be true."""
        self._client.ingest_labels(
            model, [str(row) for row in rows], stream.labels[rows], batch_id=f"labels-{rows[0]}",
            times_us=np.full(len(rows), time_us),
        )  # fmt: skip

    def busy(self, model: str) -> bool:
        """Say whether a job of the model waits or is with another worker."""
        waits = self._client.operations.explain_wait(model).waits
        return any(wait.awaited.startswith("a worker, for job") for wait in waits)

    def events(self, model: str) -> list[dict[str, Any]]:
        """Give the log: type, time and payload of each event."""
        return [
            {"type": e.type, "occurred_us": e.occurred_us, "payload": orjson.loads(e.payload_json or "{}")}
            for e in self._client.audit.events(model)
        ]

    def audit(self, model: str) -> Audit:
        """Have the log checked and every decision derived again."""
        found = self._client.audit.verify(model)
        return Audit(
            events=found.events, chain_ok=found.chain_ok, replay_equal=found.replay_equal,
            decisions=found.decisions, rederived=found.rederived, log_sha256=found.log_sha256,
            failures=[found.first_failure] if found.first_failure else [],
        )  # fmt: skip


def _table(stream: Stream, rows: range) -> dict[str, Any]:
    """Give the rows as the client library takes them: numbers, or words with None for missing."""
    found: dict[str, Any] = {}
    for one in stream.columns:
        part = one.values[rows.start : rows.stop]
        if one.words is None:
            found[one.name] = np.asarray(part, dtype=np.float64)
        else:
            words = np.array([*one.words, None], dtype=object)
            found[one.name] = words[part]
    return found
