"""Where blobs stand: a folder of this machine, or a place that fsspec reaches."""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from typing import Any, Protocol


class Place(Protocol):
    """Files under paths."""

    def put(self, path: str, data: bytes) -> None:
        """Keep *data* in the place of what stands there. When this returns, a loss of power does not lose it."""

    def add(self, path: str, data: bytes) -> None:
        """Keep *data* under a path that no other bytes have; what stands there may be left alone."""

    def get(self, path: str) -> bytes:
        """Return what stands there.

        Raises:
            FileNotFoundError: Nothing does.
        """

    def exists(self, path: str) -> bool:
        """Say whether anything stands there."""

    def size(self, path: str) -> int:
        """Say how many bytes stand there.

        Raises:
            FileNotFoundError: Nothing does.
        """


class Folder:
    """Files of this machine."""

    def put(self, path: str, data: bytes) -> None:
        """Write beside, sync, rename, sync the folder: the file is there whole or not at all."""
        _write_durably(Path(path), data)

    def add(self, path: str, data: bytes) -> None:
        """Write, unless these bytes stand there; those that were altered since are repaired."""
        _write_durably(Path(path), data)

    def get(self, path: str) -> bytes:
        """Return what stands there."""
        return Path(path).read_bytes()

    def exists(self, path: str) -> bool:
        """Say whether anything stands there."""
        return Path(path).exists()

    def size(self, path: str) -> int:
        """Say how many bytes stand there."""
        return Path(path).stat().st_size


class Bucket:
    """Files that fsspec reaches; what it does not lose is its provider's promise."""

    # fsspec comes without types, so its file system is `Any` behind this class.
    def __init__(self, files: Any) -> None:  # noqa: ANN401
        self._files = files

    def put(self, path: str, data: bytes) -> None:
        """Keep *data* in the place of what stands there."""
        self._files.makedirs(path.rpartition("/")[0], exist_ok=True)
        self._files.pipe_file(path, data)

    def add(self, path: str, data: bytes) -> None:
        """Write, unless there is a file of this name: to look costs less than to send."""
        if not self.exists(path):
            self.put(path, data)

    def get(self, path: str) -> bytes:
        """Return what stands there."""
        return bytes(self._files.cat_file(path))

    def exists(self, path: str) -> bool:
        """Say whether anything stands there."""
        return bool(self._files.exists(path))

    def size(self, path: str) -> int:
        """Say how many bytes stand there."""
        return int(self._files.size(path))


def place_of(root: str) -> tuple[Place, str]:
    """Give the place that *root* names, a path or any address that fsspec knows, and the path of the root there."""
    if "://" not in root:
        return Folder(), str(Path(root).absolute())
    # A folder, which is the usual place, is reached without it.
    import fsspec
    from fsspec.implementations.local import LocalFileSystem

    files, path = fsspec.core.url_to_fs(root)
    return (Folder() if isinstance(files, LocalFileSystem) else Bucket(files)), path


def _write_durably(path: Path, data: bytes) -> None:
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
