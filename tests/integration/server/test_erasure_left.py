"""What a killed server has left of an erasure is finished, and what an old vault brings back is destroyed and told."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from threading import Event

import grpc
import pytest
from remission import Client
from remission.v1 import privacy_pb2, privacy_pb2_grpc

from server.clock import wall_us
from store import open_store
from store.vault import open_vault
from tests.fixtures.events import an_event
from tests.fixtures.postgres import Postgres
from tests.fixtures.servers import Server, start
from tests.integration.server import marked
from tests.integration.server.marked import MARKED, SUBJECT

#: The command, with a vault that ends its process before it destroys anything.
DOOMED = """
import os, signal
from store.vault.sql_vault import SqlVault

SqlVault.destroy = lambda self, key_ids: os.kill(os.getpid(), signal.SIGKILL)
from cli.main import main
main()
"""
#: The command, that looks for what others have left every half a second.
EAGER = """
from server import clockwork

clockwork.NEGLECT_US = 500_000
from cli.main import main
main()
"""
#: The command, whose clock is set ahead by two years in the first of its hours, which last three seconds.
LEAPING = """
from server import clockwork

clockwork.HOUR_US = 3_000_000
real, leaps, kept = clockwork.wall_us, [], clockwork.SteadyHours


def begun(*moment):
    leaps.append(2 * 365 * 86_400 * 1_000_000)
    return kept(*moment)


clockwork.wall_us = lambda: real() + sum(leaps)
clockwork.SteadyHours = begun
from cli.main import main
main()
"""
ASKED = privacy_pb2.EraseSubjectRequest(request_id="e-1", subject_id=SUBJECT)


def fed(server: Server) -> None:
    with Client(server.target) as client:
        client.create_model(marked.a_model(), marked.a_past())
        client.ingest_batch("m", marked.batch(0))
        marked.label(client, 0)


def killed_while_erasing(server: Server) -> None:
    with grpc.insecure_channel(server.target) as channel, pytest.raises(grpc.RpcError):
        privacy_pb2_grpc.PrivacyServiceStub(channel).EraseSubject(ASKED, timeout=30)
    server.process.wait(30)


def wait(over: Callable[[], bool]) -> None:
    begun, waiting = time.monotonic(), Event()
    while not over():
        assert time.monotonic() < begun + 60, "nobody finishes it"
        waiting.wait(0.05)


def test_a_running_server_finishes_what_a_killed_one_was_asked_to_erase(tmp_path: Path, postgres: Postgres) -> None:
    database = postgres.new_database()
    doomed = start(tmp_path, database=database, program=DOOMED)
    other = start(tmp_path, database=database, program=EAGER)
    fed(doomed)
    killed_while_erasing(doomed)
    with Client(other.target) as client:
        wait(lambda: [one.status for one in client.privacy.erasures()] == [privacy_pb2.ERASURE_STATUS_DONE])
        [found] = client.privacy.erasures()
        proved = client.audit.verify()
    other.stop()

    assert [(one.model, one.rows, one.labels) for one in found.models] == [("m", MARKED, MARKED)]
    assert (proved.chain_ok, proved.replay_equal, proved.first_failure) == (True, True, "")


def test_a_server_starts_though_an_erasure_is_of_a_model_that_cannot_be_read_and_keeps_what_is_intended(
    tmp_path: Path,
) -> None:
    told = tmp_path / "server.log"
    doomed = start(tmp_path, program=DOOMED)
    fed(doomed)
    with Client(doomed.target) as client:
        client.create_model(marked.a_model("n"), marked.a_past())
    killed_while_erasing(doomed)
    with (
        closing(open_vault(f"sqlite:///{tmp_path}/log-vault.db", clock_us=wall_us)) as vault,
        closing(open_store(f"sqlite:///{tmp_path}/log.db", clock_us=wall_us, vault=vault)) as store,
    ):
        store.run(lambda unit: unit.append("m", unit.version("m"), [an_event("of-later")]))
    server = start(tmp_path, program=EAGER)
    with Client(server.target) as client:
        client.ingest_batch("n", marked.batch(0))  # the others are served
        [kept] = client.privacy.erasures()
        gone = marked.destroyed(tmp_path / "log-vault.db")
    server.stop()

    [line] = [line for line in told.read_text().splitlines() if "erasure_undone" in line]
    assert kept.erasure_id in line
    assert re.search(r"models=\{'m': .UNKNOWN_EVENT: ", line)
    assert (kept.status, list(gone)) == (privacy_pb2.ERASURE_STATUS_INTENDED, [])


def test_a_server_that_starts_on_an_old_copy_of_the_vault_destroys_again_and_says_so(tmp_path: Path) -> None:
    vault, told = tmp_path / "log-vault.db", tmp_path / "server.log"
    first = start(tmp_path, clock="stream")
    fed(first)
    first.stop()
    old = vault.read_bytes()
    second = start(tmp_path, clock="stream")
    with Client(second.target) as client:
        client.privacy.erase_subject(SUBJECT, request_id="e-1")
    second.stop()
    before, gone = "vault_restored" in told.read_text(), marked.destroyed(vault)
    vault.write_bytes(old)
    keys = marked.materials(vault)
    start(tmp_path, clock="stream").stop()

    assert not before
    assert f"keys_destroyed_again={len(gone)}" in told.read_text()
    assert marked.found_in(tmp_path, {key_id: keys[key_id] for key_id in gone}) == []


def test_nothing_is_erased_by_age_behind_an_hour_in_which_the_clock_was_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REMISSION_KEEP_ROWS_DAYS", "30")
    told = tmp_path / "server.log"
    server = start(tmp_path, program=LEAPING)
    fed(server)
    with Client(server.target) as client:
        wait(lambda: "clock_was_set" in told.read_text())
        at_once = list(client.privacy.erasures())
        wait(lambda: len(list(client.privacy.erasures())) == 1)  # by now it is the clock
    server.stop()

    assert at_once == []
