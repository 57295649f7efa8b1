"""A stream that is served over gRPC while its server is killed, again and again, at moments drawn from a seed."""

from __future__ import annotations

import random
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from remission import Client
from remission.v1 import audit_pb2, health_pb2, ingest_pb2

from backtest.backend import Audit, Setup
from backtest.champion import Champion
from backtest.driver import Driver, Served, Workshop
from backtest.remote import Remote
from backtest.stream import Stream
from cli.ports import free_port
from tests.fixtures.servers import Server, start

CALLS = frozenset(
    ("register", "keep", "route", "acknowledge", "ingest", "label", "lease", "upload", "download", "complete")
)
TIMEOUT_SECONDS = 60.0
TRAINS = "lease of a job"
Sent = ingest_pb2.Batch
Hook = Callable[[int], object]


class Noting(Client):
    """A client that remembers what it was told of each batch."""

    receipts: dict[str, tuple[Sent, ingest_pb2.Receipt]]

    def ingest_batch(self, model: str, batch: Sent) -> ingest_pb2.Receipt:
        """Send a batch and keep its receipt."""
        receipt = super().ingest_batch(model, batch)
        self.receipts[batch.batch_id] = batch, receipt
        return receipt


class Counted(Remote):
    """Counts and names the calls, and tells of each before it is made. A client that retries makes one call."""

    def __init__(self, client: Client, before: Hook) -> None:
        super().__init__(client)
        self.names: list[str] = []
        self._before = before

    def counted(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """Make *call* one that is counted."""

        def made(*args: Any, **kwargs: Any) -> Any:
            at = len(self.names)
            self.names.append(name)
            self._before(at)
            found = call(*args, **kwargs)
            if name == "lease" and found is not None:
                self.names[at] = TRAINS
            return found

        return made

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        return self.counted(name, found) if name in CALLS else found


class Supervisor:
    """Runs a server as an init system does: one that is killed is started again, on the same port."""

    def __init__(self, folder: Path, moments: dict[int, float], program: str = "") -> None:
        self._folder, self._port, self._moments, self._program = folder, free_port(), moments, program
        self._turn, self._strikes = threading.Lock(), list[threading.Timer]()
        self.kills: list[int] = []
        self.server = self._started()

    def before(self, call: int) -> None:
        """Kill the server so many seconds after *call* has left, if this is one of the moments."""
        if call in self._moments:
            self.kills.append(call)
            self._strikes.append(threading.Timer(self._moments[call], self._strike))
            self._strikes[-1].start()

    def stop(self) -> None:
        """Let every strike come to its end, and stop the server."""
        for strike in self._strikes:
            strike.join()
        self.server.stop()

    def _strike(self) -> None:
        with self._turn:
            self.server.kill()
            self.server = self._started()

    def _started(self) -> Server:
        return start(self._folder, clock="stream", port=self._port, program=self._program)


@dataclass(frozen=True)
class Run:
    """What a stream left behind."""

    served: Served
    audit: Audit
    state: health_pb2.ModelState
    events: list[audit_pb2.Event]
    receipts: dict[str, tuple[Sent, ingest_pb2.Receipt]]
    again: dict[str, ingest_pb2.Receipt]  #: of the same batches, sent once more
    calls: list[str]
    kills: list[int]

    def of_type(self, *types: str) -> list[audit_pb2.Event]:
        """Give the events of these types."""
        return [event for event in self.events if event.type in types]

    def effects(self) -> list[list[str]]:
        """Give the types of the events that each request had as its effect, in the order of the requests."""
        found: dict[str, list[str]] = defaultdict(list)
        for event in self.events:
            if event.request_id:
                found[event.request_id].append(event.type)
        return list(found.values())


def run(
    stream: Stream, setup: Setup, champion: Champion, supervisor: Supervisor, workshop: Callable[[Counted], Workshop]
) -> Run:
    """Serve the whole *stream*, then send every batch again, and ask what is on record."""
    with told(supervisor.server.target) as client:
        backend = Counted(client, supervisor.before)
        served = Driver(stream, setup, backend, workshop(backend)).run(champion)
        receipts = dict(client.receipts)
        again = {name: client.ingest_batch(setup.name, sent) for name, (sent, _) in receipts.items()}
        return Run(
            served=served, audit=backend.audit(setup.name), events=list(client.history(setup.name)),
            receipts=receipts, again=again, state=client.state(setup.name), calls=backend.names, kills=supervisor.kills,
        )  # fmt: skip


@contextmanager
def told(target: str) -> Iterator[Noting]:
    """Open a client that remembers."""
    with Noting(target, timeout=TIMEOUT_SECONDS) as client:
        client.receipts = {}
        yield client


def moments(calls: list[str], kills: int, seed: int) -> dict[int, float]:
    """Draw when to kill, as seconds behind calls: in uploads and hand-ins, in trainings, and all along the stream."""
    chance = random.Random(seed)  # noqa: S311 - moments, no secrets
    drawn = {at: chance.uniform(0.1, 0.4) for at in chance.sample(named(calls, TRAINS), 2)}
    for name, amount in (("upload", 2), ("complete", 1), ("acknowledge", 1)):
        drawn |= {at: chance.uniform(0, 0.01) for at in chance.sample(named(calls, name), amount)}
    left = kills - len(drawn)
    for stratum in np.array_split([at for at in range(len(calls)) if at not in drawn], left):
        drawn[int(chance.choice(stratum.tolist()))] = chance.uniform(0, 0.02)
    return drawn


def named(calls: list[str], name: str) -> list[int]:
    """Find the calls of a name."""
    return [at for at, one in enumerate(calls) if one == name]
