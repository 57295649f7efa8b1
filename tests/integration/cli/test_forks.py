"""A command that is forked for a test is what a process from scratch is, and no module leans on what others import."""

from __future__ import annotations

import os
import pkgutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cli.ports import free_port
from tests.fixtures.commands import remission, started
from tests.fixtures.forked import Forked, commanded
from tests.fixtures.servers import PATIENCE_SECONDS, ROOT
from tests.fixtures.warmed import LATER

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere every command starts from scratch")
COMMANDS = ["", "--help", "policy check default", "backtest no.csv --target label", "verify", "migrate", "key show no"]
#: Imports one module after another, each in a process that has imported nothing else of ours.
ALONE = """
import importlib, os, sys
import google.protobuf, grpc, numpy, pandas, rich, sqlalchemy, structlog, typer
for name in sys.argv[1:]:
    if not (child := os.fork()):
        importlib.import_module(name)
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        print(name)
"""


@pytest.mark.parametrize("command", COMMANDS)
def test_a_fork_ends_and_tells_as_a_process_from_scratch_does(command: str, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()

    forked = remission(*command.split(), folder=first)
    scratch = subprocess.run(
        [sys.executable, "-m", "cli.main", *command.split()],
        cwd=second, env=commanded(), capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert (forked.code, forked.out, forked.err) == (scratch.returncode, scratch.stdout, scratch.stderr)
    assert {path.name for path in first.iterdir()} == {path.name for path in second.iterdir()}


def test_a_fork_is_a_child_with_a_session_and_signals_of_its_own(tmp_path: Path) -> None:
    asked = ("wait", "m", "--server", f"127.0.0.1:{free_port()}")
    one, another = started(*asked, folder=tmp_path), started(*asked, folder=tmp_path)
    seen = [(os.getsid(process.pid), os.getpgid(process.pid)) for process in (one, another)]
    one.kill()
    os.killpg(another.pid, signal.SIGKILL)

    ends = [process.wait(PATIENCE_SECONDS) for process in (one, another)]
    for process in (one, another):
        process.communicate()

    assert isinstance(one, Forked)
    assert seen == [(one.pid, one.pid), (another.pid, another.pid)]
    assert ends == [-signal.SIGKILL, -signal.SIGKILL]


def test_a_fork_has_the_folder_the_environment_and_no_open_file_but_its_streams(tmp_path: Path) -> None:
    process = started("watch", "--server", f"127.0.0.1:{free_port()}", folder=tmp_path, REMISSION_SEEN="1")
    os.kill(process.pid, signal.SIGSTOP)
    place = Path("/proc") / str(process.pid)
    folder = (place / "cwd").readlink()
    sockets = [one for one in (place / "fd").iterdir() if int(one.name) > 2 and "socket" in str(one.readlink())]
    process.kill()
    process.communicate()

    assert isinstance(process, Forked)
    assert folder == tmp_path
    assert sockets == []


@pytest.mark.parametrize("name", ["FORCE_COLOR", "PYTHONUTF8", "GRPC_VERBOSITY"])
def test_what_may_be_read_at_an_import_has_a_process_from_scratch(name: str, tmp_path: Path) -> None:
    process = started("--help", folder=tmp_path, out=subprocess.PIPE, **{name: "1"})
    process.communicate()

    assert not isinstance(process, Forked)


def test_every_module_of_the_command_imports_what_it_needs_itself() -> None:
    names = [one.name for one in pkgutil.walk_packages([str(ROOT / "cli")], "cli.")]
    ours = [name for name in LATER if name.startswith(("backtest", "remission_verify", "server", "store"))]

    found = subprocess.run(
        [sys.executable, "-c", ALONE, *names, *ours], cwd=ROOT, env=commanded(), capture_output=True, text=True,
        check=True,
    )  # fmt: skip

    assert found.stdout == "", found.stderr
