"""The two doors of a backtest: the service in this process, or a server over gRPC. The same stream, the same log."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import orjson
from remission import Client
from remission.assignment import assign
from remission.batches import make_batch, make_reference
from remission.v1 import model_pb2, training_pb2

from backtest.stream import Column, Floats, Ints, Stream, StreamInvalid
from retraining.worker import LeasedJob
from server.act import Caller
from server.errors import ModelExists
from server.requests import Categories, Completion, LabelsBatch, NewModel, ReferenceRows, RowsBatch
from server.requests import Column as Values
from server.service import Service

ROUTER = "backtest"
WHO = Caller(actor="local", authentication="loopback")


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """What the driver is asked to serve."""

    generation: int
    champion: str
    candidate: str
    shadows: tuple[str, ...]
    exposure_bp: int
    salt: str
    manifests: dict[str, str] = field(default_factory=dict)

    def versions(self, *, exogenous: bool) -> list[str]:
        """Name the versions that score every row; only those that serve, where others learn nothing."""
        wanted = [self.champion, self.candidate, *(self.shadows if exogenous else ())]
        return [version for version in dict.fromkeys(wanted) if version]

    def chosen(self, ids: list[str]) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Say which units the candidate serves."""
        if not self.candidate or not self.exposure_bp:
            return np.zeros(len(ids), dtype=bool)
        return np.asarray(assign(self.salt, ids, self.exposure_bp), dtype=bool)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What a model is registered with."""

    name: str
    metric: str
    outcomes: str
    template: str
    label_delay_rows: int
    policy: dict[str, Any]
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """What the service says of its own log."""

    events: int
    chain_ok: bool
    replay_equal: bool
    decisions: int
    rederived: int
    log_sha256: str
    failures: list[str]


class Backend(Protocol):
    """What the driver asks of the service. It is also where its worker gets jobs from."""

    def register(self, stream: Stream, setup: Setup, labels: Floats, outputs: Floats) -> None:
        """Put the model under watch, with the stream's first rows as its reference."""
        ...

    def keep(self, model: str, version: str, artifact: bytes, manifest: bytes) -> None:
        """Keep the bytes of the first champion."""
        ...

    def route(self, model: str) -> Route:
        """Give the route in force."""
        ...

    def acknowledge(self, model: str, route: Route) -> None:
        """Say that the route is served."""
        ...

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
        ...

    def label(self, stream: Stream, model: str, rows: Ints, time_us: int) -> None:
        """Send what turned out to be true."""
        ...

    def busy(self, model: str) -> bool:
        """Say whether a job of the model waits or is with another worker."""
        ...

    def events(self, model: str) -> list[dict[str, Any]]:
        """Give the log: type, time and payload of each event."""
        ...

    def audit(self, model: str) -> Audit:
        """Have the log checked and every decision derived again."""
        ...

    def download(self, sha256: str) -> bytes:
        """Give bytes by their hash."""
        ...


