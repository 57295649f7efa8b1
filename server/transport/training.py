"""TrainingService and ArtifactService: jobs go out, results and bytes come in, bytes go out again."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from typing import Any

from remission.v1 import artifact_pb2, artifact_pb2_grpc, training_pb2_grpc
from remission.v1 import training_pb2 as pb

from server import registration, training
from server.errors import Invalid, ThingMissing, TooLarge
from server.requests import Completion
from server.service import Service
from server.transport.calls import Context, answering, caller, done, once, read, streaming
from server.transport.fields import identifier, model_name, number, sha256, word
from server.transport.wake import Bell
from server.views import JobView

KINDS = ("challenge", "remedy")
FAILURES = (
    "out_of_memory", "cpu_exceeded", "wall_exceeded", "crashed", "bad_output", "policy_refused", "unavailable",
)  # fmt: skip
ISOLATIONS = ("none", "limits", "offline", "sealed")
MOST_ARTIFACT_BYTES = 1 << 30
MOST_WAIT_SECONDS = 60
CHUNK_BYTES = 1 << 20


class TrainingServicer(training_pb2_grpc.TrainingServiceServicer):
    """Jobs for workers."""

    def __init__(self, service: Service, bell: Bell) -> None:
        self._service, self._bell = service, bell

    @answering
    async def LeaseJob(self, request: pb.LeaseJobRequest, context: Context) -> pb.LeaseJobResponse:
        """Give the oldest job that waits, or wait for one."""
        identifier(request.request_id, "request_id")
        worker = identifier(request.worker_id, "worker_id")
        if not 0 <= request.wait_seconds <= MOST_WAIT_SECONDS:
            raise Invalid("wait_seconds", f"{request.wait_seconds} is not accepted; 0 to {MOST_WAIT_SECONDS} is")
        kinds = tuple(word(pb.JobKind, one, f"kinds[{i}]", KINDS) for i, one in enumerate(request.kinds))
        deadline = asyncio.get_running_loop().time() + request.wait_seconds
        with self._bell.listener() as rung:
            while True:
                found = await done(self._service.lease_job(worker, kinds, caller(context, request.request_id)))
                left = deadline - asyncio.get_running_loop().time()
                if found is not None or left <= 0:
                    return pb.LeaseJobResponse(job=job(found) if found else None)
                await rung(min(left, 1.0))

    @answering
    async def Heartbeat(self, request: pb.HeartbeatRequest, _: Context) -> pb.HeartbeatResponse:
        """Keep a lease alive."""
        until_us, give_up = await done(
            self._service.heartbeat(request.job_id, request.attempt, request.progress_bp, request.message)
        )
        return pb.HeartbeatResponse(lease_deadline_us=until_us, abandon=give_up)

    @answering
    async def UploadArtifact(
        self, requests: AsyncIterator[pb.UploadArtifactRequest], context: Context
    ) -> pb.UploadArtifactResponse:
        """Keep bytes under their hash, for who holds a lease or registers a first champion."""
        header, data = await _received(requests)
        purpose = header.WhichOneof("purpose")
        if purpose == "lease":
            lease = header.lease
            await read(
                lambda: self._service.store.read(lambda reader: training.held(reader, lease.job_id, lease.attempt))
            )
        elif purpose == "initial_version":
            model_name(header.initial_version.model, "header.initial_version.model")
        else:
            raise Invalid("header.purpose", "is missing; lease or initial_version is accepted")
        kept = await read(lambda: self._service.desk.blobs.put(data))
        if purpose == "initial_version" and header.kind == pb.ARTIFACT_KIND_MANIFEST:
            first, who, desk = header.initial_version, caller(context), self._service.desk
            await done(
                self._service.do(
                    lambda unit: registration.register_artifact(desk, unit, first.model, first.version, kept, who)
                )
            )
        return pb.UploadArtifactResponse(sha256=kept, size_bytes=len(data))

    @answering
    async def CompleteJob(self, request: pb.CompleteJobRequest, context: Context) -> pb.CompleteJobResponse:
        """Take a result in."""
        result, who, desk = completion(request), caller(context, request.request_id), self._service.desk
        return await once(
            self._service, request, pb.CompleteJobResponse,
            lambda unit: pb.CompleteJobResponse(duplicate=training.complete_job(desk, unit, result, who)),
        )  # fmt: skip

    @answering
    async def FailJob(self, request: pb.FailJobRequest, context: Context) -> pb.FailJobResponse:
        """Note that a worker could not finish."""
        failure = word(pb.FailureClass, request.failure, "failure", FAILURES).upper()
        who, desk = caller(context, request.request_id), self._service.desk
        return await once(
            self._service, request, pb.FailJobResponse,
            lambda unit: pb.FailJobResponse(
                retried=training.fail_job(
                    desk, unit, request.job_id, request.attempt, failure, request.message, who
                )
            ),
        )  # fmt: skip


class ArtifactServicer(artifact_pb2_grpc.ArtifactServiceServicer):
    """Bytes by their hash."""

    def __init__(self, service: Service) -> None:
        self._service = service

    @answering
    async def GetManifest(
        self, request: artifact_pb2.GetManifestRequest, _: Context
    ) -> artifact_pb2.GetManifestResponse:
        """Tell where a version's bytes come from and how they are loaded."""
        if request.WhichOneof("by") == "version":
            wanted = request.version
            sha = await read(lambda: self._service.manifest(wanted.model, wanted.version))
            if not sha:
                raise ThingMissing("version", f"the bytes of {wanted.version!r} of {wanted.model!r} were never kept")
        else:
            sha = sha256(request.sha256)
        data = await read(lambda: self._service.desk.blobs.get(sha))
        return artifact_pb2.GetManifestResponse(
            manifest=artifact_pb2.Manifest(sha256=sha, version=request.version, manifest_json=data.decode())
        )

    @streaming
    async def Download(
        self, request: artifact_pb2.DownloadRequest, _: Context
    ) -> AsyncIterator[artifact_pb2.DownloadResponse]:
        """Give the bytes with a hash, from an offset on."""
        sha = sha256(request.sha256)
        data = await read(lambda: self._service.desk.blobs.get(sha))
        if not 0 <= request.offset <= len(data):
            raise Invalid("offset", f"{request.offset} is not accepted; 0 to {len(data)} is")
        for at in range(request.offset, max(len(data), 1), CHUNK_BYTES):
            yield artifact_pb2.DownloadResponse(offset=at, chunk=data[at : at + CHUNK_BYTES], size_bytes=len(data))


