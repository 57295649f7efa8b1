"""The supervisor: hands jobs to the warm helper, keeps the wall clock, and reads what a child leaves behind."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field, replace
from multiprocessing import Pipe
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from retraining.sandbox import leavings
from retraining.sandbox.confine import ROOT
from retraining.sandbox.zygote import OUT_OF_MEMORY, TOO_LARGE
from retraining.template import ISOLATIONS, NONE, Limits

OK = "ok"
TRAINER = "retraining.bakeoff:run"
POLL_SECONDS = 0.2
START_SECONDS = 120.0
END_SECONDS = 30.0
_CHANCE_BITS = 30
_BOOT = "import sys; sys.path[:0] = {paths!r}; from retraining.sandbox.zygote import main; main({entry!r}, {pipe})"


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


class HelperGone(Exception):
    """The warm helper ended, or does not answer."""


class Sandbox:
    """Runs jobs one at a time, each in a confined child of a warm helper process. Safe to use from one thread.

    The *entry* is `module:function`. It is called in the child, in a folder of its own, with the spec and the folder of
    inputs; it gives the report, and may write up to 16 files into the folder `out`.
    """

    def __init__(self, entry: str = TRAINER) -> None:
        self._entry = entry
        self._helper: _Helper | None = None

    def __enter__(self) -> Self:
        """Start the helper."""
        self._warm()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the helper."""
        self.close()

    def close(self) -> None:
        """End the helper, and with it whatever still runs."""
        if self._helper is not None:
            self._helper.end()
            self._helper = None

    def run(
        self, spec: dict[str, Any], files: dict[str, bytes], limits: Limits, give_up: threading.Event | None = None
    ) -> Outcome:
        """Run one job on *files*, by name, within *limits*; end it early once *give_up* is set.

        Raises:
            HelperGone: The helper cannot be started. Whatever the job does is an outcome.
        """
        if limits.minimum_isolation not in ISOLATIONS:
            return Outcome(status="POLICY_REFUSED", message=f"no isolation is called {limits.minimum_isolation}")
        # The outer folder stays ours, so that a job cannot put something else in the place of the inner one.
        cell = Path(tempfile.mkdtemp(prefix="remission-job-"))
        try:
            cell.chmod(0o711)
            return self._run_in(_furnished(cell / "job", files), spec, limits, give_up or threading.Event())
        finally:
            shutil.rmtree(cell, ignore_errors=True)

    def _run_in(self, home: Path, spec: dict[str, Any], limits: Limits, give_up: threading.Event) -> Outcome:
        job = {
            "home": str(home),
            "spec": spec,
            "rights": {
                "memory_bytes": limits.memory_bytes,
                "cpu_seconds": limits.cpu_seconds,
                "file_bytes": limits.file_bytes,
                "processes": limits.processes,
            },
            "minimum_isolation": limits.minimum_isolation,
            "chance": secrets.randbits(_CHANCE_BITS),
        }
        helper, begun = self._begin(job), time.monotonic()
        try:
            overdue = _overdue(helper, begun + limits.wall_seconds, limits, give_up)
            ended = helper.hear(END_SECONDS)
        except HelperGone:
            self.close()
            return Outcome(status="CRASHED", message="the helper process ended during the job", wall_us=_since(begun))
        return _judged(home, ended, overdue, limits, _since(begun))

    def _begin(self, job: dict[str, Any]) -> _Helper:
        """Have the child forked. A helper that ended unseen is replaced: nothing had begun."""
        try:
            return self._warm().begin(job)
        except HelperGone:
            self.close()
            return self._warm().begin(job)

    def _warm(self) -> _Helper:
        if self._helper is None:
            self._helper = _Helper(self._entry)
        return self._helper


