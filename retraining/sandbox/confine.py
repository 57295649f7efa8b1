"""What a child does to itself before it touches a job: fewer rights, fewer resources, no network.

Each step is probed, not believed: the level that is reached is the level that was seen to hold.
"""

from __future__ import annotations

import errno
import os
import resource
import socket
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from retraining.sandbox import kernel
from retraining.template import LIMITS, OFFLINE, SEALED

ROOT = Path(__file__).resolve().parents[2]  #: where our packages lie: a checkout, or site-packages

_MOST_UIDS = 1 << 31  #: some programs read greater ones as negative
_PROBE_ADDRESS = ("127.0.0.1", 9)
_OPEN_FILES = 256
_STACK_BYTES = 8 << 20
_SYSTEM = (Path("/usr"), Path("/lib"), Path("/lib64"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """What is left to a child."""

    memory_bytes: int
    cpu_seconds: int
    file_bytes: int
    processes: int
    uid: int | None  #: whom to become; None to stay


def confine(home: Path, rights: Rights) -> str:
    """Give up everything that a job does not need; say which level was reached."""
    starter, outside = os.getppid(), home.parent.parent
    os.chdir(home)
    os.environ.clear()
    os.environ.update(
        HOME=str(home), TMPDIR=str(home), PATH="/usr/bin:/bin", OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1"
    )
    tempfile.tempdir = str(home)
    os.umask(0o077)
    kernel.unshare(kernel.NEW_NETWORK | kernel.NEW_IPC)  # where the kernel forbids it, the probe will tell
    if rights.uid is not None:
        _become(home, rights.uid)
    kernel.drop_privileges()
    kernel.die_with_parent()
    sealed = kernel.seal(Path(), _code())  # by where it is: folders above may be closed to this user
    _limit(rights)
    if not _is_offline():
        return LIMITS
    return SEALED if sealed and _sees_nothing(outside) and not _reaches(starter) else OFFLINE


def spare_uid(chance: int) -> int | None:
    """Pick a user that nobody is, one a job, so that limits count that job alone; None unless root can become it."""
    if os.geteuid() != 0:
        return None
    lines = Path("/proc/self/uid_map").read_text(encoding="ascii").splitlines()
    first, _, count = max((tuple(map(int, line.split())) for line in lines), key=lambda entry: entry[2])
    upper = min(count, _MOST_UIDS) // 2
    return first + upper + chance % upper if upper else None


def _become(home: Path, uid: int) -> None:
    for path in (home, *home.rglob("*")):
        os.chown(path, uid, uid)
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)


def _code() -> Iterator[Path]:
    """Give the folders that programs are read from. Of a checkout only the packages in use, for data may lie beside."""
    yield from _SYSTEM
    yield from (Path(sys.prefix), Path(sys.base_prefix))
    yield from (Path(path) for path in sys.path if path and Path(path).resolve() != ROOT)
    names = {name.partition(".")[0] for name in sys.modules}
    yield from (ROOT / name for name in sorted(names) if (ROOT / name).is_dir())


def _limit(rights: Rights) -> None:
    for what, value in (
        (resource.RLIMIT_AS, rights.memory_bytes),
        (resource.RLIMIT_FSIZE, rights.file_bytes),
        (resource.RLIMIT_NPROC, rights.processes),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_STACK, _STACK_BYTES),
    ):
        _set(what, value, value)
    # The soft limit kills with SIGXCPU, which tells why; the hard one a second later cannot be caught.
    _set(resource.RLIMIT_CPU, rights.cpu_seconds, rights.cpu_seconds + 1)


def _set(what: int, soft: int, hard: int) -> None:
    """Lower a limit. One that is lower already stays, for it cannot be raised."""
    _, most = resource.getrlimit(what)
    if most != resource.RLIM_INFINITY:
        soft, hard = min(soft, most), min(hard, most)
    resource.setrlimit(what, (soft, hard))


def _is_offline() -> bool:
    """Try to reach even this machine: in a network of one's own nothing is up, not the loopback either."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        return probe.connect_ex(_PROBE_ADDRESS) == errno.ENETUNREACH


def _sees_nothing(outside: Path) -> bool:
    """Try to write where everybody may, and to look at files and processes of others."""
    try:
        (outside / f"probe-{os.getpid()}").touch()
    except OSError:
        return not any(_can_list(folder) for folder in (outside, Path("/proc"), Path("/")))
    return False


def _can_list(folder: Path) -> bool:
    try:
        os.listdir(folder)  # noqa: PTH208 - the folder is opened here and now, which is the question
    except OSError:
        return False
    return True


def _reaches(process: int) -> bool:
    try:
        os.kill(process, 0)
    except OSError:
        return False
    return True
