"""How commands end: told to stop, left by their reader, or sent to a server that is not there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cli.ports import free_port
from tests.fixtures.commands import remission, started
from tests.fixtures.servers import PATIENCE_SECONDS, ROOT, serving
from tests.fixtures.streams import changed_concept


def read_until(process: subprocess.Popen[str], word: str) -> str:
    """Read standard error up to the line that holds *word*."""
    assert process.stderr is not None
    told = ""
    while word not in told:
        line = process.stderr.readline()
        assert line, told
        told += line
    return told


@pytest.mark.parametrize(
    "command", [("models",), ("state",), ("state", "m"), ("history",), ("replay", "m"), ("replay", "m", "--json")]
)
def test_a_server_that_is_not_there_is_one_clear_line(command: tuple[str, ...], tmp_path: Path) -> None:
    server = f"127.0.0.1:{free_port()}"

    done = remission(*command, "--server", server, folder=tmp_path)

    assert (done.code, done.out) == (2, "")
    assert done.err == (
        f"remission: --server: nobody answers at '{server}'; a running server is accepted, and `remission serve` "
        "starts one\n"
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_that_waits_for_its_server_ends_when_told(number: signal.Signals, tmp_path: Path) -> None:
    worker = started("worker", "--server", f"127.0.0.1:{free_port()}", folder=tmp_path)
    read_until(worker, "seeking")

    worker.send_signal(number)

    _, told = worker.communicate(timeout=PATIENCE_SECONDS)
    assert worker.returncode == 0
    assert "stopped" in told
    assert "Traceback" not in told


def test_a_worker_that_has_nothing_to_do_ends_when_told(tmp_path: Path) -> None:
    with serving(tmp_path) as target:
        worker = started("worker", "--server", target, folder=tmp_path)
        read_until(worker, "seeking")
        worker.terminate()

        _, told = worker.communicate(timeout=PATIENCE_SECONDS)

    assert worker.returncode == 0
    assert "Traceback" not in told


def test_a_backtest_that_is_interrupted_says_no_more_and_writes_no_report(tmp_path: Path) -> None:
    changed_concept(tmp_path / "turned.csv")
    asked = ("backtest", "turned.csv", "--target", "label", "--json", "report.json")
    process = started(*asked, folder=tmp_path, FORCE_COLOR="1")
    assert process.stderr is not None
    process.stderr.read(1)  # the bar has begun

    os.killpg(process.pid, signal.SIGINT)

    out, told = process.communicate(timeout=PATIENCE_SECONDS)
    assert (process.returncode, out) == (130, "")
    assert "Traceback" not in told
    assert not (tmp_path / "report.json").exists()


def test_a_reader_that_leaves_early_ends_the_command_quietly(tmp_path: Path) -> None:
    with serving(tmp_path) as target:
        process = started("models", "--server", target, folder=tmp_path)
        assert process.stdout is not None
        process.stdout.close()

        assert process.stderr is not None
        told = process.stderr.read()

    assert process.wait(PATIENCE_SECONDS) == 1
    assert told == ""


REPORTED = ("drill", "--scenario", "calm", "--template", "linear", "--json", "-")


@pytest.mark.parametrize("command", [("drill", "--list"), ("policy", "check", "default"), ("--help",), REPORTED])
def test_output_that_finds_no_room_is_one_line_and_nothing_that_was_looked_at(
    command: tuple[str, ...], tmp_path: Path
) -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        process = started(*command, folder=tmp_path, out=full)
        _, told = process.communicate(timeout=PATIENCE_SECONDS)

    assert process.returncode == 2
    assert told.endswith("remission: what was to be told: cannot be written: No space left on device\n")
    assert "Traceback" not in told


def test_a_reader_of_a_report_that_leaves_early_ends_the_command_quietly(tmp_path: Path) -> None:
    process = started(*REPORTED, folder=tmp_path)
    assert process.stdout is not None
    process.stdout.close()

    assert process.stderr is not None
    told = process.stderr.read()

    assert process.wait(PATIENCE_SECONDS) == 1
    assert "Traceback" not in told
    assert "Exception" not in told


def test_a_refusal_that_nobody_can_be_told_of_has_its_exit_code() -> None:
    asked = [sys.executable, "-m", "cli.main", "backtest", "nowhere.csv", "--target", "label"]
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = subprocess.run(asked, cwd=ROOT, stdout=subprocess.PIPE, stderr=full, check=False)

    assert (done.returncode, done.stdout) == (2, b"")


def test_a_command_whose_output_is_closed_goes_on(tmp_path: Path) -> None:
    done = remission("policy", "check", "default", folder=tmp_path)
    asked = [sys.executable, "-m", "cli.main", "policy", "check", "default"]
    closed = subprocess.run(
        ["/bin/sh", "-c", '"$@" >&-', "sh", *asked], capture_output=True, text=True, cwd=ROOT, check=False
    )

    assert (done.code, closed.returncode, closed.stderr) == (0, 0, done.err)


def test_a_backtest_wants_a_server_on_the_streams_clock(tmp_path: Path) -> None:
    changed_concept(tmp_path / "turned.csv")
    with serving(tmp_path) as target:
        done = remission("backtest", "turned.csv", "--target", "label", "--server", target, folder=tmp_path)

    assert done.code == 2
    assert "remission: --server: it is on the system's clock; `remission serve --clock stream` is accepted" in done.err


def test_a_database_keeps_one_backtest_of_a_name(tmp_path: Path) -> None:
    changed_concept(tmp_path / "turned.csv", rows=300)
    asked = ("backtest", "turned.csv", "--target", "label", "--db", "sqlite:///kept.db")
    first = remission(*asked, folder=tmp_path)
    assert first.code == 0, first.err

    again = remission(*asked, folder=tmp_path)

    assert again.code == 2
    assert "remission: --db: the log there has a model 'turned' already; another database is accepted" in again.err


def test_a_database_is_brought_up_and_down_and_an_unknown_revision_is_refused(tmp_path: Path) -> None:
    up = remission("migrate", "--db", "sqlite:///log.db", folder=tmp_path)
    unknown = remission("migrate", "--db", "sqlite:///log.db", "--to", "9999", folder=tmp_path)
    aimless = remission("migrate", "--db", "sqlite:///log.db", "--down", folder=tmp_path)
    down = remission("migrate", "--db", "sqlite:///log.db", "--down", "--to", "base", folder=tmp_path)

    assert (up.code, up.out.partition(" ")[0]) == (0, "schema")
    assert (unknown.code, unknown.err.count("\n")) == (2, 1)
    assert unknown.err.startswith("remission: No migration has this name; `head` is the newest")
    assert aimless.code == 2
    assert "--to" in aimless.err
    assert (down.code, down.out) == (0, "schema empty\n")
