"""An archive that strangers made: a ZIP that is read only where it is as plain as ZIPs can be.

Each byte of it belongs to a file or to the tables that name the files. Names are those that are expected, so none leads
out of a folder; nothing is there twice, hidden between files, linked, encrypted, or packed so well that it is a trap.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from remission_verify.errors import VerificationError
from remission_verify.findings import Fault, unlike

MOST_FILES = 1_000_000
MOST_FILE_BYTES = 4 << 30
MOST_BYTES = 16 << 30  #: of all files, unpacked
MOST_RATIO = 128  #: unpacked to packed; files of which it is said are stored as they are instead
CHUNK_BYTES = 1 << 20
DATE = (1980, 1, 1, 0, 0, 0)
METHODS = {zipfile.ZIP_STORED: "stored", zipfile.ZIP_DEFLATED: "deflated"}
REGULAR = 0o100644 << 16
UNIX = 3
VERSIONS = (20, 45)  #: of the format: plain, and with sizes of eight bytes
_LOCAL = struct.Struct("<4sHHHHHIIIHH")
_LOCAL_MAGIC, _LARGE = b"PK\x03\x04", 0xFFFFFFFF
_CENTRAL_BYTES, _END_BYTES, _LARGE_END_BYTES, _LARGE_EXTRA_BYTES = 46, 22, 76, 20

#: What the library raises of an archive that is torn or was altered.
TORN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError, struct.error, ValueError)


class ArchiveTorn(VerificationError):
    """The archive, or one file of it, cannot be read."""

    def __init__(self, fault: Fault) -> None:
        """Give the fault."""
        super().__init__(str(fault))
        self.fault = fault


class Archive:
    """A ZIP that is open to be read."""

    def __init__(self, source: Path | BinaryIO) -> None:
        """Open it.

        Raises:
            ArchiveTorn: It is no ZIP, or was cut off.
            OSError: It cannot be opened.
        """
        self._file: BinaryIO = source.open("rb") if isinstance(source, Path) else source
        self._owned = isinstance(source, Path)
        try:
            self._zip = zipfile.ZipFile(self._file)
        except TORN as error:
            self._close()
            raise ArchiveTorn(unlike("archive", "", "a whole ZIP", str(error) or type(error).__name__)) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._zip.close()
        self._close()

    @property
    def names(self) -> list[str]:
        """Name the files, in the order of the archive's table."""
        return self._zip.namelist()

    def faults(self) -> Iterator[Fault]:
        """Tell what is not plain: nothing, when all is."""
        seen: set[str] = set()
        infos = self._zip.infolist()
        if len(infos) > MOST_FILES or sum(info.file_size for info in infos) > MOST_BYTES:
            yield unlike("archive", "", f"at most {MOST_FILES} files and {MOST_BYTES} bytes", f"{len(infos)} files")
            return
        at = 0
        for info in infos:
            if info.filename in seen:
                yield unlike(info.filename, "", "each name once", "the name twice")
            seen.add(info.filename)
            yield from (unlike(info.filename, "header", *pair) for pair in _odd(info))
            yield from self._local(info, at)
            at = self._end_of(info)
        yield from self._tail(infos, at)

    def read(self, name: str, most: int) -> bytes:
        """Give the bytes of a file of at most *most* bytes.

        Raises:
            ArchiveTorn: It is not there, is larger, or cannot be read.
        """
        found = bytearray()
        for chunk in self.chunks(name):
            found += chunk
            if len(found) > most:
                raise ArchiveTorn(unlike(name, "", f"at most {most} bytes", "more"))
        return bytes(found)

    def chunks(self, name: str) -> Iterator[bytes]:
        """Give the bytes of a file piece by piece, and never more than its table says.

        Raises:
            ArchiveTorn: It is not there, or cannot be read.
        """
        try:
            with self._zip.open(name) as source:
                while chunk := source.read(CHUNK_BYTES):
                    yield chunk
        except KeyError as error:
            raise ArchiveTorn(unlike(name, "", "a file of this name", "none")) from error
        except TORN as error:
            raise ArchiveTorn(unlike(name, "", "a file that is whole", str(error) or type(error).__name__)) from error

    def lines(self, name: str, most: int) -> Iterator[bytes]:
        """Give the lines of a file without their ends; what stands behind the last end is a line too.

        Raises:
            ArchiveTorn: It is not there, cannot be read, or a line is longer than *most* bytes.
        """
        rest = b""
        for chunk in self.chunks(name):
            *whole, rest = (rest + chunk).split(b"\n")
            if max(map(len, (*whole, rest))) > most:
                raise ArchiveTorn(unlike(name, "", f"lines of at most {most} bytes", "a longer one"))
            yield from whole
        if rest:
            yield rest

    def _local(self, info: zipfile.ZipInfo, at: int) -> Iterator[Fault]:
        """Hold the header before a file against the table, and its place against the end of the file before it."""
        if info.header_offset != at:
            yield unlike(info.filename, "header", f"the file at byte {at}", f"byte {info.header_offset}")
            return
        head = self._header(info)
        if head is None:
            yield unlike(info.filename, "header", "a header before the file", "none")
            return
        _, needs, flags, method, time, date, crc, packed, size, name, extra = head
        large = packed == size == _LARGE
        sizes = (info.compress_size, info.file_size) if large else (packed, size)
        told = (needs, flags, method, time, date, crc, *sizes, name, extra)
        expected = (
            info.extract_version, 0, info.compress_type, 0, 0x21, info.CRC, info.compress_size, info.file_size,
            len(info.orig_filename.encode()), _LARGE_EXTRA_BYTES if large else 0,
        )  # fmt: skip
        if told != expected:
            yield unlike(info.filename, "header", f"what the table says, {expected}", str(told))

    def _end_of(self, info: zipfile.ZipInfo) -> int:
        head = self._header(info)
        lengths = head[9] + head[10] if head else 0
        return info.header_offset + _LOCAL.size + lengths + info.compress_size

    def _header(self, info: zipfile.ZipInfo) -> tuple[bytes, int, int, int, int, int, int, int, int, int, int] | None:
        self._file.seek(info.header_offset)
        data = self._file.read(_LOCAL.size)
        if len(data) != _LOCAL.size or data[:4] != _LOCAL_MAGIC:
            return None
        head: tuple[bytes, int, int, int, int, int, int, int, int, int, int] = _LOCAL.unpack(data)
        return head

    def _tail(self, infos: list[zipfile.ZipInfo], at: int) -> Iterator[Fault]:
        """Let nothing stand between the last file and the table, nor behind it."""
        if self._zip.comment:
            yield unlike("archive", "comment", "none", f"{len(self._zip.comment)} bytes")
        if self._zip.start_dir != at:
            yield unlike("archive", "table", f"at byte {at}", f"at byte {self._zip.start_dir}")
        table = sum(_CENTRAL_BYTES + len(info.orig_filename.encode()) + len(info.extra) for info in infos)
        size = self._file.seek(0, 2)
        ends = (at + table + _END_BYTES, at + table + _LARGE_END_BYTES + _END_BYTES)
        if size not in ends:
            yield unlike("archive", "end", f"{ends[0]} bytes", f"{size} bytes")

    def _close(self) -> None:
        if self._owned:
            self._file.close()


