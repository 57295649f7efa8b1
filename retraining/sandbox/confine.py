"""What a child does to itself before it touches a job: fewer rights, fewer resources, no network.

Each step is probed, not believed: the level that is reached is the level that was seen to hold.
"""

from __future__ import annotations

import ctypes
import errno
import os
import resource
import socket
from dataclasses import dataclass
from pathlib import Path

NONE, LIMITS, OFFLINE, SEALED = LEVELS = ("none", "limits", "offline", "sealed")

_CLONE_NEWUSER, _CLONE_NEWNET, _CLONE_NEWIPC = 0x1000_0000, 0x4000_0000, 0x0800_0000
_PR_SET_NO_NEW_PRIVS = 38
_FIRST_UID, _UIDS = 200_000, 100_000  #: unused by people; one of them a job, so that limits count that job alone
_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446
_READ = 0b1 | 0b100 | 0b1000  #: execute, read a file, list a folder
_WRITE = 0b1_1111_1111_0010  #: write, remove and make whatever the first version of Landlock knows
_LIBC = ctypes.CDLL(None, use_errno=True)
_PROBE_ADDRESS = ("127.0.0.1", 9)
_STACK_BYTES = 8 << 20


@dataclass(frozen=True, slots=True)
class Rights:
    """What is left to a child."""

    memory_bytes: int
    cpu_seconds: int
    file_bytes: int
    processes: int


def confine(home: Path, rights: Rights, job_number: int) -> str:
    """Give up everything that a job does not need; say which level was reached."""
    os.chdir(home)
    os.environ.clear()
    os.environ.update(HOME=str(home), TMPDIR=str(home), OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", PATH="/usr/bin:/bin")
    os.umask(0o077)
    was_root = os.geteuid() == 0
    _leave_network(was_root=was_root)
    if was_root:
        _become_nobody(home, _FIRST_UID + job_number % _UIDS)
    _LIBC.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    sealed = _seal(home)
    _limit(rights)
    if not _is_offline():
        return LIMITS
    return SEALED if sealed and _cannot_write_outside(home) else OFFLINE


def _limit(rights: Rights) -> None:
    for what, value in (
        (resource.RLIMIT_AS, rights.memory_bytes),
        (resource.RLIMIT_FSIZE, rights.file_bytes),
        (resource.RLIMIT_NPROC, rights.processes),
        (resource.RLIMIT_NOFILE, 256),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_STACK, _STACK_BYTES),
    ):
        resource.setrlimit(what, (value, value))
    # The soft limit kills with SIGXCPU, which tells why; the hard one a second later cannot be caught.
    resource.setrlimit(resource.RLIMIT_CPU, (rights.cpu_seconds, rights.cpu_seconds + 1))


def _leave_network(*, was_root: bool) -> None:
    """Move into a network of one's own, with nothing in it. Where the kernel forbids it, the probe will tell."""
    flags = _CLONE_NEWNET | _CLONE_NEWIPC
    if was_root:
        _LIBC.unshare(flags)
        return
    uid, gid = os.getuid(), os.getgid()
    if _LIBC.unshare(flags | _CLONE_NEWUSER) == 0:
        for name, line in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
            Path("/proc/self", name).write_text(line, encoding="ascii")


def _become_nobody(home: Path, uid: int) -> None:
    for path in (home, *home.rglob("*")):
        os.chown(path, uid, uid)
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)


class _Ruleset(ctypes.Structure):
    _fields_ = (("handled_access_fs", ctypes.c_uint64),)


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed_access", ctypes.c_uint64), ("parent_fd", ctypes.c_int32))


def _seal(home: Path) -> bool:
    """Make every file read-only but those at home, where the kernel has Landlock."""
    wanted = _Ruleset(_READ | _WRITE)
    ruleset = _LIBC.syscall(_LANDLOCK_CREATE, ctypes.byref(wanted), ctypes.sizeof(wanted), 0)
    if ruleset < 0:
        return False
    for path, access in (("/", _READ), (str(home), _READ | _WRITE)):
        folder = os.open(path, os.O_PATH | os.O_DIRECTORY)
        rule = _Beneath(access, folder)
        _LIBC.syscall(_LANDLOCK_ADD, ruleset, 1, ctypes.byref(rule), 0)
        os.close(folder)
    sealed = bool(_LIBC.syscall(_LANDLOCK_RESTRICT, ruleset, 0) == 0)
    os.close(ruleset)
    return sealed


def _is_offline() -> bool:
    """Try to reach even this machine: in a network of one's own nothing is up, not the loopback either."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        return probe.connect_ex(_PROBE_ADDRESS) in (errno.ENETUNREACH, errno.EPERM, errno.EACCES)


def _cannot_write_outside(home: Path) -> bool:
    try:
        (home.parent / f"probe-{os.getpid()}").touch()
    except OSError:
        return True
    return False