class _Helper:
    """The warm process and the line to it."""

    def __init__(self, entry: str) -> None:
        self._line, theirs = Pipe()
        paths = [str(ROOT), *(path for path in sys.path if path)]
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and program
                [sys.executable, "-I", "-c", _BOOT.format(paths=paths, entry=entry, pipe=theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env={"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PATH": os.environ.get("PATH", "")},
                cwd=ROOT,
                pass_fds=[theirs.fileno()],
                start_new_session=True,  # an interrupt from the keyboard is ours to handle
            )
        try:
            self.hear(START_SECONDS)
        except HelperGone:
            self.end()
            raise

    def begin(self, job: dict[str, Any]) -> Self:
        """Have *job* begun."""
        self._say(job)
        self.hear(START_SECONDS)
        return self

    def heard(self, seconds: float) -> bool:
        """Say whether there is something to hear; wait for it at most so long."""
        return self._line.poll(seconds)

    def hear(self, seconds: float) -> dict[str, Any]:
        """Give the next message."""
        if not self.heard(seconds):
            raise HelperGone
        try:
            told: dict[str, Any] = json.loads(self._line.recv_bytes())
        except (EOFError, ConnectionResetError) as error:
            raise HelperGone from error
        return told

    def end_job(self) -> None:
        """Have the job ended, with everything that it started."""
        self._say({"end": True})

    def end(self) -> None:
        """Hang up, which ends the helper; where it does not, end it by force."""
        self._line.close()
        try:
            self._process.wait(POLL_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _say(self, what: dict[str, Any]) -> None:
        try:
            self._line.send_bytes(json.dumps(what).encode())
        except (BrokenPipeError, ConnectionResetError) as error:
            raise HelperGone from error


def _furnished(home: Path, files: dict[str, bytes]) -> Path:
    for folder in (home, home / "inputs", home / "out"):
        folder.mkdir(mode=0o700)
    for name, data in files.items():
        (home / "inputs" / name).write_bytes(data)
    return home


def _overdue(helper: _Helper, deadline: float, limits: Limits, give_up: threading.Event) -> str:
    """Wait for the job's end; past the deadline, or when told to give up, end it and say why."""
    while not helper.heard(max(0.0, min(POLL_SECONDS, deadline - time.monotonic()))):
        if give_up.is_set():
            helper.end_job()
            return "given up"
        if time.monotonic() > deadline:
            helper.end_job()
            return f"more than {limits.wall_seconds} s by the clock"
    return ""


def _judged(home: Path, ended: dict[str, Any], overdue: str, limits: Limits, wall_us: int) -> Outcome:
    """Turn an exit code and what lies in `out` into an outcome."""
    outcome = Outcome(
        status=OK,
        isolation=ended["isolation"] if ended["isolation"] in ISOLATIONS else NONE,
        cpu_us=ended["cpu_us"],
        wall_us=wall_us,
        max_rss_bytes=ended["max_rss_bytes"],
    )
    failure = _failure(ended, overdue, limits) or _refusal(outcome.isolation, limits)
    if failure is not None:
        return _failed(outcome, *failure)
    try:
        report, files = leavings.read(home / "out", limits.file_bytes)
    except leavings.BadOutput as error:
        return _failed(outcome, "BAD_OUTPUT", str(error))
    return replace(outcome, report=report, files=files)


def _failed(outcome: Outcome, status: str, message: str) -> Outcome:
    return replace(outcome, status=status, message=message)


def _failure(ended: dict[str, Any], overdue: str, limits: Limits) -> tuple[str, str] | None:
    code, told = ended["exit_code"], ended["message"].strip()
    spent = ended["cpu_us"] >= limits.cpu_seconds * 1_000_000
    if overdue:
        return "WALL_EXCEEDED", overdue
    if code == -signal.SIGXCPU or (code == -signal.SIGKILL and spent):
        return "CPU_EXCEEDED", f"more than {limits.cpu_seconds} s of processor time"
    if code == OUT_OF_MEMORY or "MemoryError" in told:
        return "OUT_OF_MEMORY", f"more than {limits.memory_bytes} bytes of memory"
    if code == TOO_LARGE:
        return "BAD_OUTPUT", f"a file of more than {limits.file_bytes} bytes"
    if code:
        return "CRASHED", told.splitlines()[-1] if told else f"it ended with {code}"
    return None


def _refusal(isolation: str, limits: Limits) -> tuple[str, str] | None:
    if ISOLATIONS.index(isolation) >= ISOLATIONS.index(limits.minimum_isolation):
        return None
    return "POLICY_REFUSED", f"isolation {isolation} was reached; the template asks for {limits.minimum_isolation}"


def _since(begun: float) -> int:
    return int((time.monotonic() - begun) * 1_000_000)
