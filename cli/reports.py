"""Reports: where a run of a command writes what it found."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from backtest.stream import StreamInvalid


def check_writable(json_file: str) -> None:
    """Refuse a report's place before the work, not after it; nothing and - are accepted."""
    if json_file in ("", "-"):
        return
    path = Path(json_file)
    if path.is_dir() or not path.absolute().parent.is_dir() or not os.access(path.absolute().parent, os.W_OK):
        raise StreamInvalid(f"--json: {path} cannot be written; a file in a folder that exists, or -, is accepted")


def write_report(found: dict[str, Any], json_file: str) -> None:
    """Write *found* to a file, or for - to standard output; nowhere without a name."""
    if json_file == "-":
        json.dump(found, sys.stdout, indent=2)
        sys.stdout.write("\n")
    elif json_file:
        Path(json_file).write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
