"""A kernel that refuses some calls, or says yes to them and does nothing, as containers and their kernels do.

The filter (seccomp) holds for this process and all that it starts, so it is set by programs that end soon.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
from pathlib import Path

from retraining.sandbox import kernel

UNSHARE = {"x86_64": 272, "aarch64": 97}[platform.machine()]
LANDLOCK_CREATE, LANDLOCK_RESTRICT = 444, 446

_NO_NEW_PRIVILEGES, _SET_SECCOMP, _FILTER = 38, 22, 2  #: of prctl(2)
_LOAD_NUMBER, _UNLESS_EQUAL_SKIP, _RETURN = 0x20, 0x15, 0x06  #: instructions of BPF
_ALLOW, _ANSWER = 0x7FFF_0000, 0x0005_0000


class _Step(ctypes.Structure):
    _fields_ = (("code", ctypes.c_uint16), ("jt", ctypes.c_uint8), ("jf", ctypes.c_uint8), ("k", ctypes.c_uint32))


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint16), ("steps", ctypes.POINTER(_Step)))


def give_up_root() -> None:
    """Be a user of a namespace, with no rights in it or outside, who stands for anybody that is not root."""
    if os.geteuid() == 0:
        assert kernel.unshare(kernel.NEW_USERS)
        for name, line in (("setgroups", "deny"), ("uid_map", "1000 0 1"), ("gid_map", "1000 0 1")):
            Path("/proc/self", name).write_text(line, encoding="ascii")
        kernel.drop_privileges()
    assert os.geteuid() != 0


def refuse(call: int) -> None:
    """Have the kernel refuse *call* from now on."""
    _answer(call, errno.EPERM)


def pretend(call: int) -> None:
    """Have the kernel agree to *call* from now on, and do nothing."""
    _answer(call, 0)


def _answer(call: int, error: int) -> None:
    steps = (_Step * 4)(
        _Step(_LOAD_NUMBER, 0, 0, 0),
        _Step(_UNLESS_EQUAL_SKIP, 0, 1, call),
        _Step(_RETURN, 0, 0, _ANSWER | error),
        _Step(_RETURN, 0, 0, _ALLOW),
    )
    libc = ctypes.CDLL(None, use_errno=True)
    program = _Program(len(steps), steps)
    for told in ((_NO_NEW_PRIVILEGES, 1, 0), (_SET_SECCOMP, _FILTER, ctypes.byref(program))):
        if libc.prctl(*told, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "the kernel takes no filter")
