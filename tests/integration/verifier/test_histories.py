"""Logs that releases have written, in an auditor's hands: their old envelopes, and the tree over them."""

from __future__ import annotations

from pathlib import Path

import pytest
from remission_verify.auditing import check_log
from remission_verify.trust import Trust

from server.settings import Settings
from server.wiring import open_log
from statemachine.record.envelope import leaf_of
from store import migrate
from tests.fixtures.histories import HISTORIES, History
from tests.fixtures.logs import SIGNER, exported


@pytest.fixture(params=HISTORIES, ids=str)
def history(request: pytest.FixtureRequest) -> History:
    found: History = request.param
    return found


def test_a_log_of_every_release_is_whole_to_an_auditor(history: History, tmp_path: Path) -> None:
    url = f"sqlite:///{history.unpacked(tmp_path)}"
    migrate.upgrade(url)
    reader = open_log(Settings(database=url))
    head, events = reader.read(lambda view: (view.head(), view.all_events(0, 100_000)))
    reader.close()

    found = check_log(exported(tmp_path / "log", [leaf_of(event) for event in events]), Trust((SIGNER.verifier,)))

    assert (found.faults, found.size, found.root) == ([], head.position, head.root)
