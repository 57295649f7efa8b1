"""Calls that fetch bytes by their hash."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

import grpc

from remission.connection import Connection
from remission.errors import make_error
from remission.v1 import artifact_pb2, artifact_pb2_grpc
from remission.v1.training_pb2 import VersionRef

_DOWNLOAD_TIMEOUT_SECONDS = 600.0


class Artifacts:
    """Hands out model artefacts, manifests and datasets."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._stub = artifact_pb2_grpc.ArtifactServiceStub(connection.channel)

    def manifest(self, sha256: str) -> str:
        """Return the manifest with this hash, canonical JSON, verified.

        Raises:
            DataLossError: The document that came has another hash.
        """
        request = artifact_pb2.GetManifestRequest(sha256=sha256)
        document = self._connection.call(self._stub.GetManifest, request).manifest.manifest_json
        return _verified(document.encode(), sha256).decode()

    def manifest_of(self, model: str, version: str) -> artifact_pb2.Manifest:
        """Return the manifest of a version, with its hash."""
        request = artifact_pb2.GetManifestRequest(version=VersionRef(model=model, version=version))
        return self._connection.call(self._stub.GetManifest, request).manifest

    def download(self, sha256: str) -> bytes:
        """Return the bytes with this hash, verified; a broken stream is resumed where it broke.

        Raises:
            DataLossError: The bytes that came have another hash.
        """
        data = bytearray()

        def resume(digest: str, /, timeout: float | None = None) -> bytes:
            request = artifact_pb2.DownloadRequest(sha256=digest, offset=len(data))
            for chunk in _chunks(self._stub.Download(request, timeout=timeout), len(data)):
                data.extend(chunk)
            return bytes(data)

        return _verified(self._connection.call(resume, sha256, _DOWNLOAD_TIMEOUT_SECONDS), sha256)


def _chunks(answers: Iterable[artifact_pb2.DownloadResponse], offset: int) -> Iterator[bytes]:
    for answer in answers:
        if answer.offset != offset:
            raise make_error(grpc.StatusCode.DATA_LOSS, f"expected bytes from {offset}, got {answer.offset}")
        offset += len(answer.chunk)
        yield answer.chunk


def _verified(data: bytes, sha256: str) -> bytes:
    actual = hashlib.sha256(data).hexdigest()
    if actual != sha256:
        raise make_error(grpc.StatusCode.DATA_LOSS, f"expected bytes with hash {sha256}, got {actual}")
    return data
