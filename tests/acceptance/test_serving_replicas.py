"""Three servers of one database: calls that come again elsewhere are done once, and streams resume at any of them."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import cycle
from pathlib import Path
from threading import Event
from typing import Any, TypeVar

import grpc
import numpy as np
import pytest
from remission import Client, make_batch
from remission.v1 import audit_pb2, audit_pb2_grpc, health_pb2, health_pb2_grpc, ingest_pb2, model_pb2, model_pb2_grpc

from benchmarks.replicas.accounts import Accounts, Append, Entry, Page
from tests.fixtures.postgres import Postgres
from tests.fixtures.servers import Server, start
from tests.integration.server import requests
from tests.integration.server.examples import a_model, a_reference

T = TypeVar("T")
CLIENTS, MODELS, UPDATES, PAGE = 8, 2, 6, 20
BATCHES, ROWS = 60, 20
CALL_SECONDS, WATCH_SECONDS = 4.0, 2.0
#: A server that holds the head and is frozen is given up sooner than in earnest, so that the test is quick.
BOUND = "options=-c%20idle_in_transaction_session_timeout%3D1000"
GONE = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED)


class Anywhere:
    """Calls whichever server answers: the next one, when it does not."""

    def __init__(self, targets: list[str], first: int) -> None:
        order = [*targets[first:], *targets[:first]]
        self._channels = cycle([grpc.insecure_channel(target) for target in order])
        self.channel = next(self._channels)

    def go_on(self) -> None:
        """Turn to the next server."""
        self.channel = next(self._channels)

    def call(self, ask: Callable[[grpc.Channel], T]) -> T:
        """Ask until somebody answers."""
        while True:
            try:
                return ask(self.channel)
            except grpc.RpcError as error:
                if error.code() not in GONE:
                    raise
                self.go_on()


@pytest.fixture
def servers(tmp_path: Path, postgres: Postgres) -> Iterator[list[Server]]:
    """Give three servers of one database."""
    url = postgres.new_database()
    found = [start(tmp_path, database=f"{url}{'&' if '?' in url else '?'}{BOUND}") for _ in range(3)]
    yield found
    for server in found:
        if server.process.poll() is None:
            server.process.send_signal(signal.SIGCONT)
            server.kill()


class Caller:
    """Registers models and changes their owners, and accounts for every event that it was told of."""

    def __init__(self, number: int, targets: list[str], done: list[int]) -> None:
        self.number, self.anywhere, self._done = number, Anywhere(targets, number % len(targets)), done
        self.told: list[tuple[str, str, int, int, int]] = []  #: key, model, version, when it was called and answered

    def run(self) -> None:
        """Make every call, one after the other."""
        for index in range(MODELS):
            name = f"m{self.number}-{index}"
            etag = self._create(name)
            for turn in range(UPDATES):
                etag = self._update(name, f"owner-{turn}", etag)
            self._retire(name)

    def _create(self, name: str) -> str:
        asked = requests.create(requests.model(name), requests.reference(), f"new-{name}")
        types = ("model_registered", "route_intended")
        return self._note(asked, types, lambda stub: stub.CreateModel(asked, timeout=CALL_SECONDS))

    def _update(self, name: str, owner: str, etag: str) -> str:
        asked = model_pb2.UpdateModelRequest(request_id=f"{name}-{owner}", name=name, etag=etag, owner=owner)
        return self._note(asked, ("policy_changed",), lambda stub: stub.UpdateModel(asked, timeout=CALL_SECONDS))

    def _retire(self, name: str) -> None:
        asked = model_pb2.RetireModelRequest(request_id=f"end-{name}", name=name)
        self._note(asked, ("state_changed",), lambda stub: stub.RetireModel(asked, timeout=CALL_SECONDS))

    def _note(self, asked: Any, types: tuple[str, ...], ask: Callable[[Any], Any]) -> str:
        """Make a call, and note which events it must have made, at which versions of the model."""
        called = time.monotonic_ns()
        found = self.anywhere.call(lambda channel: ask(model_pb2_grpc.ModelServiceStub(channel))).model
        answered, newest = time.monotonic_ns(), int(found.etag.strip('"'))
        for back, what in enumerate(reversed(types)):
            self.told.append((f"{asked.request_id}/{what}", found.name, newest - back, called, answered))
        self._done.append(self.number)
        return str(found.etag)


def key_of(event: audit_pb2.Event) -> str:
    return f"{event.request_id}/{event.type}"


def follow(targets: list[str], ended: Event) -> list[Page]:
    """Read the log page by page, each from another server, until nothing more can come."""
    anywhere, pages, after, over = Anywhere(targets, 0), list[Page](), 0, False
    while not over:
        last, called = ended.is_set(), time.monotonic_ns()
        found = anywhere.call(partial(read, after=after, size=PAGE))
        entries = [Entry(event.position, key_of(event)) for event in found.events]
        whole = not found.next_page_token
        pages.append(Page(reader="follower", called_ns=called, after=after, entries=entries, whole=whole))
        after = entries[-1].position if entries else after
        over = last and whole
        anywhere.go_on()
    return pages


def read(channel: grpc.Channel, *, after: int, size: int) -> audit_pb2.ReadEventsResponse:
    asked = audit_pb2.ReadEventsRequest(after_position=after, page_size=size)
    found: audit_pb2.ReadEventsResponse = audit_pb2_grpc.AuditServiceStub(channel).ReadEvents(
        asked, timeout=CALL_SECONDS
    )
    return found


def watch(targets: list[str], ended: Event) -> list[tuple[int, str]]:
    """Watch all states, resuming at another server whenever a stream ends; the last one has had time to tell all."""
    anywhere, seen, over = Anywhere(targets, 1), list[tuple[int, str]](), False
    while not over:
        last = ended.is_set()
        code = watch_on(anywhere.channel, seen)
        over = last and code == grpc.StatusCode.DEADLINE_EXCEEDED
        anywhere.go_on()
    return seen


def watch_on(channel: grpc.Channel, seen: list[tuple[int, str]]) -> grpc.StatusCode:
    """Watch behind what was *seen* for as long as the stream lasts, and say how it has ended."""
    asked = health_pb2.WatchStatesRequest(after_position=seen[-1][0] if seen else 0)
    stream = health_pb2_grpc.ModelHealthServiceStub(channel).WatchStates(asked, timeout=WATCH_SECONDS)
    with contextlib.suppress(grpc.RpcError):
        seen.extend((told.position, told.state.model) for told in stream if told.HasField("state"))
    code: grpc.StatusCode = stream.code()
    return code


def disturb(servers: list[Server], done: list[int], calls: int) -> None:
    """Kill one server, and freeze another until calls have gone on without it."""
    wait(lambda: len(done) > calls // 5)
    servers[0].kill()
    wait(lambda: len(done) > calls // 2)
    servers[1].process.send_signal(signal.SIGSTOP)
    frozen = len(done)
    wait(lambda: len(done) > min(frozen + calls // 8, calls - 1))
    servers[1].process.send_signal(signal.SIGCONT)


def wait(over: Callable[[], bool]) -> None:
    begun, waiting = time.monotonic(), Event()
    while not over():
        assert time.monotonic() < begun + 120, "the calls do not go on"
        waiting.wait(0.02)


def test_a_call_is_done_once_and_a_stream_misses_nothing_whatever_becomes_of_servers(servers: list[Server]) -> None:
    targets, done, ended = [server.target for server in servers], list[int](), Event()
    callers = [Caller(number, targets, done) for number in range(CLIENTS)]

    with ThreadPoolExecutor(CLIENTS + 3) as pool:
        followed, watched = pool.submit(follow, targets, ended), pool.submit(watch, targets, ended)
        running = [pool.submit(caller.run) for caller in callers]
        disturb(servers, done, CLIENTS * MODELS * (UPDATES + 2))
        for one in running:
            one.result()
        ended.set()
        pages, changes = followed.result(), watched.result()

    log = read_all(servers[2].target)
    places = {(event.stream, event.version): event.position for event in log}
    appends = [
        Append(key=key, called_ns=called, answered_ns=answered, position=places.get((model, version), 0))
        for caller in callers for key, model, version, called, answered in caller.told
    ]  # fmt: skip
    accounts = Accounts([Entry(event.position, key_of(event)) for event in log], appends, pages)
    assert accounts.faults() == []
    assert len(log) == CLIENTS * MODELS * (UPDATES + 3)
    assert changes == [(event.position, event.stream) for event in log if event.type == "state_changed"]
    assert len(changes) == CLIENTS * MODELS


def read_all(target: str) -> list[audit_pb2.Event]:
    found: list[audit_pb2.Event] = []
    with grpc.insecure_channel(target) as channel:
        while page := read(channel, after=found[-1].position if found else 0, size=1_000).events:
            found += page
    return found


def test_a_client_that_lists_two_servers_goes_on_at_the_other_when_one_is_killed_and_nothing_acknowledged_is_lost(
    servers: list[Server],
) -> None:
    listed = "ipv4:" + ",".join(server.target for server in servers[:2])
    with Client(listed, timeout=CALL_SECONDS * 5) as client:
        client.create_model(a_model("listed"), a_reference(60))
        kill = threading.Timer(0.5, servers[0].kill)
        kill.start()
        for number in range(BATCHES):
            client.ingest_batch("listed", a_batch(number))
            if number == BATCHES // 2:
                kill.join()
        told = client.ingest_labels("listed", [f"p-{row}" for row in range(BATCHES * ROWS)], np.ones(BATCHES * ROWS))

    assert servers[0].process.poll() is not None
    assert told.accepted == BATCHES * ROWS


def a_batch(number: int) -> ingest_pb2.Batch:
    ids = [f"p-{row}" for row in range(number * ROWS, (number + 1) * ROWS)]
    now = np.full(ROWS, time.time_ns() // 1_000)
    return make_batch(
        f"b-{number}", {"x": np.arange(ROWS) % 7.0}, outputs={"v1": np.full(ROWS, 0.5)}, prediction_ids=ids,
        times_us=now,
    )  # fmt: skip
