"""TrainingService: jobs go out, results and bytes come in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import orjson
from remission.v1 import training_pb2 as pb
from remission.v1 import training_pb2_grpc

from retraining.template import ISOLATIONS
from server.errors import Invalid, TooLarge
from server.jobs import training
from server.requests import Completion
from server.service import Service
from server.transport.calls import Context, answering, caller, done, once, read
from server.transport.fields import between, identifier, number, sha256, text, word
from server.transport.uploads import Door, received
from server.transport.wake import Bell, Rung
from server.views import JobView
from statemachine.words import FULL_EXPOSURE_BP

KINDS = ("challenge", "remedy")
FAILURES = (
    "out_of_memory", "cpu_exceeded", "wall_exceeded", "crashed", "bad_output", "policy_refused", "unavailable",
)  # fmt: skip
MOST_WAIT_SECONDS = 60
RETRY_SECONDS = 1.0  #: between two questions for a lease, when nothing is new
MOST_REPORT_BYTES = 8 << 20
MOST_RESOURCE = (1 << 63) - 1  #: microseconds, or bytes


class TrainingServicer(training_pb2_grpc.TrainingServiceServicer):
    """Jobs for workers."""

    def __init__(self, service: Service, bell: Bell) -> None:
        self._service, self._bell = service, bell

    @answering
    async def LeaseJob(self, request: pb.LeaseJobRequest, context: Context) -> pb.LeaseJobResponse:
        """Give the oldest job that waits, or wait for one."""
        worker = identifier(request.worker_id, "worker_id")
        who = await caller(self._service, context, identifier(request.request_id, "request_id"))
        wait_seconds = between(request.wait_seconds, 0, MOST_WAIT_SECONDS, "wait_seconds")
        kinds = tuple(word(pb.JobKind, one, f"kinds[{i}]", KINDS) for i, one in enumerate(request.kinds))
        clock = asyncio.get_running_loop().time
        deadline = clock() + wait_seconds
        with self._bell.listener() as rung:
            while True:
                waiting = await read(self._service.jobs.waiting) if wait_seconds else frozenset()
                found = await done(self._service.jobs.lease(worker, kinds, who))
                if found is not None or clock() >= deadline:
                    return pb.LeaseJobResponse(job=job(found) if found else None)
                await self._news(rung, waiting, min(deadline, clock() + RETRY_SECONDS))

    @answering
    async def Heartbeat(self, request: pb.HeartbeatRequest, context: Context) -> pb.HeartbeatResponse:
        """Keep a lease alive."""
        progress_bp = between(request.progress_bp, 0, FULL_EXPOSURE_BP, "progress_bp")
        message = text(request.message, "message")
        who = await caller(self._service, context)
        beat = self._service.jobs.heartbeat(request.job_id, request.attempt, progress_bp, message, who)
        until_us, give_up = await done(beat)
        return pb.HeartbeatResponse(lease_deadline_us=until_us, abandon=give_up)

    @answering
    async def UploadArtifact(
        self, requests: AsyncIterator[pb.UploadArtifactRequest], context: Context
    ) -> pb.UploadArtifactResponse:
        """Keep bytes under their hash, for who holds a lease or registers a first champion."""
        who = await caller(self._service, context)
        header, data = await self._taken_in(requests, Door(self._service, who))
        kept = header.sha256
        if header.WhichOneof("purpose") == "initial_version" and header.kind == pb.ARTIFACT_KIND_MANIFEST:
            first = header.initial_version
            await done(self._service.register_artifact(first.model, first.version, kept, who))
        return pb.UploadArtifactResponse(sha256=kept, size_bytes=len(data))

    @answering
    async def CompleteJob(self, request: pb.CompleteJobRequest, context: Context) -> pb.CompleteJobResponse:
        """Take a result in."""
        result, desk = await read(completion, request), self._service.desk
        who = await caller(self._service, context, request.request_id)
        ours = await read(self._service.jobs.counted, result, who)
        return await once(
            self._service, request, pb.CompleteJobResponse,
            lambda unit: pb.CompleteJobResponse(duplicate=training.complete_job(desk, unit, result, ours, who)),
        )  # fmt: skip

    @answering
    async def FailJob(self, request: pb.FailJobRequest, context: Context) -> pb.FailJobResponse:
        """Note that a worker could not finish."""
        failure = word(pb.FailureClass, request.failure, "failure", FAILURES).upper()
        message = text(request.message, "message")
        if request.isolation:
            word(pb.IsolationLevel, request.isolation, "isolation", ISOLATIONS)
        resources(request.resources)
        who, desk = await caller(self._service, context, request.request_id), self._service.desk
        return await once(
            self._service, request, pb.FailJobResponse,
            lambda unit: pb.FailJobResponse(
                retried=training.fail_job(
                    desk, unit, request.job_id, request.attempt, failure, message, who
                )
            ),
        )  # fmt: skip

    async def _news(self, rung: Rung, waiting: frozenset[tuple[str, int]], until: float) -> None:
        """Wait until other jobs wait, or until a moment. To ask for a lease is to write, and every commit rings."""
        clock = asyncio.get_running_loop().time
        while clock() < until and await read(self._service.jobs.waiting) == waiting:
            await rung(until - clock())

    async def _taken_in(
        self, requests: AsyncIterator[pb.UploadArtifactRequest], door: Door
    ) -> tuple[pb.UploadHeader, bytes]:
        """Keep the bytes that come through *door*; what was kept before, or does not come, takes no room."""
        blobs, known = self._service.desk.blobs, True
        try:
            header, data = await received(requests, door.admit)
            await door.admit_again(header)
            there = await read(blobs.exists, header.sha256)
            await read(blobs.put, data)
            known = there
        finally:
            if known:
                door.drop()
        return header, data


def job(view: JobView) -> pb.Job:
    """Write a job."""
    return pb.Job(
        job_id=view.job, kind=number(pb.JobKind, view.kind), model=view.model, attempt=view.attempt,
        lease_deadline_us=view.lease_deadline_us, heartbeat_period_us=view.heartbeat_period_us,
        spec_json=orjson.dumps(view.spec).decode(), dataset_sha256s=view.datasets,
    )  # fmt: skip


def completion(request: pb.CompleteJobRequest) -> Completion:
    """Read a result."""
    data = request.report_json.encode()
    if len(data) > MOST_REPORT_BYTES:
        raise TooLarge("report_json", len(data), MOST_REPORT_BYTES)
    try:
        report: Any = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise Invalid("report_json", f"is no JSON: {error}") from error
    if not isinstance(report, dict):
        raise Invalid("report_json", "is no JSON object")
    return Completion(
        job=request.job_id, attempt=request.attempt, report=report,
        artifacts=[sha256(one, f"artifact_sha256s[{i}]") for i, one in enumerate(request.artifact_sha256s)],
        isolation=word(pb.IsolationLevel, request.isolation, "isolation", ISOLATIONS),
        measured=resources(request.resources),
    )  # fmt: skip


def resources(used: pb.ResourceUse) -> dict[str, int]:
    """Read what an attempt has cost."""
    told = {"cpu_us": used.cpu_us, "wall_us": used.wall_us, "max_rss_bytes": used.max_rss_bytes}
    return {name: between(value, 0, MOST_RESOURCE, f"resources.{name}") for name, value in told.items()}
