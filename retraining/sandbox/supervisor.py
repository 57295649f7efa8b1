"""The supervisor: hands jobs to the warm helper, keeps the wall clock, and reads what a child leaves behind."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from retraining.sandbox.confine import LEVELS, NONE
from retraining.sandbox.zygote import OUT_OF_MEMORY, REPORT
from retraining.template import Limits

OK = "ok"
TRAINER = "retraining.bakeoff:run"
MOST_REPORT_BYTES = 32 << 20
POLL_SECONDS = 0.2
START_SECONDS = 120.0
_ROOT = Path(__file__).resolve().parents[2]
_BOOT = "import sys; sys.path[:0] = {paths!r}; from retraining.sandbox.zygote import main; main()"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a job ended: `ok`, or the class of its failure in the words of the contract."""

    status: str
    message: str = ""
    report: dict[str, Any] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    isolation: str = NONE
    cpu_us: int = 0
    wall_us: int = 0
    max_rss_bytes: int = 0


class _HelperGone(Exception):
    """The warm helper ended while a job was with it."""


class Sandbox:
    """Runs jobs one at a time, each in a confined child of a warm helper process. Safe to use from one thread."""

    def __init__(self, entry: str = TRAINER) -> None:
        self._entry = entry
        self._helper: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        """Start the helper."""
        self._started()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the helper."""
        self.close()

    def close(self) -> None:
        """End the helper; it has no children between jobs."""
        if self._helper is not None:
            self._helper.kill()
            self._helper.wait()
            self._helper = None

    def run(
        self, spec: dict[str, Any], files: dict[str, bytes], limits: Limits, give_up: threading.Event | None = None
    ) -> Outcome:
        """Run one job on *files*, by name, within *limits*; end it early once *give_up* is set."""
        home = Path(tempfile.mkdtemp(prefix="remission-job-"))
        begun = time.monotonic_ns()
        try:
            for folder in ("inputs", "out"):
                (home / folder).mkdir()
            for name, data in files.items():
                (home / "inputs" / name).write_bytes(data)
            ended = self._ask(home, spec, limits, give_up)
            return _read(home, ended, limits, (time.monotonic_ns() - begun) // 1_000)
        except _HelperGone:
            self.close()
            return Outcome(status="CRASHED", message="the helper process ended")
        finally:
            shutil.rmtree(home, ignore_errors=True)

    def _ask(
        self, home: Path, spec: dict[str, Any], limits: Limits, give_up: threading.Event | None
    ) -> dict[str, Any]:
        helper = self._started()
        job = {
            "home": str(home),
            "spec": spec,
            "memory_bytes": limits.memory_bytes,
            "cpu_seconds": limits.cpu_seconds,
            "file_bytes": limits.file_bytes,
            "processes": limits.processes,
            "minimum_isolation": limits.minimum_isolation,
        }
        if helper.stdin is None:
            raise _HelperGone
        try:
            helper.stdin.write(json.dumps(job) + "\n")
            helper.stdin.flush()
        except BrokenPipeError as error:
            raise _HelperGone from error
        child = int(self._hear(START_SECONDS)["child"])
        return self._await(child, limits, give_up)

    def _await(self, child: int, limits: Limits, give_up: threading.Event | None) -> dict[str, Any]:
        """Wait for the child's end; past the wall clock, or when told to give up, end its whole group."""
        deadline = time.monotonic() + limits.wall_seconds
        overdue = ""
        while not self._heard(POLL_SECONDS):
            told = give_up is not None and give_up.is_set()
            if not overdue and (told or time.monotonic() > deadline):
                overdue = "given up" if told else f"more than {limits.wall_seconds} s by the clock"
                _end(child)
        return {**self._hear(START_SECONDS), "overdue": overdue}

    def _started(self) -> subprocess.Popen[str]:
        if self._helper is None or self._helper.poll() is not None:
            paths = [str(_ROOT), *(path for path in sys.path if path)]
            self._helper = subprocess.Popen(  # noqa: S603 - our own interpreter and program
                [sys.executable, "-I", "-c", _BOOT.format(paths=paths), self._entry],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env={"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PATH": os.environ.get("PATH", "")},
                cwd=_ROOT,
            )
            self._hear(START_SECONDS)
        return self._helper

    def _heard(self, seconds: float) -> bool:
        if self._helper is None or self._helper.stdout is None:
            raise _HelperGone
        ready, _, _ = select.select([self._helper.stdout], [], [], seconds)
        return bool(ready)

    def _hear(self, seconds: float) -> dict[str, Any]:
        if self._helper is None or self._helper.stdout is None or not self._heard(seconds):
            raise _HelperGone
        line = self._helper.stdout.readline()
        if not line:
            raise _HelperGone
        told: dict[str, Any] = json.loads(line)
        return told


def _end(child: int) -> None:
    """End a child with everything in its session; before it has one, end itself."""
    for kill in (os.killpg, os.kill):
        try:
            kill(child, signal.SIGKILL)
        except ProcessLookupError:
            continue
        return


def _read(home: Path, ended: dict[str, Any], limits: Limits, wall_us: int) -> Outcome:
    """Turn an exit status and what lies in `out` into an outcome."""
    out = home / "out"
    isolation = _text(out / "isolation") or NONE
    used = {
        "isolation": isolation if isolation in LEVELS else NONE,
        "cpu_us": int(ended["cpu_us"]),
        "wall_us": wall_us,
        "max_rss_bytes": int(ended["max_rss_bytes"]),
    }
    failure = _failure(int(ended["status"]), str(ended["overdue"]), _text(out / "error"))
    if failure is not None:
        return Outcome(status=failure[0], message=failure[1], **used)
    if LEVELS.index(str(used["isolation"])) < LEVELS.index(limits.minimum_isolation):
        why = f"isolation {isolation} was reached; the template asks for {limits.minimum_isolation}"
        return Outcome(status="POLICY_REFUSED", message=why, **used)
    try:
        report = json.loads(_plain(out / REPORT, MOST_REPORT_BYTES))
        names = [path.name for path in out.iterdir() if path.name not in (REPORT, "isolation", "error")]
        files = {name: _plain(out / name, limits.file_bytes) for name in names}
        if not isinstance(report, dict):
            raise TypeError("the report is no object")
    except (OSError, ValueError, TypeError) as error:
        return Outcome(status="BAD_OUTPUT", message=str(error), **used)
    return Outcome(status=OK, report=report, files=files, **used)


def _failure(code: int, overdue: str, told: str) -> tuple[str, str] | None:
    if overdue:
        return "WALL_EXCEEDED", overdue
    if code == -signal.SIGXCPU:
        return "CPU_EXCEEDED", "the limit of processor time was reached"
    if code == OUT_OF_MEMORY or "MemoryError" in told or "Unable to allocate" in told:
        return "OUT_OF_MEMORY", "the limit of memory was reached"
    if code:
        return "CRASHED", told.strip().splitlines()[-1] if told.strip() else f"ended with {code}"
    return None


def _plain(path: Path, most: int) -> bytes:
    """Read a plain file of a bounded size; a link leads elsewhere, and is refused."""
    if path.is_symlink() or not path.is_file():
        raise ValueError(f"{path.name} is no plain file")
    if path.stat().st_size > most:
        raise ValueError(f"{path.name} holds more than {most} bytes")
    return path.read_bytes()


def _text(path: Path) -> str:
    try:
        return _plain(path, 1 << 16).decode("utf-8", "replace")
    except (OSError, ValueError):
        return ""
