"""Blobs under their own hash, behind fsspec: a folder, a bucket, or memory."""

import re
from typing import Protocol

from statemachine.record.canonical import digest
from store.errors import StoreError
from store.folders import place_of

_NAME = re.compile(r"[0-9a-f]{64}")


class BlobNameInvalid(StoreError):
    """A blob's name is its SHA-256: 64 lower-case hexadecimal digits."""

    def __init__(self, name: str) -> None:
        """Give the name."""
        self.name = name
        super().__init__(name=name)


class BlobMissing(StoreError):
    """The artefacts that are configured hold nothing under this hash."""

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
        """Return how many bytes the blob has.

        Raises:
            BlobNameInvalid: That is no hash.
            BlobMissing: Nothing stands under it.
        """


class FsspecBlobs:
    """Blobs as files `ab/abcdef…` below *root*, a path or any address that fsspec knows (`memory://…`, `s3://…`)."""

    def __init__(self, root: str) -> None:
        self._files, self._root = place_of(root)
        self._checked: tuple[str, bytes] | None = None

    def put(self, data: bytes) -> str:
        """Keep *data* and return its hash."""
        sha256 = digest(data)
        path = self._path(sha256)
        self._files.add(path, data)
        return sha256

    def get(self, sha256: str, offset: int = 0, length: int | None = None) -> bytes:
        """Return the bytes [offset, offset + length)."""
        data = self._whole(sha256)
        return data[offset : None if length is None else offset + length]

    def exists(self, sha256: str) -> bool:
        """Say whether a blob stands under this hash."""
        return self._files.exists(self._path(sha256))

    def size(self, sha256: str) -> int:
        """Return how many bytes the blob has, without a look at them."""
        try:
            return self._files.size(self._path(sha256))
        except FileNotFoundError as error:
            raise BlobMissing(sha256) from error

    def put_beside(self, sha256: str, suffix: str, data: bytes) -> None:
        """Keep *data* beside the place of a hash, in the place of what stands there."""
        self._files.put(self._path(sha256) + suffix, data)

    def get_beside(self, sha256: str, suffix: str) -> bytes:
        """Return what was put beside the place of a hash."""
        return self._files.get(self._path(sha256) + suffix)

    def is_beside(self, sha256: str, suffix: str) -> bool:
        """Say whether anything was put beside the place of a hash."""
        return self._files.exists(self._path(sha256) + suffix)

    def _whole(self, sha256: str) -> bytes:
        # A download asks for one chunk after another: the blob that was checked last is kept, so that it is read once.
        checked = self._checked
        if checked is not None and checked[0] == sha256:
            return checked[1]
        try:
            data = self._files.get(self._path(sha256))
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
