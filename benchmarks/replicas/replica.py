"""A replica: a store of its own on the shared database, which serves clients over a socket.

python -m benchmarks.replicas.replica URL SOCKET
"""

from __future__ import annotations

import sys
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection, Listener

import orjson

from benchmarks.replicas.accounts import Entry
from benchmarks.replicas.wire import Appended, AppendOne, Failed, Read, ReadBehind
from statemachine.record.envelope import NewEvent, RecordedEvent
from store import Reader, Store, StoreError, Unit, WrongExpectedVersion, open_store
from store.answers import Answer

BACKLOG = 64


def main() -> None:
    """Serve until killed."""
    url, socket = sys.argv[1:]
    store = open_store(url, clock_us=lambda: time.time_ns() // 1_000)
    with Listener(socket, family="AF_UNIX", backlog=BACKLOG) as listener:
        print("serving", flush=True)
        while True:
            connection = listener.accept()
            threading.Thread(target=serve, args=(store, connection), daemon=True).start()


def serve(store: Store, connection: Connection) -> None:
    """Answer one client for as long as it stays. Appends are answered when they are durable, in any order."""
    lock = threading.Lock()

    def send(answer: object) -> None:
        with lock, suppress(OSError):  # a client that has gone to another replica asks there
            connection.send(answer)

    with suppress(EOFError, OSError):
        while True:
            asked: AppendOne | ReadBehind = connection.recv()
            match asked:
                case AppendOne():
                    store.submit(appending(asked)).add_done_callback(telling(send, asked.key))
                case ReadBehind():
                    send(read(store, asked))


def appending(asked: AppendOne) -> Callable[[Unit], int]:
    """Give work that appends once, however often it is asked: a repeated request gets its first answer."""

    def work(unit: Unit) -> int:
        first = unit.answer(asked.key, "0" * 64)
        if first is not None:
            return int(first)
        version = 1 << 60 if asked.wrong else unit.version(asked.stream)
        (recorded,) = unit.append(asked.stream, version, [told(asked.key)])
        unit.remember(asked.key, "0" * 64, str(recorded.position).encode())
        return recorded.position

    return work


def told(key: str) -> NewEvent:
    """Give an event with an id of its own, so that no key of the database keeps a key from standing twice."""
    return NewEvent(
        event_id=uuid.uuid4().hex, type="told", schema=1, occurred_us=0, actor="client", authentication="none",
        policy_version=1, machine_version="1", payload=orjson.dumps({"key": key}),
    )  # fmt: skip


def telling(send: Callable[[object], None], key: str) -> Callable[[Answer[int]], None]:
    """Give what tells the client how its request has ended."""

    def tell(done: Answer[int]) -> None:
        match done.exception():
            case None:
                send(Appended(key, done.result()))
            case WrongExpectedVersion():
                send(Appended(key, None))
            case error:
                send(Failed(key, repr(error)))

    return tell


def read(store: Store, asked: ReadBehind) -> Read | Failed:
    """Read one page, and say whether it reaches the end."""

    def work(reader: Reader) -> Read:
        found = reader.all_events(asked.after, asked.limit)
        return Read([entry(event) for event in found], len(found) < asked.limit)

    try:
        return store.read(work)
    except StoreError as error:
        return Failed("", repr(error))


def entry(event: RecordedEvent) -> Entry:
    """Give the place of an event and the key that it tells."""
    return Entry(event.position, orjson.loads(event.payload or b"{}")["key"])


if __name__ == "__main__":
    main()
