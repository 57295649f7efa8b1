"""A server that is killed in the middle of an erasure finishes it when it starts again, wherever it was."""

from __future__ import annotations

from pathlib import Path

import grpc
import pytest
from remission import Client
from remission.v1 import privacy_pb2, privacy_pb2_grpc

from tests.fixtures.servers import Server, start
from tests.integration.server import marked
from tests.integration.server.marked import MARKED, SUBJECT

#: The command, with a vault that ends its process before or after it has destroyed keys.
DOOMED = """
import os, signal
from store.vault.sql_vault import SqlVault

kept = SqlVault.destroy


def destroy(self, key_ids):
    {before}
    kept(self, key_ids)
    os.kill(os.getpid(), signal.SIGKILL)


SqlVault.destroy = destroy
from cli.main import main
main()
"""
MOMENTS = {"before": "os.kill(os.getpid(), signal.SIGKILL)", "after": "pass"}
ASKED = privacy_pb2.EraseSubjectRequest(request_id="e-1", subject_id=SUBJECT)


def killed_while_erasing(server: Server) -> None:
    with grpc.insecure_channel(server.target) as channel, pytest.raises(grpc.RpcError):
        privacy_pb2_grpc.PrivacyServiceStub(channel).EraseSubject(ASKED, timeout=30)
    server.process.wait(30)


@pytest.mark.parametrize("moment", MOMENTS)
def test_an_erasure_that_a_kill_interrupts_is_finished_at_the_next_start(tmp_path: Path, moment: str) -> None:
    doomed = start(tmp_path, clock="stream", program=DOOMED.format(before=MOMENTS[moment]))
    with Client(doomed.target) as client:
        client.create_model(marked.a_model(), marked.a_past())
        client.ingest_batch("m", marked.batch(0))
        marked.label(client, 0)
    killed_while_erasing(doomed)
    keys = marked.materials(tmp_path / "log-vault.db")
    again = start(tmp_path, clock="stream")
    with Client(again.target) as client:
        [found] = client.privacy.erasures()
        repeated = client.privacy.erase_subject(SUBJECT, request_id="e-1")
        proved = client.audit.verify()
    again.stop()
    gone = {key_id: keys[key_id] for key_id in marked.destroyed(tmp_path / "log-vault.db")}

    assert found.status == privacy_pb2.ERASURE_STATUS_DONE
    assert [(one.model, one.rows, one.labels) for one in found.models] == [("m", MARKED, MARKED)]
    assert repeated == found
    assert (proved.chain_ok, proved.replay_equal, proved.first_failure) == (True, True, "")
    assert marked.found_in(tmp_path, {**marked.traces(1), **{k: v for k, v in gone.items() if any(v)}}) == []
