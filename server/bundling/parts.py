"""The files of an archive: each is counted and hashed while it is written, then all are packed, always alike."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from remission_verify.placing import FULL
from remission_verify.sealed import SEALED

from server.errors import NoRoom

CHUNK_BYTES = 1 << 20
EPOCH = (1980, 1, 1, 0, 0, 0)  #: the earliest time that the format knows
REGULAR = 0o100644 << 16
UNIX = 3
#: What packs better than this is stored as it is, so that a reader may take a higher ratio for a trap.
MOST_RATIO = 100


@contextlib.contextmanager
def room() -> Iterator[None]:
    """Do what fills the folder of temporary files.

    Raises:
        NoRoom: It is full.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise NoRoom(tempfile.gettempdir(), str(error.strerror)) from error


class Part:
    """A file under construction."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._digest, self.size = file, hashlib.sha256(), 0

    def write(self, data: bytes) -> None:
        """Write on."""
        self._file.write(data)
        self._digest.update(data)
        self.size += len(data)

    @property
    def sha256(self) -> str:
        """The hash of what was written so far."""
        return self._digest.hexdigest()


class Parts:
    """Files by name, in a folder of their own until they are packed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.files: dict[str, dict[str, str | int]] = {}

    @contextlib.contextmanager
    def writing(self, name: str) -> Iterator[Part]:
        """Give a part to write to."""
        with self._file(name).open("wb") as file:
            part = Part(file)
            yield part
        self.files[name] = {"sha256": part.sha256, "size": part.size}

    def put(self, name: str, data: bytes) -> None:
        """Write a whole part."""
        with self.writing(name) as part:
            part.write(data)

    def pack(self, out: BinaryIO) -> None:
        """Write the archive: names in order, the same dates and rights, so that equal parts give equal bytes."""
        with zipfile.ZipFile(out, "w") as archive:
            for name in sorted(self.files):
                info = zipfile.ZipInfo(name, EPOCH)
                info.create_system, info.external_attr = UNIX, REGULAR
                info.compress_type = self._method(name)
                info.file_size = int(self.files[name]["size"])  # so that what is large gets the large form
                with self._file(name).open("rb") as source, archive.open(info, "w") as target:
                    shutil.copyfileobj(source, target, CHUNK_BYTES)

    def _method(self, name: str) -> int:
        if name == SEALED:
            return zipfile.ZIP_STORED  # ciphertext does not pack
        packer, packed = zlib.compressobj(wbits=-zlib.MAX_WBITS), 0
        with self._file(name).open("rb") as source:
            while chunk := source.read(CHUNK_BYTES):
                packed += len(packer.compress(chunk))
        packed += len(packer.flush())
        small = int(self.files[name]["size"]) > MOST_RATIO * packed
        return zipfile.ZIP_STORED if small else zipfile.ZIP_DEFLATED

    def _file(self, name: str) -> Path:
        return self._folder / name.replace("/", "-")
