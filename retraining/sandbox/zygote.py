"""The warm helper process: it has imported what training needs, and forks one confined child for each job.

It is the first process of a namespace of its own, where the kernel allows that: whatever a job starts ends with the
job, and everything ends with the helper. It never trains anything itself, so no thread is alive when it forks.
"""

from __future__ import annotations

import contextlib
import errno
import importlib
import json
import os
import resource
import select
import signal
import traceback
from collections.abc import Callable
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NoReturn

from retraining.sandbox import kernel
from retraining.sandbox.confine import Rights, confine, spare_uid
from retraining.template import ISOLATIONS

Entry = Callable[[dict[str, Any], Path], dict[str, Any]]

OUT_OF_MEMORY, TOO_LARGE, BROKEN = 41, 42, 43  #: exit codes by which a child tells why it ended
REPORT = "report.json"
MOST_MESSAGE = 2_000
_MOST_TOLD = 1 << 16
_FIRST_PROCESS = 1


def main(entry: str, descriptor: int) -> None:
    """Start the helper in a namespace of its own, wait for its end, and end."""
    _leave()
    helper = os.fork()
    if helper == 0:
        kernel.die_with_parent()
        kernel.adopt_orphans()
        with Connection(descriptor) as supervisor:
            _serve_all(supervisor, entry)
        os._exit(0)
    os.close(descriptor)
    os.waitpid(helper, 0)


def _leave() -> None:
    """Have the next child begin a namespace of processes. Who is not root needs one of users around it."""
    if os.geteuid() == 0:
        kernel.unshare(kernel.NEW_PROCESSES)
        return
    # Some kernels let one in but give no rights there, and no way back: a child tries it first.
    scout = os.fork()
    if scout == 0:
        os._exit(not _found_namespace())
    if os.waitpid(scout, 0)[1] == 0:
        _found_namespace()


def _found_namespace() -> bool:
    uid, gid = os.getuid(), os.getgid()
    if not kernel.unshare(kernel.NEW_USERS | kernel.NEW_PROCESSES):
        return False
    try:
        for name, line in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
            Path("/proc/self", name).write_text(line, encoding="ascii")
    except OSError:
        return False
    return True


def _serve_all(supervisor: Connection, name: str) -> None:
    """Do one job after the other until the supervisor goes away."""
    module, _, function = name.partition(":")
    entry: Entry = getattr(importlib.import_module(module), function)
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        _say(supervisor, {"ready": True})
        while True:
            _serve(supervisor, json.loads(supervisor.recv_bytes()), entry)


def _serve(supervisor: Connection, job: dict[str, Any], entry: Entry) -> None:
    """Fork a child for *job*, wait for it, and say how it ended."""
    told, tell = os.pipe()
    uid = spare_uid(job["chance"])
    child = os.fork()
    if child == 0:
        os.close(supervisor.fileno())
        os.close(told)
        _become(job, entry, uid, tell)
    os.close(tell)
    try:
        _say(supervisor, {"begun": True})
        _await(supervisor, child)
    finally:
        _, status, used = os.wait4(child, 0)
        _end_the_rest(child, uid)
    level, _, message = os.read(told, _MOST_TOLD).decode("utf-8", "replace").partition("\n")
    os.close(told)
    ended = {
        "exit_code": os.waitstatus_to_exitcode(status),
        "isolation": level,
        "message": message,
        "cpu_us": int((used.ru_utime + used.ru_stime) * 1_000_000),
        "max_rss_bytes": used.ru_maxrss * 1_024,
    }
    _say(supervisor, ended)


def _await(supervisor: Connection, child: int) -> None:
    """Wait until the child has ended. Any word of the supervisor, or its silence for ever, ends it."""
    ended = os.pidfd_open(child)
    ready, _, _ = select.select([ended, supervisor.fileno()], [], [])
    if ended not in ready:
        os.kill(child, signal.SIGKILL)
        select.select([ended], [], [])
        supervisor.recv_bytes()
    os.close(ended)


def _end_the_rest(child: int, uid: int | None) -> None:
    """End whatever the child has left behind, in its session or outside."""
    with contextlib.suppress(ProcessLookupError):
        if os.getpid() == _FIRST_PROCESS:
            os.kill(-1, signal.SIGKILL)  # all others in this namespace at once, so that none can run ahead
        else:
            os.killpg(child, signal.SIGKILL)
    if os.getpid() != _FIRST_PROCESS:
        _end_all_of(uid)
        _end_orphans()
    with contextlib.suppress(ChildProcessError):
        while True:
            os.waitpid(-1, 0)


def _end_all_of(uid: int | None) -> None:
    """End every process of the job's own user at once; only the user itself can ask for that."""
    if uid is None:
        return
    envoy = os.fork()
    if envoy == 0:
        os.setresuid(uid, uid, uid)
        with contextlib.suppress(ProcessLookupError):
            os.kill(-1, signal.SIGKILL)
        os._exit(0)
    os.waitpid(envoy, 0)


def _end_orphans() -> None:
    """End adopted children until there are none: each that ends may leave others to adopt."""
    listed = Path(f"/proc/self/task/{os.getpid()}/children")
    while orphans := [int(number) for number in listed.read_text(encoding="ascii").split()]:
        for orphan in orphans:
            os.kill(orphan, signal.SIGKILL)
            os.waitpid(orphan, 0)


def _become(job: dict[str, Any], entry: Entry, uid: int | None, tell: int) -> NoReturn:
    """Be the child: confine, work, write the report, and end without returning."""
    code = BROKEN
    try:
        os.setsid()
        quiet = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(quiet, stream)
        _work(job, entry, uid, tell)
        code = 0
    except MemoryError:
        code = OUT_OF_MEMORY
    except BaseException as error:  # noqa: BLE001 - whatever a job raises is its result, and must not reach the helper
        code = _code(error)
        os.write(tell, traceback.format_exc()[-MOST_MESSAGE:].encode("utf-8", "replace"))
    finally:
        os._exit(code)


def _code(error: BaseException) -> int:
    number = error.errno if isinstance(error, OSError) else None
    return {errno.ENOMEM: OUT_OF_MEMORY, errno.EFBIG: TOO_LARGE}.get(number or 0, BROKEN)


def _work(job: dict[str, Any], entry: Entry, uid: int | None, tell: int) -> None:
    home = Path(job["home"])
    rights = Rights(**job["rights"], uid=uid)
    level = confine(home, replace(rights, memory_bytes=rights.memory_bytes + _reserved_bytes()))
    os.write(tell, f"{level}\n".encode("ascii"))  # before the job runs: what it says later cannot change this line
    if ISOLATIONS.index(level) < ISOLATIONS.index(job["minimum_isolation"]):
        return
    report = entry(job["spec"], Path("inputs"))
    Path("out", REPORT).write_text(json.dumps(report, allow_nan=False), encoding="utf-8")


def _reserved_bytes() -> int:
    """Give what this process has mapped but never touched, libraries for the most part: only use is to count."""
    mapped, resident = Path("/proc/self/statm").read_text(encoding="ascii").split()[:2]
    return (int(mapped) - int(resident)) * resource.getpagesize()


def _say(supervisor: Connection, what: dict[str, Any]) -> None:
    supervisor.send_bytes(json.dumps(what).encode())
