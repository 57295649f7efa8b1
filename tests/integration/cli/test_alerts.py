"""Whoever has to alert finds in the commands' JSON what is to be alerted on, and is told each thing once."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from remission import Client

from tests.fixtures.commands import remission
from tests.fixtures.servers import PATIENCE_SECONDS, serving
from tests.integration.server.examples import NORMAL
from tests.integration.server.life import LASTING, QUIET, Life

CALLS = ("escalated", "notified")


def test_calls_for_people_are_read_once_each_behind_the_last_position(tmp_path: Path) -> None:
    with serving(tmp_path) as target, Client(target) as client:

        def behind(position: int) -> list[dict[str, Any]]:
            done = remission("history", "--after", str(position), "--json", "--server", target, folder=tmp_path)
            assert (done.code, done.err) == (0, "")
            found: list[dict[str, Any]] = json.loads(done.out)
            return found

        life = Life(client, {**QUIET, "budget": {"unexplained": "people"}})
        life.measure(*NORMAL, *LASTING)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not any(one.type == "escalated" for one in client.history(life.model)):
            assert time.monotonic() < deadline
        client.operations.hold(life.model, reason="let me look")
        first = behind(0)
        again = behind(int(first[-1]["position"]))
        (state,) = json.loads(remission("state", "--json", "--server", target, folder=tmp_path).out)

    (call,) = [one for one in first if one["type"] in CALLS]
    assert call["stream"] == life.model
    assert json.loads(call["payload_json"])["level"] == 1
    assert again == []
    assert (state["state"], state["automation"]) == ("STATE_DEGRADED", "AUTOMATION_HELD")
    assert int(state["entered_us"]) > 0
    assert (state["silent_signals"], state["wait"]["awaited"]) == ([], "a person (Release)")
