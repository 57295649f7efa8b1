"""A server says so when nothing outside its database knows how far the log had come."""

from __future__ import annotations

from pathlib import Path

from remission import Client

from tests.fixtures.servers import start
from tests.integration.server.requests import create, model, reference

SAID = "checkpoint_file_missing"


def test_a_server_whose_newest_checkpoint_is_gone_says_that_an_older_backup_could_not_be_told(tmp_path: Path) -> None:
    said: list[int] = []
    for lost in (False, False, True):
        if lost:
            (tmp_path / "log.key.checkpoint").unlink()
        server = start(tmp_path)
        with Client(server.target) as client:
            if not said:
                asked = create(model("m"), reference())
                client.create_model(asked.model, asked.reference)
            client.audit.checkpoint()
        server.stop()
        said.append((tmp_path / "server.log").read_text().count(SAID))

    assert said == [0, 0, 1]