def job(view: JobView) -> pb.Job:
    """Write a job."""
    return pb.Job(
        job_id=view.job, kind=number(pb.JobKind, view.kind), model=view.model, attempt=view.attempt,
        lease_deadline_us=view.lease_deadline_us, heartbeat_period_us=view.heartbeat_period_us,
        spec_json=json.dumps(view.spec), dataset_sha256s=view.datasets,
    )  # fmt: skip


def completion(request: pb.CompleteJobRequest) -> Completion:
    """Read a result."""
    try:
        report: Any = json.loads(request.report_json)
    except json.JSONDecodeError as error:
        raise Invalid("report_json", f"is no JSON: {error}") from error
    if not isinstance(report, dict):
        raise Invalid("report_json", "is no object")
    used = request.resources
    return Completion(
        job=request.job_id, attempt=request.attempt, report=report,
        artifacts=[sha256(one, f"artifact_sha256s[{i}]") for i, one in enumerate(request.artifact_sha256s)],
        isolation=word(pb.IsolationLevel, request.isolation, "isolation", ISOLATIONS),
        measured={"cpu_us": used.cpu_us, "wall_us": used.wall_us, "max_rss_bytes": used.max_rss_bytes},
    )  # fmt: skip


async def _received(requests: AsyncIterator[pb.UploadArtifactRequest]) -> tuple[pb.UploadHeader, bytes]:
    """Read a header and the bytes that it announces, and check both against each other."""
    header: pb.UploadHeader | None = None
    data = bytearray()
    async for request in requests:
        if header is None:
            if request.WhichOneof("part") != "header":
                raise Invalid("header", "is missing; it comes first")
            header = request.header
            sha256(header.sha256, "header.sha256")
            if not 0 <= header.size_bytes <= MOST_ARTIFACT_BYTES:
                raise TooLarge("header.size_bytes", header.size_bytes, MOST_ARTIFACT_BYTES)
            continue
        data += request.chunk
        if len(data) > header.size_bytes:
            raise Invalid("chunk", f"more than the {header.size_bytes} bytes that the header announced")
    if header is None:
        raise Invalid("header", "is missing; it comes first")
    if len(data) != header.size_bytes or hashlib.sha256(data).hexdigest() != header.sha256:
        raise Invalid("header.sha256", f"{len(data)} bytes came, of another hash or length than announced")
    return header, bytes(data)
