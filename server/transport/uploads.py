"""Bytes that come in parts: a header that says what will come, then chunks, checked against it before any is kept."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable

from remission.v1 import training_pb2 as pb

from server.errors import Invalid, TooLarge
from server.jobs.manifests import MOST_MANIFEST_BYTES
from server.transport.calls import read
from server.transport.errors import BytesDiffer
from server.transport.fields import sha256, word

MOST_ARTIFACT_BYTES = 1 << 30
CHUNK_BYTES = 1 << 20
KINDS = ("model", "manifest")  #: datasets are written by the service alone

Admit = Callable[[pb.UploadHeader], Awaitable[None]]


async def received(parts: AsyncIterator[pb.UploadArtifactRequest], admit: Admit) -> tuple[pb.UploadHeader, bytes]:
    """Read a header, ask whether it is welcome, and read the bytes that it announces.

    Raises:
        Invalid: The header is missing, wrong, or comes twice.
        TooLarge: More is announced than is accepted.
        BytesDiffer: Other bytes came than were announced.
    """
    header: pb.UploadHeader | None = None
    data = bytearray()
    async for part in parts:
        if header is None:
            header = checked(part)
            await admit(header)
        else:
            data += chunk(part, header.size_bytes - len(data))
    if header is None:
        raise Invalid("header", "is missing; it comes first")
    if len(data) != header.size_bytes:
        raise BytesDiffer("header.size_bytes", f"{len(data)} bytes came, and {header.size_bytes} were announced")
    found = await read(lambda: hashlib.sha256(data).hexdigest())
    if found != header.sha256:
        raise BytesDiffer("header.sha256", f"the bytes have the hash {found}, and {header.sha256} was announced")
    return header, bytes(data)


def checked(part: pb.UploadArtifactRequest) -> pb.UploadHeader:
    """Check the first part."""
    if part.WhichOneof("part") != "header":
        raise Invalid("header", "is missing; it comes first")
    header = part.header
    sha256(header.sha256, "header.sha256")
    word(pb.ArtifactKind, header.kind, "header.kind", KINDS)
    if header.size_bytes < 1:
        raise Invalid("header.size_bytes", f"{header.size_bytes} is not accepted; 1 to {MOST_ARTIFACT_BYTES} is")
    most = MOST_MANIFEST_BYTES if header.kind == pb.ARTIFACT_KIND_MANIFEST else MOST_ARTIFACT_BYTES
    if header.size_bytes > most:
        raise TooLarge("header.size_bytes", header.size_bytes, most)
    if header.WhichOneof("purpose") is None:
        raise Invalid("header.purpose", "is missing; lease or initial_version is accepted")
    return header


def chunk(part: pb.UploadArtifactRequest, left: int) -> bytes:
    """Check a part behind the header, of which *left* bytes are still to come."""
    if part.WhichOneof("part") != "chunk":
        raise Invalid("chunk", "is missing; behind the header come chunks alone")
    if len(part.chunk) > CHUNK_BYTES:
        raise TooLarge("chunk", len(part.chunk), CHUNK_BYTES)
    if len(part.chunk) > left:
        raise BytesDiffer("header.size_bytes", "more bytes came than were announced")
    return part.chunk
