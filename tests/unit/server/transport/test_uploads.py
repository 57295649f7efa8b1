from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from remission.v1 import training_pb2 as pb

from server.errors import Invalid, RequestError, ThingMissing, TooLarge
from server.transport.errors import BytesDiffer, TransportError
from server.transport.uploads import received

DATA = b"a model" * 1_000
LEASE = pb.LeaseRef(job_id="j", attempt=1)


def header(**changes: Any) -> pb.UploadArtifactRequest:
    fields: dict[str, Any] = {
        "sha256": hashlib.sha256(DATA).hexdigest(), "size_bytes": len(DATA), "kind": pb.ARTIFACT_KIND_MODEL,
        "lease": LEASE,
    }  # fmt: skip
    return pb.UploadArtifactRequest(header=pb.UploadHeader(**{**fields, **changes}))


def chunk(data: bytes) -> pb.UploadArtifactRequest:
    return pb.UploadArtifactRequest(chunk=data)


async def welcome(_: pb.UploadHeader) -> None:
    """Refuse nobody."""


async def of(parts: list[pb.UploadArtifactRequest]) -> AsyncIterator[pb.UploadArtifactRequest]:
    for part in parts:
        yield part


def refusal(*parts: pb.UploadArtifactRequest) -> Exception:
    with pytest.raises((RequestError, TransportError)) as caught:
        asyncio.run(received(of(list(parts)), welcome))
    return caught.value


def test_chunks_become_the_bytes_that_were_announced() -> None:
    _, data = asyncio.run(received(of([header(), chunk(DATA[:10]), chunk(DATA[10:])]), welcome))

    assert data == DATA


@pytest.mark.parametrize(
    ("parts", "field"),
    [
        ([], "header"),
        ([chunk(DATA)], "header"),
        ([header(), header()], "chunk"),
        ([header(sha256="../x")], "header.sha256"),
        ([header(kind=pb.ARTIFACT_KIND_UNSPECIFIED)], "header.kind"),
        ([header(kind=pb.ARTIFACT_KIND_DATASET)], "header.kind"),
        ([header(size_bytes=0)], "header.size_bytes"),
        ([header(lease=None)], "header.purpose"),
    ],
)
def test_a_header_that_cannot_be_taken_is_refused_by_name(parts: list[pb.UploadArtifactRequest], field: str) -> None:
    error = refusal(*parts)

    assert isinstance(error, Invalid)
    assert error.violations[0][0] == field


@pytest.mark.parametrize(
    "parts",
    [
        [header(size_bytes=(1 << 30) + 1)],
        [header(size_bytes=(32 << 20) + 1, kind=pb.ARTIFACT_KIND_MANIFEST)],
        [header(size_bytes=2 << 20), chunk(bytes((1 << 20) + 1))],
    ],
)
def test_what_is_too_large_is_refused_before_it_is_taken_in(parts: list[pb.UploadArtifactRequest]) -> None:
    assert isinstance(refusal(*parts), TooLarge)


@pytest.mark.parametrize(
    "parts",
    [
        [header(), chunk(DATA[1:])],
        [header(), chunk(DATA + b"!")],
        [header(), chunk(DATA[:-1] + b"!")],
    ],
)
def test_other_bytes_than_were_announced_are_damage(parts: list[pb.UploadArtifactRequest]) -> None:
    assert isinstance(refusal(*parts), BytesDiffer)


def test_who_is_not_welcome_is_told_before_the_first_chunk_is_read() -> None:
    async def not_welcome(_: pb.UploadHeader) -> None:
        raise ThingMissing("job_id", "unknown")

    async def endless() -> AsyncIterator[pb.UploadArtifactRequest]:
        yield header()
        raise AssertionError("a chunk was asked for")

    with pytest.raises(ThingMissing):
        asyncio.run(received(endless(), not_welcome))
