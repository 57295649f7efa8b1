"""What is uploaded under one lease is bounded together, however it is cut, and however many come at once."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest
from remission import Client
from remission.errors import CallError, DataLossError, FailedPreconditionError, ResourceExhaustedError, translate
from remission.v1 import training_pb2 as pb
from remission.v1 import training_pb2_grpc

from server.jobs.allowance import MOST_ARTIFACT_BYTES, MOST_UPLOADS
from tests.fixtures.listeners import in_memory
from tests.integration.server.life import QUIET, Life

PATIENCE_SECONDS = 20.0
MODEL = pb.ARTIFACT_KIND_MODEL

Send = Callable[[Iterator[pb.UploadArtifactRequest]], Any]


@pytest.fixture
def target() -> Iterator[str]:
    with in_memory() as address:
        yield address


@pytest.fixture
def leased(target: str) -> Iterator[Life]:
    """Give an ill model whose remedy a worker has begun to train."""
    with Client(target, timeout=10.0) as client:
        life = Life(client, QUIET)
        life.decline()
        life.lease()
        yield life


@pytest.fixture
def send(target: str) -> Iterator[Send]:
    """Give what sends the parts of an upload, and tells what became of it when asked."""
    with grpc.insecure_channel(target) as channel:
        stub = training_pb2_grpc.TrainingServiceStub(channel)
        yield lambda parts: stub.UploadArtifact.future(parts, timeout=PATIENCE_SECONDS)


def announced(job: pb.Job, size: int, sha256: str = "0" * 64) -> pb.UploadArtifactRequest:
    lease = pb.LeaseRef(job_id=job.job_id, attempt=job.attempt)
    header = pb.UploadHeader(sha256=sha256, size_bytes=size, kind=MODEL, lease=lease)
    return pb.UploadArtifactRequest(header=header)


def said(answer: Any) -> CallError:
    """Give the error that an upload ends with."""
    with pytest.raises(grpc.RpcError) as caught:
        answer.result(PATIENCE_SECONDS)
    return translate(caught.value)


def test_many_small_uploads_are_refused_together_and_what_was_kept_can_be_handed_in(leased: Life) -> None:
    upload, kept = leased.client.training.upload, leased.trained()
    for number in range(MOST_UPLOADS - len(kept)):
        upload(b"padding %d" % number, MODEL, leased.job)

    with pytest.raises(ResourceExhaustedError, match=f"{MOST_UPLOADS} uploads are accepted together") as caught:
        upload(b"one more", MODEL, leased.job)

    assert (caught.value.reason, [one.field for one in caught.value.violations]) == ("LEASE_USED_UP", ["header"])
    leased.hand_in(leased.report(), *kept)
    assert leased.place == "canary.shadow"


def test_bytes_that_are_there_already_are_accepted_again_and_take_no_room(leased: Life) -> None:
    upload = leased.client.training.upload
    kept = {upload(b"the same", MODEL, leased.job) for _ in range(2 * MOST_UPLOADS)}

    assert kept == {hashlib.sha256(b"the same").hexdigest()}


def test_bytes_that_come_to_nothing_take_no_room(leased: Life, send: Send) -> None:
    for _ in range(2 * MOST_UPLOADS):
        wrong = [announced(leased.job, 5), pb.UploadArtifactRequest(chunk=b"other")]
        assert isinstance(said(send(iter(wrong))), DataLossError)

    leased.complete()
    assert leased.place == "canary.shadow"


def test_many_at_once_are_no_way_around_the_bound(leased: Life, send: Send) -> None:
    leave, begun = threading.Event(), [threading.Semaphore(0), threading.Semaphore(0)]

    def slow(taken: threading.Semaphore) -> Iterator[pb.UploadArtifactRequest]:
        yield announced(leased.job, MOST_ARTIFACT_BYTES)
        taken.release()  # the header was asked for, and is on its way
        leave.wait(PATIENCE_SECONDS)

    def third() -> CallError:
        return said(send(iter([announced(leased.job, MOST_ARTIFACT_BYTES)])))

    held = [send(slow(one)) for one in begun]
    assert all(one.acquire(timeout=PATIENCE_SECONDS) for one in begun)
    refused = _until(third, ResourceExhaustedError)
    leave.set()
    ends = [said(one) for one in held]
    after = _until(third, DataLossError)

    assert [one.field for one in refused.violations] == ["header.size_bytes"]
    assert "of these are left: 67108864" in str(refused)
    assert all(isinstance(one, DataLossError) for one in ends)
    assert "0 bytes came" in str(after)


def test_nothing_is_uploaded_for_a_job_that_was_handed_in(leased: Life) -> None:
    leased.complete()

    with pytest.raises(FailedPreconditionError, match="has handed the job in") as caught:
        leased.client.training.upload(b"late", MODEL, leased.job)
    assert caught.value.reason == "LEASE_LOST"


def _until(ask: Callable[[], CallError], kind: type[CallError]) -> CallError:
    """Ask until the answer is of this *kind*: what others have begun, or ended, is on its way."""
    for _ in range(200):
        found = ask()
        if isinstance(found, kind):
            return found
    raise AssertionError(f"it is never answered by {kind.__name__}, but by {found}")
