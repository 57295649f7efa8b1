"""Bytes that come in parts: a header that says what will come, then chunks, checked against it before any is kept."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable

from remission.v1 import training_pb2 as pb

from server.act import Caller
from server.errors import Invalid, TooLarge
from server.jobs.allowance import MOST_ARTIFACT_BYTES
from server.jobs.manifests import MOST_MANIFEST_BYTES
from server.service import Service
from server.transport.calls import done, naming, read
from server.transport.errors import BytesDiffer
from server.transport.fields import model_name, sha256, word
from statemachine.errors import Refused
from statemachine.words import State
from store.errors import StoreClosed

CHUNK_BYTES = 1 << 20
KINDS = ("model", "manifest")  #: datasets are written by the service alone

Admit = Callable[[pb.UploadHeader], Awaitable[None]]


class Door:
    """Lets the bytes of one caller in: as many as go under its lease, or those of a model that is under watch."""

    def __init__(self, service: Service, who: Caller) -> None:
        self._service, self._who = service, who
        self._counted: tuple[str, int, int] | None = None

    async def admit(self, header: pb.UploadHeader) -> None:
        """Let what is announced come, and count it under its lease."""
        if header.WhichOneof("purpose") == "lease":
            counted = header.lease.job_id, header.lease.attempt, header.size_bytes
            await done(self._service.jobs.begin_upload(*counted, self._who))
            self._counted = counted
        else:
            await self._admit_first(header.initial_version.model)

    async def admit_again(self, header: pb.UploadHeader) -> None:
        """Look once more when the bytes are here: a lease can be lost while they are on their way."""
        if header.WhichOneof("purpose") == "lease":
            lease = header.lease
            await read(self._service.jobs.held, lease.job_id, lease.attempt, "upload", self._who)
        else:
            await self._admit_first(header.initial_version.model)

    def drop(self) -> None:
        """Count no more what took no room. Nobody waits for that: its caller may have left."""
        counted, self._counted = self._counted, None
        if counted is not None:
            with contextlib.suppress(StoreClosed):  # what is counted at its end stays so
                self._service.jobs.drop_upload(*counted)

    async def _admit_first(self, model: str) -> None:
        with naming("header.initial_version.model"):
            view = await read(self._service.state, model_name(model, "header.initial_version.model"))
        if view.state == State.RETIRED:
            raise Refused("upload", view.state, "the model is retired", ("CreateModel under another name",))


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
