"""Jobs that misbehave, by name. They run in sandboxed children only."""

from __future__ import annotations

import ctypes
import mmap
import os
import resource
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Spec = dict[str, Any]


def run(spec: Spec, inputs: Path) -> Spec:
    """Do what the spec names."""
    return JOBS[spec["do"]](spec, inputs)


def _behave(spec: Spec, inputs: Path) -> Spec:
    Path("out/model").write_bytes(b"".join(path.read_bytes() for path in sorted(inputs.iterdir())))
    return {"spec": spec, "folder": sorted(path.name for path in Path().iterdir()), "variables": sorted(os.environ)}


def _rights(_: Spec, __: Path) -> Spec:
    """Ask the kernel what is left: capget(2) and prctl(2), of which 2 gets the signal and 39 the promise."""
    kernel, signal_at_end = ctypes.CDLL(None), ctypes.c_int()
    header, capabilities = (ctypes.c_uint32 * 2)(0x2008_0522, 0), (ctypes.c_uint32 * 6)(*[1] * 6)
    kernel.capget(ctypes.byref(header), ctypes.byref(capabilities))
    kernel.prctl(2, ctypes.byref(signal_at_end), 0, 0, 0)
    return {
        "capabilities": list(capabilities), "no_new_privileges": kernel.prctl(39, 0, 0, 0, 0),
        "signal_at_end": signal_at_end.value, "groups": os.getgroups(), "umask": os.umask(0),
        "core_bytes": resource.getrlimit(resource.RLIMIT_CORE), "files": resource.getrlimit(resource.RLIMIT_NOFILE),
        "user": os.getuid(),
    }  # fmt: skip


def _connect(spec: Spec, _: Path) -> Spec:
    with socket.socket() as line:
        return {"error": line.connect_ex(("127.0.0.1", spec["port"]))}


def _fork(_: Spec, __: Path) -> Spec:
    made = 0
    try:
        while True:
            if os.fork() == 0:
                time.sleep(600)
            made += 1
    except OSError:
        return {"made": made}


def _hide(spec: Spec, _: Path) -> Spec:
    """Leave a grandchild in a session of its own, which holds the named lock for as long as it lives."""
    told, tell = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            holder = socket.socket(socket.AF_UNIX)
            holder.bind("out/alive")
            Path("alive").touch()
            os.write(tell, b"1")
            time.sleep(600)
        os._exit(0)
    os.read(told, 1)
    Path("out/alive").unlink()
    return spec


def _take(spec: Spec, _: Path) -> Spec:
    return {"taken": len(bytearray(spec["bytes"]))}


def _map(spec: Spec, _: Path) -> Spec:
    return {"mapped": len(mmap.mmap(-1, spec["bytes"]))}


def _take_in_steps(spec: Spec, inputs: Path) -> Spec:
    """Say of an error what it stopped, as libraries do."""
    try:
        return _take(spec, inputs)
    except MemoryError as error:
        raise RuntimeError("a step failed") from error


def _share(spec: Spec, _: Path) -> Spec:
    """Ask for the memory that processes share under a key: shmget(2)."""
    return {"found": ctypes.CDLL(None).shmget(spec["key"], 0, 0) != -1}


def _write(spec: Spec, _: Path) -> Spec:
    with Path("out/model").open("wb") as file:
        file.writelines(bytes(1 << 20) for _megabyte in range(spec["bytes"] >> 20))
    return {}


def _spin(spec: Spec, _: Path) -> Spec:
    if spec.get("deaf"):
        signal.signal(signal.SIGXCPU, signal.SIG_IGN)
    while True:
        pass


def _sleep(spec: Spec, _: Path) -> Spec:
    time.sleep(spec["seconds"])
    return {}


def _crash(_: Spec, __: Path) -> Spec:
    ctypes.string_at(0)
    return {}


def _raise(_: Spec, __: Path) -> Spec:
    raise LookupError("no such column")


def _exit(_: Spec, __: Path) -> Spec:
    os._exit(0)


def _link(spec: Spec, _: Path) -> Spec:
    Path("out/model").symlink_to(spec["to"])
    return {}


def _link_folder(spec: Spec, _: Path) -> Spec:
    Path("out").rename("elsewhere")
    Path("out").symlink_to(spec["to"])
    os._exit(0)


def _pipe(_: Spec, __: Path) -> Spec:
    os.mkfifo("out/model")
    return {}


def _many(_: Spec, __: Path) -> Spec:
    for number in range(100):
        Path(f"out/{number}").touch()
    return {}


def _folder(_: Spec, __: Path) -> Spec:
    Path("out/folder").mkdir()
    return {}


def _several(spec: Spec, _: Path) -> Spec:
    for number in range(3):
        Path(f"out/{number}").write_bytes(bytes(spec["bytes"]))
    return {}


def _say(spec: Spec, _: Path) -> Spec:
    Path("out/report.json").write_text(spec["text"], encoding="utf-8")
    os._exit(0)


def _forge(_: Spec, __: Path) -> Spec:
    """Claim a better isolation on every line that is open."""
    for descriptor in range(3, 64):
        try:
            os.write(descriptor, b"sealed\n")
        except OSError:
            continue
    Path("out/isolation").write_text("sealed", encoding="ascii")
    return {}


def _touch(spec: Spec, _: Path) -> Spec:
    told = {}
    for path in spec["paths"]:
        try:
            with Path(path).open("r+b") as file:
                file.truncate(0)
        except OSError as error:
            told[path] = error.errno
        try:
            (Path(path).parent / "new").touch()
        except OSError as error:
            told[f"{path}/new"] = error.errno
    return told


def _look(spec: Spec, _: Path) -> Spec:
    told: dict[str, int] = {}
    for path in spec["paths"]:
        try:
            told[path] = len(list(Path(path).iterdir())) if Path(path).is_dir() else len(Path(path).read_bytes())
        except OSError:
            told[path] = -1
    return told


def _kill(spec: Spec, _: Path) -> Spec:
    told = {}
    for process in (os.getppid(), *spec["processes"]):
        try:
            os.kill(process, signal.SIGKILL)
        except OSError:
            continue
        told[str(process)] = "killed"
    return told


def _nest(_: Spec, __: Path) -> Spec:
    Path("out/report.json").write_text("[" * 200_000, encoding="ascii")
    os._exit(0)


JOBS: dict[str, Callable[[Spec, Path], Spec]] = {
    "behave": _behave,
    "connect": _connect,
    "crash": _crash,
    "exit": _exit,
    "forge": _forge,
    "folder": _folder,
    "fork": _fork,
    "hide": _hide,
    "kill": _kill,
    "link": _link,
    "link folder": _link_folder,
    "look": _look,
    "map": _map,
    "many": _many,
    "nest": _nest,
    "pipe": _pipe,
    "raise": _raise,
    "rights": _rights,
    "say": _say,
    "several": _several,
    "share": _share,
    "sleep": _sleep,
    "spin": _spin,
    "take": _take,
    "take in steps": _take_in_steps,
    "touch": _touch,
    "write": _write,
}
