"""A process that is killed keeps what it has acknowledged."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from statemachine.record.chain import chain_faults
from store import migrate
from tests.integration.store.conftest import Opening

WRITER = """
import sys
from statemachine.record.envelope import NewEvent
from store import open_store

store = open_store(sys.argv[1], clock_us=lambda: 1)
version = 0
while True:
    event = NewEvent(event_id=str(version), type="t", schema=1, occurred_us=1, actor="a", authentication="n",
                     policy_version=1, machine_version="1", payload=b"{}")
    version = store.submit(lambda unit: unit.append("a", version, [event])).result()[0].version
    print(version, flush=True)
"""


@pytest.mark.parametrize("acknowledged", [1, 40])
def test_what_was_acknowledged_survives_a_kill(tmp_path: Path, opened: Opening, acknowledged: int) -> None:
    url = f"sqlite:///{tmp_path}/log.db"
    migrate.upgrade(url)
    with subprocess.Popen([sys.executable, "-c", WRITER, url], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        seen = [int(writer.stdout.readline()) for _ in range(acknowledged)]
        writer.send_signal(signal.SIGKILL)
        seen += [int(line) for line in writer.stdout if line.endswith("\n")]

    events = opened(url).read(lambda reader: reader.events("a"))

    # One more may have been committed before its answer went out.
    assert len(events) in (len(seen), len(seen) + 1)
    assert seen == list(range(1, len(seen) + 1))
    assert list(chain_faults(events)) == []
