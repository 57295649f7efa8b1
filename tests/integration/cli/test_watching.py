"""`remission watch` outlives its server: a rolling restart costs no change, and tells none twice."""

from __future__ import annotations

import json
import signal
from pathlib import Path

from remission import Client

from tests.fixtures.commands import started
from tests.fixtures.servers import PATIENCE_SECONDS, start
from tests.integration.server.examples import NORMAL
from tests.integration.server.life import LASTING, QUIET, Life


def test_a_watch_goes_on_behind_the_last_change_when_its_server_is_there_again(tmp_path: Path) -> None:
    server = start(tmp_path, clock="stream")
    process = started("watch", "--json", "--server", server.target, folder=tmp_path)
    try:
        assert process.stdout is not None
        assert process.stderr is not None
        with Client(server.target) as client:
            life = Life(client, {**QUIET, "approvals": {"required": True}})
            life.measure(*NORMAL, *LASTING[:4])
            seen = [json.loads(process.stdout.readline())]
        server.stop()
        away = process.stderr.readline()
        again = start(tmp_path, clock="stream", port=int(server.target.rpartition(":")[2]))
        with Client(again.target) as client:
            life.client = client
            life.measure(*LASTING)
            seen.append(json.loads(process.stdout.readline()))
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE_SECONDS)
        again.stop()
    finally:
        process.kill()

    assert [one["trigger"] for one in seen] == ["raise_alarm", "confirm_decline"]
    assert f"; the watch goes on behind position {seen[0]['position']}\n" in away
    assert (process.returncode, err) == (0, "")
    assert {json.loads(line)["trigger"] for line in out.splitlines()}.isdisjoint({"raise_alarm", "confirm_decline"})
