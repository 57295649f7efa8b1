"""Parts are packed always alike, and what would look like a trap to a reader is stored as it is."""

from __future__ import annotations

import io
import random
import zipfile
from pathlib import Path

import pytest
from remission_verify.archive import Archive

from server.bundling.parts import CHUNK_BYTES, Parts
from statemachine.record.canonical import digest

NOISE = random.Random(5).randbytes(10_000)  # noqa: S311 - bytes that do not pack, no secret


def packed(folder: Path, **files: bytes) -> io.BytesIO:
    parts, out = Parts(folder), io.BytesIO()
    for name, data in files.items():
        parts.put(name, data)
    parts.pack(out)
    return out


def test_each_part_is_counted_and_hashed_as_it_is_written(tmp_path: Path) -> None:
    parts = Parts(tmp_path)
    with parts.writing("a") as part:
        part.write(b"one")
        part.write(b"two")

    assert parts.files == {"a": {"sha256": digest(b"onetwo"), "size": 6}}


@pytest.mark.parametrize("zeros", [1, 1_000, CHUNK_BYTES, 3 * CHUNK_BYTES + 1])
def test_whatever_a_part_holds_its_reader_takes_it(tmp_path: Path, zeros: int) -> None:
    out = packed(tmp_path, zeros=bytes(zeros), noise=NOISE, nothing=b"", text=b"word " * 200)

    with Archive(out) as archive:
        assert list(archive.faults()) == []
        assert archive.read("zeros", zeros) == bytes(zeros)


def test_what_packs_too_well_is_stored_and_the_rest_is_packed(tmp_path: Path) -> None:
    out = packed(tmp_path, zeros=bytes(CHUNK_BYTES), text=b"word " * 200)
    methods = {one.filename: one.compress_type for one in zipfile.ZipFile(out).infolist()}

    assert methods == {"text": zipfile.ZIP_DEFLATED, "zeros": zipfile.ZIP_STORED}


def test_the_order_of_writing_changes_no_byte(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "other").mkdir()

    assert packed(tmp_path / "one", a=b"1", b=b"2").getvalue() == packed(tmp_path / "other", b=b"2", a=b"1").getvalue()
