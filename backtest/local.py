"""The service in this process, as a driver and its worker see it."""

from __future__ import annotations

from typing import Any

import numpy as np
import orjson

from backtest.backend import ROUTER, Audit, Route, Setup
from backtest.stream import Column, Floats, Ints, Stream, StreamInvalid
from retraining.worker import LeasedJob, Result
from server.act import Caller
from server.errors import ModelExists
from server.requests import Categories, Completion, LabelsBatch, NewModel, ReferenceRows, RowsBatch
from server.requests import Column as Values
from server.service import Service

WHO = Caller(actor="local", authentication="loopback")


class LocalJobs:
    """Where a worker in this process gets jobs from."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def download(self, sha256: str) -> bytes:
        """Give bytes by their hash."""
        return self._service.desk.blobs.get(sha256)

    def lease(self, worker: str) -> LeasedJob | None:
        """Give the oldest job that waits."""
        view = self._service.jobs.lease(worker, (), WHO).result()
        if view is None:
            return None
        return LeasedJob(
            job_id=view.job, kind=view.kind, model=view.model, attempt=view.attempt, spec=view.spec,
            datasets=view.datasets, heartbeat_seconds=view.heartbeat_period_us / 1_000_000,
        )  # fmt: skip

    def heartbeat(self, job_id: str, attempt: int, progress_bp: int, message: str) -> bool:
        """Keep a lease alive."""
        return not self._service.jobs.heartbeat(job_id, attempt, progress_bp, message, WHO).result()[1]

    def upload(self, data: bytes, kind: str, job_id: str, attempt: int) -> str:
        """Keep bytes."""
        del kind, job_id, attempt
        return self._service.desk.blobs.put(data)

    def complete(self, job_id: str, attempt: int, result: Result) -> None:
        """Hand a result in."""
        self._service.jobs.complete(
            Completion(
                job=job_id, attempt=attempt, report=result.report, artifacts=result.artifacts,
                isolation=result.isolation, measured=dict(result.measured),
            ),
            WHO,
        ).result()  # fmt: skip

    def fail(self, job_id: str, attempt: int, failure: str, message: str) -> None:
        """Say that a job could not be done."""
        self._service.jobs.fail(job_id, attempt, failure, message, WHO).result()


class Local(LocalJobs):
    """The service in this process."""

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
            )
        ).result()  # fmt: skip

    def label(self, stream: Stream, model: str, rows: Ints, time_us: int) -> None:
        """Send what turned out to be true."""
        self._service.ingest_labels(
            LabelsBatch(
                model=model, batch_id=f"labels-{rows[0]}", ids=[str(row) for row in rows],
                values=stream.labels[rows], times_us=np.full(len(rows), time_us),
            )
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
            failures=[str(one) for one in found.failures],
        )  # fmt: skip


def _columns(stream: Stream, rows: range) -> dict[str, Values]:
    return {one.name: _values(one, rows) for one in stream.columns}


def _values(column: Column, rows: range) -> Values:
    part = column.values[rows.start : rows.stop]
    if column.words is None:
        return np.asarray(part, dtype=np.float64)
    return Categories(dictionary=list(column.words), codes=np.asarray(part, dtype=np.int32))
