"""Calls of trainers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping

from remission.connection import Connection, new_id
from remission.v1 import training_pb2, training_pb2_grpc
from remission.v1.training_pb2 import FailureClass, IsolationLevel, JobKind, LeaseRef, VersionRef

CHUNK_BYTES = 1024 * 1024
_UPLOAD_TIMEOUT_SECONDS = 600.0


class Training:
    """Gives work to trainers; a lease's attempt number fences off those who lost it (`FailedPreconditionError`)."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._stub = training_pb2_grpc.TrainingServiceStub(connection.channel)

    def lease(
        self, worker_id: str, *, kinds: Iterable[JobKind.ValueType] = (), wait_seconds: int = 0, request_id: str = ""
    ) -> training_pb2.Job | None:
        """Return the oldest waiting job, or None after *wait_seconds* without one (at most 60)."""
        request = training_pb2.LeaseJobRequest(
            request_id=request_id or new_id(), worker_id=worker_id, kinds=kinds, wait_seconds=wait_seconds
        )
        timeout = self._connection.timeout + wait_seconds
        answer = self._connection.call(self._stub.LeaseJob, request, timeout)
        return answer.job if answer.HasField("job") else None

    def heartbeat(
        self, job: training_pb2.Job, *, progress_bp: int = 0, message: str = ""
    ) -> training_pb2.HeartbeatResponse:
        """Prolong a lease; the answer says when it ends now, and whether the result is no longer wanted."""
        request = training_pb2.HeartbeatRequest(
            job_id=job.job_id, attempt=job.attempt, progress_bp=progress_bp, message=message
        )
        return self._connection.call(self._stub.Heartbeat, request)

    def upload(
        self, data: bytes, kind: training_pb2.ArtifactKind.ValueType, purpose: training_pb2.Job | VersionRef
    ) -> str:
        """Store bytes and return their hash; *purpose* is the job that made them, or a model's initial version."""
        digest = hashlib.sha256(data).hexdigest()
        header = training_pb2.UploadHeader(sha256=digest, size_bytes=len(data), kind=kind)
        if isinstance(purpose, VersionRef):
            header.initial_version.CopyFrom(purpose)
        else:
            header.lease.CopyFrom(LeaseRef(job_id=purpose.job_id, attempt=purpose.attempt))

        def attempt(header: training_pb2.UploadHeader, /, timeout: float | None = None) -> str:
            return self._stub.UploadArtifact(_parts(header, data), timeout=timeout).sha256

        return self._connection.call(attempt, header, _UPLOAD_TIMEOUT_SECONDS)

    def complete(
        self,
        job: training_pb2.Job,
        report: Mapping[str, object],
        artifact_sha256s: Iterable[str],
        isolation: IsolationLevel.ValueType,
        *,
        resources: training_pb2.ResourceUse | None = None,
        request_id: str = "",
    ) -> None:
        """Report success; every artefact was uploaded before."""
        request = training_pb2.CompleteJobRequest(
            request_id=request_id or new_id(),
            job_id=job.job_id,
            attempt=job.attempt,
            report_json=json.dumps(report, allow_nan=False),
            artifact_sha256s=artifact_sha256s,
            isolation=isolation,
            resources=resources,
        )
        self._connection.call(self._stub.CompleteJob, request)

    def fail(
        self,
        job: training_pb2.Job,
        failure: FailureClass.ValueType,
        message: str,
        isolation: IsolationLevel.ValueType,
        *,
        resources: training_pb2.ResourceUse | None = None,
        request_id: str = "",
    ) -> bool:
        """Report failure, and tell whether the job is tried again."""
        request = training_pb2.FailJobRequest(
            request_id=request_id or new_id(),
            job_id=job.job_id,
            attempt=job.attempt,
            failure=failure,
            message=message[:2_000],
            isolation=isolation,
            resources=resources,
        )
        return self._connection.call(self._stub.FailJob, request).retried


def _parts(header: training_pb2.UploadHeader, data: bytes) -> Iterator[training_pb2.UploadArtifactRequest]:
    yield training_pb2.UploadArtifactRequest(header=header)
    for start in range(0, len(data), CHUNK_BYTES):
        yield training_pb2.UploadArtifactRequest(chunk=data[start : start + CHUNK_BYTES])
