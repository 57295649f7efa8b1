"""The few calls of the Linux kernel that Python has no function for. Each says whether the kernel agreed."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterable
from pathlib import Path

NEW_USERS, NEW_PROCESSES = 0x1000_0000, 0x2000_0000
NEW_NETWORK, NEW_IPC = 0x4000_0000, 0x0800_0000

_LIBC = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER, _PR_SET_NO_NEW_PRIVS = 1, 36, 38
_SIGKILL = 9
_CAPABILITY_VERSION_3 = 0x2008_0522
_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446
_ASK_VERSION, _RULE_BENEATH = 1, 1
_READ = 0b1101  #: execute, read a file, list a folder
_READ_WRITE_FILE = 0b110
#: How many kinds of access to files each version of Landlock knows; later ones know as many as the last.
_KINDS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
_SIZES = {1: 8, 2: 8, 3: 8, 4: 16, 5: 16}  #: of the structure, in bytes
_SIGNALS_AND_SOCKETS = 0b11  #: no signals to, and no abstract sockets of, processes outside


def unshare(flags: int) -> bool:
    """Leave the namespaces in *flags* for new ones."""
    return bool(_LIBC.unshare(flags) == 0)


def die_with_parent() -> None:
    """Have this process killed once its parent ends. A change of user undoes it."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, _SIGKILL, 0, 0, 0)


def adopt_orphans() -> None:
    """Become the parent of descendants that lose theirs."""
    _LIBC.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def drop_privileges() -> None:
    """Give up every capability, and the chance to win one by executing a file."""
    header, nothing = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0), (ctypes.c_uint32 * 6)()
    _LIBC.capset(ctypes.byref(header), ctypes.byref(nothing))
    _LIBC.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("access", ctypes.c_uint64), ("folder", ctypes.c_int32))


def seal(home: Path, readable: Iterable[Path]) -> bool:
    """Leave *home* to read and write, what lies below *readable* to read, and no other file (Landlock)."""
    version = _LIBC.syscall(_LANDLOCK_CREATE, None, 0, _ASK_VERSION)
    if version < 1:
        return False
    everything = (1 << _KINDS.get(version, _KINDS[5])) - 1
    scoped = _SIGNALS_AND_SOCKETS if version > max(_SIZES) else 0
    wanted = _Ruleset(everything, 0, scoped)
    rules = _LIBC.syscall(_LANDLOCK_CREATE, ctypes.byref(wanted), _SIZES.get(version, ctypes.sizeof(wanted)), 0)
    if rules < 0:
        return False
    _allow(rules, home, everything)
    _allow(rules, Path(os.devnull), _READ_WRITE_FILE)
    for path in readable:
        _allow(rules, path, _READ)
    sealed = bool(_LIBC.syscall(_LANDLOCK_RESTRICT, rules, 0) == 0)
    os.close(rules)
    return sealed


def _allow(rules: int, path: Path, access: int) -> None:
    """Add one rule; a path that is not there, or a lone file among folders, needs none."""
    try:
        folder = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    rule = _Beneath(access, folder)
    _LIBC.syscall(_LANDLOCK_ADD, rules, _RULE_BENEATH, ctypes.byref(rule), 0)
    os.close(folder)
