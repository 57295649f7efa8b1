"""Writing where nothing stands yet: whole or not at all, and never outside the folder that was agreed on."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from remission_verify.errors import ExportRefused

#: What a disk says that takes no more: it is full, or its owner may not write as much.
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
#: What a file system says that knows one name a file.
NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS)


@contextmanager
def new_folder(target: Path, root: Path | None = None) -> Iterator[Path]:
    """Give a folder to fill, which becomes *target* when the block ends well, and is removed when it does not.

    Raises:
        ExportRefused: Something stands at *target*, it lies outside *root*, the folder cannot be written, or the disk
            is full.
    """
    place = checked_target(target, root)
    try:
        fresh = Path(tempfile.mkdtemp(prefix=f".{place.name}.", suffix=".new", dir=place.parent))
    except OSError as error:
        raise ExportRefused(f"{target}: cannot be written: {error.strerror}") from error
    try:
        with _room_for(target):
            yield fresh
            _sync_folders(fresh)
            fresh.rename(place)  # onto an empty folder at most: the system refuses every other
            _sync(place.parent)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise


@contextmanager
def new_file(target: Path, root: Path | None = None) -> Iterator[BinaryIO]:
    """Give a file to write, which becomes *target* when the block ends well, and is removed when it does not.

    Raises:
        ExportRefused: Something stands at *target*, it lies outside *root*, the folder cannot be written, or the disk
            is full.
    """
    place = checked_target(target, root)
    if place.exists():
        raise ExportRefused(f"{target}: is a folder; a path where nothing stands is accepted")
    try:
        handle, name = tempfile.mkstemp(prefix=f".{place.name}.", suffix=".new", dir=place.parent)
    except OSError as error:
        raise ExportRefused(f"{target}: cannot be written: {error.strerror}") from error
    fresh = Path(name)
    try:
        with _room_for(target), os.fdopen(handle, "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        _name(fresh, place, target)
        _sync(place.parent)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise


def _name(fresh: Path, place: Path, target: Path) -> None:
    """Give a whole file its name, unless somebody took it meanwhile: to rename would write over what they wrote."""
    try:
        os.link(fresh, place)
    except FileExistsError as error:
        raise ExportRefused(f"{target}: exists; a path where nothing stands is accepted") from error
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        fresh.rename(place)
    else:
        fresh.unlink()


@contextmanager
def _room_for(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise ExportRefused(f"{target}: cannot be written: {error.strerror}; nothing of it was left") from error


def checked_target(target: Path, root: Path | None = None) -> Path:
    """Return the full path of *target*, where nothing stands but, at most, an empty folder.

    Raises:
        ExportRefused: Something stands there, the folder above is missing, or it lies outside *root*.
    """
    try:
        place = target.parent.resolve(strict=True) / target.name
        free = not os.path.lexists(place) or (not place.is_symlink() and place.is_dir() and not any(place.iterdir()))
    except (OSError, RuntimeError, ValueError) as error:
        raise ExportRefused(f"{target}: cannot be written: {getattr(error, 'strerror', None) or error}") from error
    if (
        target.name in ("", "..")
        or "\0" in target.name
        or (root is not None and not place.is_relative_to(root.resolve()))
    ):
        raise ExportRefused(f"{target}: lies outside {root or target.parent}; a path within it is accepted")
    if not free:
        raise ExportRefused(f"{target}: exists; a path where nothing stands is accepted")
    return place


def write_synced(path: Path, data: bytes) -> None:
    """Write a new file, and the folders above it, so that it survives a loss of power."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync_folders(folder: Path) -> None:
    for where, _, _ in os.walk(folder):
        _sync(Path(where))


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
