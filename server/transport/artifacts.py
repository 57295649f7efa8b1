"""ArtifactService: bytes go out by their hash."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from remission.v1 import artifact_pb2 as pb
from remission.v1 import artifact_pb2_grpc

from retraining.artifact import Manifest, ManifestInvalid
from server.errors import Invalid, ThingMissing
from server.service import Service
from server.transport.calls import Context, answering, read, streaming
from server.transport.errors import BehindTheEnd
from server.transport.fields import model_name, sha256

CHUNK_BYTES = 1 << 20


class ArtifactServicer(artifact_pb2_grpc.ArtifactServiceServicer):
    """Bytes by their hash."""

    def __init__(self, service: Service) -> None:
        self._service = service

    @answering
    async def GetManifest(self, request: pb.GetManifestRequest, _: Context) -> pb.GetManifestResponse:
        """Tell where a version's bytes come from and how they are loaded."""
        sha = await read(self._named, request)
        document = await read(self._document, sha)
        return pb.GetManifestResponse(
            manifest=pb.Manifest(sha256=sha, version=request.version, manifest_json=document.decode())
        )

    @streaming
    async def Download(self, request: pb.DownloadRequest, _: Context) -> AsyncGenerator[pb.DownloadResponse, None]:
        """Give the bytes with a hash, from an offset on."""
        data = await read(self._service.desk.blobs.get, sha256(request.sha256))
        if request.offset < 0:
            raise Invalid("offset", f"{request.offset} is negative; 0 to {len(data)} is accepted")
        if request.offset > len(data):
            raise BehindTheEnd(request.offset, len(data))
        for at in range(request.offset, len(data), CHUNK_BYTES):
            yield pb.DownloadResponse(offset=at, chunk=data[at : at + CHUNK_BYTES], size_bytes=len(data))

    def _named(self, request: pb.GetManifestRequest) -> str:
        match request.WhichOneof("by"):
            case "version":
                wanted = request.version
                sha = self._service.manifest(model_name(wanted.model, "version.model"), wanted.version)
                if not sha:
                    raise ThingMissing(
                        "version", f"the bytes of {wanted.version!r} of {wanted.model!r} were never kept"
                    )
                return sha
            case "sha256":
                return sha256(request.sha256)
            case _:
                raise Invalid("by", "is missing; sha256 or version is accepted")

    def _document(self, sha: str) -> bytes:
        data = self._service.desk.blobs.get(sha)
        try:
            Manifest.from_bytes(data)
        except ManifestInvalid as error:
            raise ThingMissing("sha256", f"what stands under it is no manifest: {error}") from error
        return data
