"""The warm helper process: it has imported what training needs, and forks one confined child for each job.

It talks with its supervisor over stdin and stdout in lines of JSON. It never trains anything itself, so that no thread
of a numeric library is alive when it forks.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

Entry = Callable[[dict[str, Any], Path], dict[str, Any]]

OUT_OF_MEMORY, BROKEN = 41, 42  #: exit codes by which a child tells why it ended
REPORT = "report.json"
MOST_MESSAGE = 2_000


def main() -> None:
    """Serve jobs until the supervisor goes away."""
    module, _, name = sys.argv[1].partition(":")
    entry: Entry = getattr(importlib.import_module(module), name)
    importlib.import_module("retraining.sandbox.confine")
    _say({"ready": os.getpid()})
    number = os.getpid()
    for line in sys.stdin:
        number += 1
        _serve(json.loads(line), entry, number)


def _serve(job: dict[str, Any], entry: Entry, number: int) -> None:
    """Fork a child for *job*, say who it is, wait for it, and say how it ended."""
    child = os.fork()
    if child == 0:
        _become(job, entry, number)
    _say({"child": child})
    _, status, used = os.wait4(child, 0)
    _end_group(child)
    _say(
        {
            "status": os.waitstatus_to_exitcode(status),
            "cpu_us": int((used.ru_utime + used.ru_stime) * 1_000_000),
            "max_rss_bytes": used.ru_maxrss * 1_024,
        }
    )


def _end_group(child: int) -> None:
    """End whatever the child has left behind in its session."""
    try:
        os.killpg(child, signal.SIGKILL)
    except ProcessLookupError:
        return


def _become(job: dict[str, Any], entry: Entry, number: int) -> None:
    """Be the child: confine, work, write the report, and end without returning."""
    os.setsid()
    quiet = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(quiet, stream)
    home = Path(job["home"])
    code = 0
    try:
        _work(job, entry, home, number)
    except MemoryError:
        code = OUT_OF_MEMORY
    except BaseException:  # noqa: BLE001 - whatever a job raises is its result, and must not reach the zygote's loop
        code = BROKEN
        (home / "out" / "error").write_text(traceback.format_exc()[-MOST_MESSAGE:], encoding="utf-8")
    os._exit(code)


def _work(job: dict[str, Any], entry: Entry, home: Path, number: int) -> None:
    from retraining.sandbox.confine import LEVELS, Rights, confine  # noqa: PLC0415 - the zygote has it loaded

    rights = Rights(
        memory_bytes=job["memory_bytes"] + _address_space(),
        cpu_seconds=job["cpu_seconds"],
        file_bytes=job["file_bytes"],
        processes=job["processes"],
    )
    level = confine(home, rights, number)
    (home / "out" / "isolation").write_text(level, encoding="ascii")
    if LEVELS.index(level) < LEVELS.index(job["minimum_isolation"]):
        return
    report = entry(job["spec"], home / "inputs")
    (home / "out" / REPORT).write_text(json.dumps(report, allow_nan=False), encoding="utf-8")


def _address_space() -> int:
    """Give what this process has mapped already, libraries for the most part: a job's memory comes on top."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    return pages * resource.getpagesize()


def _say(what: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
