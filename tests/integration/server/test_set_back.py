"""A server whose clock is behind its log says so when it starts, and goes on where the log is."""

from __future__ import annotations

from pathlib import Path

from remission import Client

from tests.fixtures.servers import serving
from tests.integration.server.examples import a_model, a_reference

SAID = "clock_behind_log"
DAY_SECONDS = 86_400
#: Serves as the command does, by a clock that is so far off.
SHIFTED = """
import time
own = time.time_ns
time.time_ns = lambda: own() + {seconds} * 1_000_000_000
from cli.main import main
main()
"""


def test_a_server_that_starts_on_a_clock_a_day_behind_its_log_says_so_and_keeps_the_order(tmp_path: Path) -> None:
    said, stood = list[int](), list[list[tuple[int, int]]]()
    for name, shift in {"m": 0, "n": DAY_SECONDS, "o": 0}.items():
        with serving(tmp_path, program=SHIFTED.format(seconds=shift)) as target, Client(target) as client:
            client.create_model(a_model(name), a_reference())
            if name == "o":
                client.operations.hold("n")
            client.audit.checkpoint()
            stood.append([(one.position, one.occurred_us) for one in client.history("n")] if name != "m" else [])
            found = client.audit.verify()
        said.append((tmp_path / "server.log").read_text().count(SAID))

    (_, before), (_, after) = stood[2][-2:]
    assert said == [0, 0, 1]
    assert stood[2][: len(stood[1])] == stood[1]
    assert after >= before
    assert (found.chain_ok, found.replay_equal) == (True, True)
