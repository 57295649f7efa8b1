"""Drills on a schedule: one report a run in a folder, the last few kept, and what is new against the one before."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from backtest.drills.report import FORMAT, changes
from backtest.stream import StreamInvalid

UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
PATTERN = "drill-*.json"


def seconds(text: str) -> int:
    """Read a duration.

    >>> seconds("6h")
    21600

    Raises:
        StreamInvalid: It is none.
    """
    found = re.fullmatch(r"([1-9]\d{0,5})([smhd])", text)
    if found is None:
        raise StreamInvalid(f"--every: {text!r} is no duration; a number with s, m, h or d is accepted, such as 6h")
    return int(found[1]) * UNITS[found[2]]


def kept(folder: Path) -> list[Path]:
    """Give the reports in *folder*, the oldest first."""
    return sorted(folder.glob(PATTERN))


def keep(folder: Path, found: dict[str, Any], now: datetime, most: int) -> tuple[Path, list[str]]:
    """Write a report into *folder*, let go of the oldest beyond *most*, and say what is new against the one before.

    The report appears whole or not at all, so that nobody who collects them reads half of one.
    """
    earlier = [path for path in kept(folder) if _read(path)]
    told = changes(_read(earlier[-1]), found) if earlier else ["the first report"]
    path = folder / f"drill-{now.astimezone(UTC):%Y%m%dT%H%M%S%fZ}.json"
    part = path.with_suffix(".part")
    try:
        part.write_text(json.dumps({**found, "new": told}, indent=2) + "\n", encoding="utf-8")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)  # half of one, where the disk is full
    for old in kept(folder)[:-most]:
        old.unlink(missing_ok=True)  # which another drill into this folder may have done
    return path, told


def repeated(
    run: Callable[[], dict[str, Any]],
    folder: Path,
    most: int,
    wait: Callable[[], None],
    clock: Callable[[], datetime],
) -> Iterator[tuple[Path, list[str], dict[str, Any]]]:
    """Drill again and again, and *wait* in between, until whoever asks stops asking."""
    while True:
        found = run()
        path, told = keep(folder, found, clock(), most)
        yield path, told, found
        wait()


def _read(path: Path) -> dict[str, Any]:
    """Read an earlier report; what is none of ours counts for nothing."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) and found.get("format") == FORMAT else {}
