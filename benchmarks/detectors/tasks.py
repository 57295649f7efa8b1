"""Pieces of an evaluation: each is worked out once and kept, so that what was interrupted goes on where it stopped."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache" / "detectors"
#: What results depend on; another line in any of it has everything worked out anew.
CODE = ("benchmarks/detectors", "benchmarks/peers", "measures", "monitoring")


@dataclass(frozen=True, slots=True)
class Task:
    """A piece of work by name; what it gives is plain JSON."""

    name: str
    work: Callable[[], Any]


def shelf(size: str) -> Path:
    """Return the folder of what is kept of this code at this *size*."""
    digest = hashlib.sha256(size.encode())
    for path in sorted(path for room in CODE for path in (ROOT / room).iterdir() if path.suffix in {".py", ".txt"}):
        digest.update(path.read_bytes())
    return CACHE / digest.hexdigest()[:16]


def done(tasks: Iterable[Task], folder: Path, pool: Executor) -> dict[str, Any]:
    """Work out what is not kept yet, and return all by name."""
    named = {task.name: task for task in tasks}
    folder.mkdir(parents=True, exist_ok=True)
    missing = [task for task in named.values() if not _file(folder, task.name).exists()]
    waiting = {pool.submit(task.work): task.name for task in missing}
    for future in as_completed(waiting):
        _keep(_file(folder, waiting[future]), future.result())
    return {name: json.loads(_file(folder, name).read_text()) for name in named}


def _file(folder: Path, name: str) -> Path:
    return folder / f"{hashlib.sha256(name.encode()).hexdigest()[:24]}.json"


def _keep(path: Path, found: object) -> None:
    """Write beside and rename, so that half a file is never read."""
    half = path.with_suffix(f".{os.getpid()}")
    half.write_text(json.dumps(found))
    half.replace(path)
