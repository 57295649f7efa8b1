"""Client and worker go on under certificates that were renewed, though no connection of the old ones is let in."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from remission import CertificateFiles, Client
from remission.errors import UnavailableError

from tests.fixtures.authority import Authority
from tests.fixtures.secured import secured
from tests.fixtures.servers import ROOT
from tests.integration.server.examples import a_model, a_reference

CALL_SECONDS, PATIENCE_SECONDS = 20.0, 60.0
FILES = ("server.pem", "server.key", "authority.pem", "me.pem", "me.key")


def _renew(tmp_path: Path) -> None:
    """Put the files of another authority in the place of those that are shown."""
    for name in FILES:
        (tmp_path / "shown" / name).write_bytes((tmp_path / "after" / name).read_bytes())


@pytest.fixture
def target(tmp_path: Path) -> Iterator[str]:
    """Give a server whose connections last a second; its files, and those of its clients, are in `shown`."""
    known = []
    for name in ("before", "after"):
        (tmp_path / name).mkdir()
        known.append(Authority(tmp_path / name).machine("me"))
    shutil.copytree(tmp_path / "before", tmp_path / "shown")
    with secured(tmp_path, tmp_path / "shown", known[0], REMISSION_CONNECTION_SECONDS="1") as address:
        yield address


@pytest.fixture
def files(target: str, tmp_path: Path) -> CertificateFiles:
    del target  # which has put them there
    shown = tmp_path / "shown"
    return CertificateFiles(shown / "authority.pem", shown / "me.pem", shown / "me.key")


def test_a_client_goes_on_where_one_that_read_its_files_once_is_shut_out(
    target: str, files: CertificateFiles, tmp_path: Path
) -> None:
    with (
        Client(target, tls=files, timeout=CALL_SECONDS) as client,
        Client(target, tls=files.credentials(), timeout=CALL_SECONDS) as stubborn,
    ):
        client.create_model(a_model("m"), a_reference())
        assert stubborn.state("m").row == 60
        _renew(tmp_path)
        with pytest.raises(UnavailableError):
            _ask_for_ever(stubborn)

        assert client.state("m").row == 60


def test_a_worker_goes_on(target: str, files: CertificateFiles, tmp_path: Path) -> None:
    with Client(target, tls=files, timeout=CALL_SECONDS) as client, _worker(target, tmp_path) as log:
        client.create_model(a_model("m"), a_reference())
        _until(lambda: "seeking" in log.read_text())
        stubborn = Client(target, tls=files.credentials(), timeout=CALL_SECONDS)
        _renew(tmp_path)
        with stubborn, pytest.raises(UnavailableError):
            _ask_for_ever(stubborn)
        client.operations.start_retraining("m")
        _until(lambda: "leased" in log.read_text())


def _ask_for_ever(client: Client) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        client.models.get("m")


def _until(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.05)


@contextlib.contextmanager
def _worker(target: str, folder: Path) -> Iterator[Path]:
    """Let a worker seek jobs, and give its log."""
    shown, log = folder / "shown", folder / "worker.log"
    environment = {
        "REMISSION_CLIENT_AUTHORITY": str(shown / "authority.pem"),
        "REMISSION_CLIENT_CERTIFICATE": str(shown / "me.pem"),
        "REMISSION_CLIENT_KEY": str(shown / "me.key"),
    }
    command = [sys.executable, "-m", "cli.main", "worker", "--server", target]
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **environment}, stdout=out, stderr=out)
    try:
        yield log
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)