class Local:
    """The service in this process."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def register(self, stream: Stream, setup: Setup, labels: Floats, outputs: Floats) -> None:
        """Put the model under watch, with the stream's first rows as its reference."""
        try:
            self._service.create_model(self._registration(stream, setup, labels, outputs), WHO).result()
        except ModelExists as error:
            raise StreamInvalid(
                f"--db: the log there has a model {setup.name!r} already; another database is accepted"
            ) from error

    @staticmethod
    def _registration(stream: Stream, setup: Setup, labels: Floats, outputs: Floats) -> NewModel:
        rows = range(stream.reference_rows)
        return NewModel(
            request_id=f"{setup.name}/create", name=setup.name, owner="backtest", purpose=stream.name,
            task=stream.task, metric=setup.metric, outcomes=setup.outcomes, template=setup.template,
            features=[
                {"name": one.name, "kind": "numeric" if one.words is None else "categorical", "categories": []}
                for one in stream.columns
            ],
            classes=list(stream.classes), champion="v1", label_delay_rows=setup.label_delay_rows,
            policy=setup.policy, seed=setup.seed,
            reference=ReferenceRows(
                columns=_columns(stream, rows), labels=labels, outputs=outputs,
                times_us=stream.times_us[: stream.reference_rows],
            ),
        )  # fmt: skip

    def keep(self, model: str, version: str, artifact: bytes, manifest: bytes) -> None:
        """Keep the bytes of the first champion."""
        blobs = self._service.desk.blobs
        blobs.put(artifact)
        self._service.register_artifact(model, version, blobs.put(manifest), WHO).result()

    def route(self, model: str) -> Route:
        """Give the route in force."""
        view = self._service.route(model)
        return Route(
            generation=view.generation, champion=view.champion, candidate=view.candidate, shadows=view.shadows,
            exposure_bp=view.exposure_bp, salt=view.salt, manifests=view.manifests,
        )  # fmt: skip

    def acknowledge(self, model: str, route: Route) -> None:
        """Say that the route is served."""
        self._service.acknowledge_route(model, route.generation, ROUTER, route.exposure_bp, "", WHO).result()

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
        versions = list(outputs)
        self._service.ingest(
            RowsBatch(
                model=model, batch_id=f"rows-{rows.start}", ids=[str(row) for row in rows],
                times_us=stream.times_us[rows.start : rows.stop], columns=_columns(stream, rows), outputs=outputs,
                served=np.array([versions.index(version) for version in served], dtype=np.uint8),
                generation=generation,
            ),
            WHO,
        ).result()  # fmt: skip

    def label(self, stream: Stream, model: str, rows: Ints, time_us: int) -> None:
        """Send what turned out to be true."""
        self._service.ingest_labels(
            LabelsBatch(
                model=model, batch_id=f"labels-{rows[0]}", ids=[str(row) for row in rows],
                values=stream.labels[rows], times_us=np.full(len(rows), time_us),
            ),
            WHO,
        ).result()  # fmt: skip

    def busy(self, model: str) -> bool:
        """Say whether a job of the model waits or is with another worker."""
        return bool(self._service.state(model).job)

    def events(self, model: str) -> list[dict[str, Any]]:
        """Give the log: type, time and payload of each event."""
        found: list[dict[str, Any]] = []
        after = 0
        while page := self._service.events(model, after, 1_000):
            after = page[-1].position
            found += [
                {"type": e.type, "occurred_us": e.occurred_us, "payload": orjson.loads(e.payload or b"{}")}
                for e in page
            ]
        return found

    def audit(self, model: str) -> Audit:
        """Have the log checked and every decision derived again."""
        found = self._service.verify([model])
        return Audit(
            events=found.events, chain_ok=found.chain_ok, replay_equal=found.replay_equal,
            decisions=found.decisions, rederived=found.rederived, log_sha256=found.log_sha256,
            failures=found.failures,
        )  # fmt: skip

    def download(self, sha256: str) -> bytes:
        """Give bytes by their hash."""
        return self._service.desk.blobs.get(sha256)

    def lease(self, worker: str) -> LeasedJob | None:
        """Give the oldest job that waits."""
        view = self._service.lease_job(worker, (), WHO).result()
        if view is None:
            return None
        return LeasedJob(
            job_id=view.job, kind=view.kind, model=view.model, attempt=view.attempt, spec=view.spec,
            datasets=view.datasets, heartbeat_seconds=view.heartbeat_period_us / 1_000_000,
        )  # fmt: skip

    def heartbeat(self, job_id: str, attempt: int, progress_bp: int, message: str) -> bool:
        """Keep a lease alive."""
        return not self._service.heartbeat(job_id, attempt, progress_bp, message).result()[1]

    def upload(self, data: bytes, kind: str, job_id: str, attempt: int) -> str:
        """Keep bytes."""
        del kind, job_id, attempt
        return self._service.desk.blobs.put(data)

    def complete(
        self,
        job_id: str,
        attempt: int,
        report: dict[str, Any],
        artifact_sha256s: list[str],
        isolation: str,
        measured: dict[str, int],
    ) -> None:
        """Hand a result in."""
        self._service.complete_job(
            Completion(
                job=job_id, attempt=attempt, report=report, artifacts=artifact_sha256s, isolation=isolation,
                measured=dict(measured),
            ),
            WHO,
        ).result()  # fmt: skip

    def fail(self, job_id: str, attempt: int, failure: str, message: str) -> None:
        """Say that a job could not be done."""
        self._service.fail_job(job_id, attempt, failure, message, WHO).result()


class Remote:
    """A server over gRPC."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._leased: dict[str, training_pb2.Job] = {}

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

    def complete(
        self,
        job_id: str,
        attempt: int,
        report: dict[str, Any],
        artifact_sha256s: list[str],
        isolation: str,
        measured: dict[str, int],
    ) -> None:
        """Hand a result in."""
        del attempt
        self._client.training.complete(
            self._leased[job_id], report=report, artifact_sha256s=artifact_sha256s,
            isolation=training_pb2.IsolationLevel.Value(f"ISOLATION_LEVEL_{isolation.upper()}"),
            resources=training_pb2.ResourceUse(
                cpu_us=measured["cpu_us"], wall_us=measured["wall_us"], max_rss_bytes=measured["max_rss_bytes"]
            ),
        )  # fmt: skip

    def fail(self, job_id: str, attempt: int, failure: str, message: str) -> None:
        """Say that a job could not be done."""
        del attempt
        kind = training_pb2.FailureClass.Value(f"FAILURE_CLASS_{failure}")
        self._client.training.fail(self._leased[job_id], kind, message, training_pb2.ISOLATION_LEVEL_NONE)


def _columns(stream: Stream, rows: range) -> dict[str, Values]:
    return {one.name: _values(one, rows) for one in stream.columns}


def _values(column: Column, rows: range) -> Values:
    part = column.values[rows.start : rows.stop]
    if column.words is None:
        return np.asarray(part, dtype=np.float64)
    return Categories(dictionary=list(column.words), codes=np.asarray(part, dtype=np.int32))


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
