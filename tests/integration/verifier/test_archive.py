"""An archive is read only where it is plain: nothing leads out of it, is hidden in it, or is a trap."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable

import pytest
from remission_verify.archive import CHUNK_BYTES, MOST_BYTES, MOST_FILES, Archive, ArchiveTorn

from tests.fixtures.bundles import Files, checked, lived, packed, unpacked

EPOCH = (1980, 1, 1, 0, 0, 0)
REGULAR, LINK = 0o100644 << 16, 0o120777 << 16


@pytest.fixture(scope="module")
def files() -> Files:
    return unpacked(lived("blip"))


def info(name: str, **changes: object) -> zipfile.ZipInfo:
    made = zipfile.ZipInfo(name, EPOCH)
    made.create_system, made.external_attr, made.compress_type = 3, REGULAR, zipfile.ZIP_DEFLATED
    for field, value in changes.items():
        setattr(made, field, value)
    return made


def with_more(name: str, data: bytes = b"x", **changes: object) -> Callable[[Files], bytes]:
    """Put one file more into an archive that is plain otherwise."""

    def write(files: Files) -> bytes:
        out = io.BytesIO(packed(files))
        with zipfile.ZipFile(out, "a") as archive:
            archive.writestr(info(name, **changes), data)
        return out.getvalue()

    return write


def with_comment(files: Files) -> bytes:
    out = io.BytesIO(packed(files))
    with zipfile.ZipFile(out, "a") as archive:
        archive.comment = b"psst"
    return out.getvalue()


def with_gap(files: Files) -> bytes:
    """Put bytes between files and table, and let the end of the archive point behind them."""
    data, hidden = packed(files), b"hidden"
    end = data.rindex(b"PK\x05\x06")
    start = int.from_bytes(data[end + 16 : end + 20], "little")
    moved = (start + len(hidden)).to_bytes(4, "little")
    return data[:start] + hidden + data[start : end + 16] + moved + data[end + 20 :]


def otherwise_in_its_header(files: Files) -> bytes:
    """Let the header before the first file tell another date than the table."""
    data = bytearray(packed(files))
    data[12:14] = b"\x22\x00"
    return bytes(data)


def without_a_header(files: Files) -> bytes:
    return b"none" + packed(files)[4:]


def told_anew(data: bytes, name: str, at: int, value: bytes) -> bytes:
    """Let the table say something else of a file, so many bytes behind the begin of its line."""
    line = data.rindex(name.encode()) - 46
    return data[: line + at] + value + data[line + at + len(value) :]


def on_another_volume(files: Files) -> bytes:
    return told_anew(packed(files), "checkpoint", 34, b"\x01")


def larger_than_any(files: Files) -> bytes:
    """Let a file say in eight bytes that it is larger than a file may be."""
    with_field = with_more("vast", extra=struct.pack("<HHQ", 1, 8, (4 << 30) + 1))(files)
    return told_anew(with_field, "vast", 24, b"\xff" * 4)


def larger_together(files: Files) -> bytes:
    """Let files say that they are larger together than a bundle may be."""
    data = packed(files)
    for name in sorted(files)[:5]:
        data = told_anew(data, name, 24, b"\xfe\xff\xff\xff")
    return data


ODD: dict[str, tuple[Callable[[Files], bytes], str]] = {
    "a name that leads up": (with_more("../../etc/passwd"), "../../etc/passwd: expected no such file"),
    "a name from the root": (with_more("/etc/passwd"), "/etc/passwd: expected no such file"),
    "a folder": (with_more("evidence/", external_attr=0o40755 << 16), "evidence/: header: expected a regular file"),
    "a link": (
        with_more("link", b"/etc/passwd", external_attr=LINK), "link: header: expected a regular file, found mode",
    ),
    "a name twice": (with_more("checkpoint"), "checkpoint: expected each name once, found the name twice"),
    "another date": (with_more("late", date_time=(2020, 1, 1, 0, 0, 0)), "late: header: expected the date"),
    "a comment of a file": (with_more("told", comment=b"psst"), "told: header: expected no further data"),
    "further fields": (with_more("extra", extra=b"\x99\x99\x01\x00x"), "extra: header: expected no further data"),
    "another system": (with_more("dos", create_system=0), "dos: header: expected the system 3"),
    "another volume": (on_another_volume, "checkpoint: header: expected the system 3, inner marks 0 and volume 0"),
    "inner marks": (with_more("text", internal_attr=1), "text: header: expected the system 3, inner marks 0"),
    "a later format": (with_more("new", create_version=63), "new: header: expected format version 20 or 45, found 63"),
    "what wants a later format": (
        with_more("new", extract_version=63), "new: header: expected format version 20 or 45, found 20 and 63",
    ),
    "a file beyond all": (larger_than_any, "vast: header: expected at most 4294967296 bytes, found 4294967297 bytes"),
    "files beyond all": (larger_together, f"archive: expected at most {MOST_FILES} files and {MOST_BYTES} bytes"),
    "no header": (without_a_header, "checkpoint: header: expected a header before the file, found none"),
    "another way of packing": (
        with_more("bz", compress_type=zipfile.ZIP_BZIP2), "bz: header: expected stored or deflated",
    ),
    "what unpacks to far more": (with_more("bomb", bytes(1 << 20)), "bomb: header: expected a ratio of at most 128"),
    "a name that is no ASCII": (with_more("ä"), "ä: header: expected no flags, such as encryption, found flags"),
    "a comment of the archive": (with_comment, "archive: comment: expected none, found 4 bytes"),
    "bytes before the archive": (
        lambda files: b"MZ" + packed(files), "checkpoint: header: expected the file at byte 0",
    ),
    "bytes behind the archive": (lambda files: packed(files) + b"x", "archive: end: expected"),
    "bytes between files and table": (with_gap, "archive: table: expected at byte"),
    "a header that says otherwise": (otherwise_in_its_header, "checkpoint: header: expected what the table says"),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("what", ODD)
def test_what_is_not_plain_is_refused_and_named(files: Files, what: str) -> None:
    change, said = ODD[what]

    told = [str(fault) for fault in checked(change(files)).faults]

    assert [fault for fault in told if fault.startswith(said)] != [], told


def test_sizes_and_places_in_eight_bytes_are_plain_where_they_are_not_needed_too(files: Files) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in files.items():
            with archive.open(info(name), "w", force_zip64=True) as target:
                target.write(data)
    data, count = out.getvalue(), len(files)
    end = data.rindex(b"PK\x05\x06")
    size, start = struct.unpack("<II", data[end + 12 : end + 20])
    large = struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, size, start)
    large += struct.pack("<4sIQI", b"PK\x06\x07", 0, end, 1)

    assert [checked(one).faults for one in (data, data[:end] + large + data[end:])] == [[], []]


def test_a_file_and_a_line_are_read_up_to_their_bounds_and_not_beyond() -> None:
    line = b"l" * (CHUNK_BYTES + 9)
    with Archive(io.BytesIO(packed({"lines": b"\n".join([b"", line, b"end"])}))) as archive:
        assert list(archive.lines("lines", len(line))) == [b"", line, b"end"]
        assert len(archive.read("lines", len(line) + 5)) == len(line) + 5
        for read in (lambda: list(archive.lines("lines", len(line) - 1)), lambda: archive.read("lines", len(line) + 4)):
            with pytest.raises(ArchiveTorn, match=r"lines: expected .*at most"):
                read()
        with pytest.raises(ArchiveTorn, match="none: expected a file of this name"):
            archive.read("none", 1)


def test_a_file_that_says_to_be_encrypted_is_refused(files: Files) -> None:
    data = bytearray(packed(files))
    for magic, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(magic) + offset] |= 1

    assert "flags 0x1" in str(checked(bytes(data)).faults[0])


@pytest.mark.parametrize("data", [b"", b"PK", b"\x00" * 100, b"%PDF-1.7", b"PK\x05\x06" + bytes(18)])
def test_what_is_no_bundle_at_all_is_one_fault(data: bytes) -> None:
    (fault,) = checked(data).faults

    assert fault.file in ("archive", "manifest.json")
