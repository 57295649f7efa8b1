"""Blobs under their own hash, behind fsspec: a folder, a bucket, or memory."""

import os
import re
import uuid
from pathlib import Path
from typing import Protocol

import fsspec
from fsspec.implementations.local import LocalFileSystem

from statemachine.canonical import digest
from store.errors import StoreError

_NAME = re.compile(r"[0-9a-f]{64}")


class BlobNameInvalid(StoreError):
    """A blob's name is its SHA-256: 64 lower-case hexadecimal digits."""

    def __init__(self, name: str) -> None:
        """Give the name."""
        self.name = name
        super().__init__(name=name)


class BlobMissing(StoreError):
    """There is no blob under this hash."""

    def __init__(self, sha256: str) -> None:
        """Name the hash."""
        self.sha256 = sha256
        super().__init__(sha256=sha256)


class BlobAltered(StoreError):
    """The blob does not have the hash under which it stands: it was altered since."""

    def __init__(self, sha256: str, found: str) -> None:
        """Name the hash under which it stands and the one it has."""
        self.sha256, self.found = sha256, found
        super().__init__(sha256=sha256, found=found)


class Blobs(Protocol):
    """Content-addressed bytes. What was put once is never changed."""

    def put(self, data: bytes) -> str:
        """Keep *data* and return its hash. When this returns, a loss of power does not lose it."""

    def get(self, sha256: str, offset: int = 0, length: int | None = None) -> bytes:
        """Return the bytes [offset, offset + length) of a blob whose whole was checked against its hash.

        Raises:
            BlobNameInvalid: That is no hash.
            BlobMissing: Nothing stands under it.
            BlobAltered: What stands under it has another hash.
        """

    def exists(self, sha256: str) -> bool:
        """Say whether a blob stands under this hash."""

    def size(self, sha256: str) -> int:
        """Return how many bytes the blob has."""


# fsspec comes without types, so its file system is `Any` behind this class.
class FsspecBlobs:
    """Blobs as files `ab/abcdef…` below *root*, a path or any address that fsspec knows (`memory://…`, `s3://…`)."""

    def __init__(self, root: str) -> None:
        self._files, self._root = fsspec.core.url_to_fs(root)
        self._checked: tuple[str, bytes] | None = None

    def put(self, data: bytes) -> str:
        """Keep *data* and return its hash."""
        sha256 = digest(data)
        path = self._path(sha256)
        if isinstance(self._files, LocalFileSystem):
            _write_durably(Path(path), data)
        elif not self._files.exists(path):
            self._files.makedirs(path.rpartition("/")[0], exist_ok=True)
            self._files.pipe_file(path, data)
        return sha256

    def get(self, sha256: str, offset: int = 0, length: int | None = None) -> bytes:
        """Return the bytes [offset, offset + length)."""
        data = self._whole(sha256)
        return data[offset : None if length is None else offset + length]

    def exists(self, sha256: str) -> bool:
        """Say whether a blob stands under this hash."""
        return bool(self._files.exists(self._path(sha256)))

    def size(self, sha256: str) -> int:
        """Return how many bytes the blob has."""
        return len(self._whole(sha256))

    def put_beside(self, sha256: str, suffix: str, data: bytes) -> None:
        """Keep *data* beside the place of a hash, in the place of what stands there."""
        path = self._path(sha256) + suffix
        if isinstance(self._files, LocalFileSystem):
            _write_durably(Path(path), data)
        else:
            self._files.makedirs(path.rpartition("/")[0], exist_ok=True)
            self._files.pipe_file(path, data)

    def get_beside(self, sha256: str, suffix: str) -> bytes:
        """Return what was put beside the place of a hash."""
        return bytes(self._files.cat_file(self._path(sha256) + suffix))

    def is_beside(self, sha256: str, suffix: str) -> bool:
        """Say whether anything was put beside the place of a hash."""
        return bool(self._files.exists(self._path(sha256) + suffix))

    def _whole(self, sha256: str) -> bytes:
        # A download asks for one chunk after another: the blob that was checked last is kept, so that it is read once.
        checked = self._checked
        if checked is not None and checked[0] == sha256:
            return checked[1]
        try:
            data = bytes(self._files.cat_file(self._path(sha256)))
        except FileNotFoundError as error:
            raise BlobMissing(sha256) from error
        if digest(data) != sha256:
            raise BlobAltered(sha256, digest(data))
        self._checked = (sha256, data)
        return data

    def _path(self, sha256: str) -> str:
        # Only a hash becomes a path, so no name leads out of the root.
        if not _NAME.fullmatch(sha256):
            raise BlobNameInvalid(sha256)
        return f"{self._root}/{sha256[:2]}/{sha256}"


def _write_durably(path: Path, data: bytes) -> None:
    """Write beside, sync, rename, sync the folder: the file is there whole or not at all."""
    if path.exists() and path.read_bytes() == data:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        with beside.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    _sync_folder(path.parent)
    _sync_folder(path.parent.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