def _odd(info: zipfile.ZipInfo) -> Iterator[tuple[str, str]]:
    """Give what is odd about a file's line in the table: what was expected, and what was found."""
    trap = info.compress_type != zipfile.ZIP_STORED and info.file_size > MOST_RATIO * max(info.compress_size, 1)
    large = info.file_size >= _LARGE or info.compress_size >= _LARGE or info.header_offset >= _LARGE
    expected = {
        "a regular file": (info.external_attr == REGULAR, f"mode {info.external_attr >> 16:o}"),
        "no flags, such as encryption": (info.flag_bits == 0, f"flags {info.flag_bits:#x}"),
        "stored or deflated": (info.compress_type in METHODS, f"method {info.compress_type}"),
        f"a ratio of at most {MOST_RATIO}": (not trap, f"{info.file_size} bytes packed in {info.compress_size}"),
        f"at most {MOST_FILE_BYTES} bytes": (info.file_size <= MOST_FILE_BYTES, f"{info.file_size} bytes"),
        "no further data": (not info.comment and (large or not info.extra), "a comment, or extra fields"),
        f"the date {DATE}": (info.date_time == DATE, str(info.date_time)),
        "the system 3, inner marks 0 and volume 0": (
            (info.create_system, info.internal_attr, info.volume) == (UNIX, 0, 0),
            f"{info.create_system}, {info.internal_attr}, {info.volume}",
        ),
        "format version 20 or 45": (
            info.create_version in VERSIONS and info.extract_version in VERSIONS,
            f"{info.create_version} and {info.extract_version}",
        ),
    }
    yield from ((what, found) for what, (holds, found) in expected.items() if not holds)
