"""What a child leaves behind: plain files of bounded size and number, read as if an enemy had written them."""

from __future__ import annotations

import itertools
import json
import os
import stat
from pathlib import Path
from typing import Any, NoReturn

from retraining.sandbox.zygote import REPORT

MOST_REPORT_BYTES = 32 << 20
MOST_FILES = 16  #: beside the report


class BadOutput(Exception):
    """The child left something else than a report and a few plain files."""


def read(out: Path, most_bytes: int) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Give the report, and the other files by name: at most *most_bytes* in all.

    Raises:
        BadOutput: Something is missing, is no plain file, is too large, or is no JSON.
    """
    try:
        folder = os.open(out, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise BadOutput(f"no folder of results: {error.strerror}") from error
    try:
        report = _report(_plain(folder, REPORT, MOST_REPORT_BYTES))
        files: dict[str, bytes] = {}
        for name in _names(folder):
            files[name] = _plain(folder, name, most_bytes)
            most_bytes -= len(files[name])
    finally:
        os.close(folder)
    return report, files


def _names(folder: int) -> list[str]:
    with os.scandir(folder) as entries:
        names = {entry.name for entry in itertools.islice(entries, MOST_FILES + 2)} - {REPORT}
    if len(names) > MOST_FILES:
        raise BadOutput(f"more than {MOST_FILES} files")
    return sorted(names)


def _plain(folder: int, name: str, most: int) -> bytes:
    """Read a plain file. A link leads elsewhere, a pipe waits for ever, a second name means that it is another's."""
    try:
        opened = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    except OSError as error:
        raise BadOutput(f"{name!r} cannot be read: {error.strerror}") from error
    try:
        found = os.fstat(opened)
        if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
            raise BadOutput(f"{name!r} is no plain file")
        if found.st_size > most:
            raise BadOutput(f"{name!r} holds {found.st_size} bytes; {most} are left")
        with os.fdopen(opened, "rb", closefd=False) as file:
            return file.read(most)
    finally:
        os.close(opened)


def _report(data: bytes) -> dict[str, Any]:
    try:
        report = json.loads(data, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise BadOutput(f"the report is no JSON: {error}") from error
    if not isinstance(report, dict):
        raise BadOutput("the report is no object")
    return report


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number")
