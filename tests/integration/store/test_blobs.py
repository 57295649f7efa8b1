"""Blobs on a disk and in memory."""

import hashlib
from pathlib import Path

import pytest

from store import BlobAltered, BlobMissing, BlobNameInvalid, FsspecBlobs

DATA = bytes(range(256)) * 10
NAME = hashlib.sha256(DATA).hexdigest()


@pytest.fixture(params=["disk", "memory"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> FsspecBlobs:
    """Give an empty place for blobs."""
    return FsspecBlobs(str(tmp_path / "blobs") if request.param == "disk" else f"memory:/{tmp_path}")


def test_a_blob_stands_under_its_hash(blobs: FsspecBlobs) -> None:
    before = blobs.exists(NAME)
    name = blobs.put(DATA)

    assert (before, name, blobs.exists(NAME), blobs.size(NAME)) == (False, NAME, True, len(DATA))
    assert blobs.get(NAME) == DATA


def test_a_blob_put_twice_is_put_once(blobs: FsspecBlobs) -> None:
    assert blobs.put(DATA) == blobs.put(DATA)
    assert blobs.get(NAME) == DATA


@pytest.mark.parametrize(
    ("offset", "length", "part"),
    [(0, None, DATA), (10, 5, DATA[10:15]), (2550, 100, DATA[2550:]), (9999, 1, b""), (3, 0, b"")],
)
def test_a_blob_is_read_in_parts(blobs: FsspecBlobs, offset: int, length: int | None, part: bytes) -> None:
    blobs.put(DATA)

    assert blobs.get(NAME, offset, length) == part


@pytest.mark.parametrize("ask", ["get", "size"])
def test_a_missing_blob_is_named(blobs: FsspecBlobs, ask: str) -> None:
    with pytest.raises(BlobMissing) as missing:
        getattr(blobs, ask)(NAME)

    assert missing.value.sha256 == NAME


@pytest.mark.parametrize("name", ["", "..", "../" + NAME, NAME.upper(), NAME[:-1], NAME + "\n", "/etc/passwd"])
def test_only_a_hash_is_a_name(blobs: FsspecBlobs, name: str) -> None:
    with pytest.raises(BlobNameInvalid):
        blobs.get(name)
    with pytest.raises(BlobNameInvalid):
        blobs.exists(name)


def test_an_altered_blob_is_found_out_and_repaired_by_the_next_put(tmp_path: Path) -> None:
    FsspecBlobs(str(tmp_path)).put(DATA)
    (tmp_path / NAME[:2] / NAME).write_bytes(DATA[:-1])

    with pytest.raises(BlobAltered):
        FsspecBlobs(str(tmp_path)).get(NAME)
    FsspecBlobs(str(tmp_path)).put(DATA)
    assert FsspecBlobs(str(tmp_path)).get(NAME) == DATA


def test_nothing_half_written_is_left(tmp_path: Path) -> None:
    FsspecBlobs(str(tmp_path)).put(DATA)

    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [NAME]
