"""A server that is killed at any moment loses nothing that it acknowledged, and ends where an unhurt one ends."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
from remission import CallError, Client
from remission.errors import FailedPreconditionError

from backtest.backend import Remote
from backtest.champion import matrix, train
from backtest.driver import Driver
from backtest.run import Options, backtest
from backtest.run import _setup as setup_of
from backtest.stream import Stream, read_stream
from cli.ports import free_port
from retraining.sandbox import Sandbox
from retraining.template import TEMPLATES
from retraining.worker import Worker
from tests.fixtures.servers import Server, start
from tests.fixtures.streams import changed_concept

KILLS = 20
TRIES = 60
T = TypeVar("T")


class Killer:
    """Kills the server at chosen calls, and starts it again."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._folder, self._port = folder, free_port()
        self._chance = random.Random(seed)  # noqa: S311 - moments, no secrets
        self.kills = 0
        self.server = self._start()
        self._next = self._chance.randrange(3, 10)

    def _start(self) -> Server:
        return start(self._folder, clock="stream", port=self._port)

    def before_call(self) -> None:
        """Now and then, kill the server a moment after the call has left."""
        self._next -= 1
        if self._next <= 0 and self.kills < KILLS:
            self.kills += 1
            self._next = self._chance.randrange(2, 9)
            doomed = self.server
            threading.Timer(self._chance.random() * 0.02, doomed.kill).start()

    def revive(self) -> None:
        """Start the server again, if it is dead."""
        if self.server.process.poll() is not None:
            self.server = self._start()


class Resuming(Remote):
    """A client that repeats each call, under the same ids, until it is answered."""

    def __init__(self, client: Client, killer: Killer) -> None:
        super().__init__(client)
        self._killer = killer

    def insist(self, call: Callable[[], T]) -> T:
        """Repeat *call* until the server answers."""
        for _ in range(TRIES):
            self._killer.before_call()
            try:
                return call()
            except CallError as error:
                if isinstance(error, FailedPreconditionError):
                    raise
                self._killer.revive()
        raise AssertionError("the server did not come back")

    def __getattribute__(self, name: str) -> Any:
        found = object.__getattribute__(self, name)
        if name in (
            "register",
            "keep",
            "route",
            "acknowledge",
            "ingest",
            "label",
            "lease",
            "upload",
            "download",
            "complete",
            "events",
            "audit",
        ):
            return lambda *args, **kwargs: self.insist(lambda: found(*args, **kwargs))
        return found


def unhurt(stream: Stream, options: Options) -> dict[str, Any]:
    return backtest(stream, options)


@pytest.fixture
def stream(tmp_path: Path) -> Stream:
    return read_stream(changed_concept(tmp_path / "turned.csv"), "label")


def test_twenty_kills_change_neither_the_log_nor_what_was_acknowledged(stream: Stream, tmp_path: Path) -> None:
    options = Options()
    expected = unhurt(stream, options)
    setup = setup_of(stream, options)
    champion = train(stream, matrix(stream), TEMPLATES[setup.template])
    killer = Killer(tmp_path, seed=11)

    with Client(killer.server.target, timeout=20.0) as client, Sandbox() as sandbox:
        backend = Resuming(client, killer)
        served = Driver(stream, setup, backend, Worker("killed", backend, sandbox)).run(champion)
        audit = backend.audit(setup.name)
        accepted = client.state(setup.name).row
    killer.server.stop()

    assert killer.kills == KILLS
    assert accepted == stream.rows
    assert audit.log_sha256 == expected["audit"]["log_sha256"]
    assert audit.decisions == audit.rederived
    assert audit.replay_equal
    assert audit.chain_ok
    assert len(served.versions) > 1
