"""What a job leaves behind is read up to its bounds, and nothing is that is another's."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from retraining.sandbox.leavings import MOST_FILES, MOST_REPORT_BYTES, BadOutput, read
from retraining.sandbox.zygote import REPORT

PLENTY = 1 << 20


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Give a folder with a report."""
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / REPORT).write_bytes(b'{"loss": 1}')
    return folder


def test_as_many_files_as_a_job_may_write_are_read_beside_its_report_and_no_more(out: Path) -> None:
    for number in range(MOST_FILES):
        (out / f"f{number:02}").write_bytes(b"x")

    report, files = read(out, PLENTY)

    assert (report, len(files), sorted(files)) == ({"loss": 1}, MOST_FILES, list(files))
    (out / "one more").touch()
    with pytest.raises(BadOutput, match=f"more than {MOST_FILES} files"):
        read(out, PLENTY)


def test_files_may_hold_as_much_together_as_is_left_to_the_byte(out: Path) -> None:
    (out / "a").write_bytes(b"12345")
    (out / "b").write_bytes(b"678")

    assert read(out, 8)[1] == {"a": b"12345", "b": b"678"}
    with pytest.raises(BadOutput, match="'b' holds 3 bytes; 2 are left"):
        read(out, 7)


def test_a_report_has_a_bound_of_its_own(out: Path) -> None:
    data = b'{"loss": 1}'.ljust(MOST_REPORT_BYTES)
    (out / REPORT).write_bytes(data)
    read(out, 0)
    (out / REPORT).write_bytes(data + b" ")

    with pytest.raises(BadOutput, match=f"holds {MOST_REPORT_BYTES + 1} bytes; {MOST_REPORT_BYTES} are left"):
        read(out, PLENTY)


@pytest.mark.parametrize(
    "make",
    [
        lambda path: path.hardlink_to(path.parent.parent / "another's"),
        lambda path: path.symlink_to(path.parent / REPORT),
        os.mkfifo,
        Path.mkdir,
    ],
    ids=["a second name", "a link", "a pipe", "a folder"],
)
def test_what_is_no_plain_file_of_the_job_alone_is_refused(out: Path, make: Callable[[Path], None]) -> None:
    (out.parent / "another's").write_bytes(b"x")
    make(out / "odd")

    with pytest.raises(BadOutput, match=r"'odd' (is no plain file|cannot be read: Too many levels of symbolic links)"):
        read(out, PLENTY)


def test_where_no_report_or_no_folder_was_left_that_is_said(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)

    with pytest.raises(BadOutput, match=r"'report\.json' cannot be read: No such file"):
        read(tmp_path, PLENTY)
    for folder in ("none", "link"):
        with pytest.raises(BadOutput, match="no folder of results"):
            read(tmp_path / folder, PLENTY)
