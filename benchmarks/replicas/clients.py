"""Clients that append and a follower that reads, each a process of its own, and each with an account of all it saw.

python -m benchmarks.replicas.clients append NAME AMOUNT ACCOUNT SOCKET...
python -m benchmarks.replicas.clients follow NAME AMOUNT ACCOUNT SOCKET...
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import cycle, islice
from multiprocessing.connection import Client, Connection
from pathlib import Path

import orjson

from benchmarks.replicas.accounts import Append, Page
from benchmarks.replicas.wire import PATIENCE_SECONDS, Appended, AppendOne, Failed, Read, ReadBehind

WINDOW = 32  #: requests under way
STREAMS, PAGE = 5, 500
TURN = 5  #: pages that a follower reads from one replica, before it goes on to the next
WRONG_SHARE = 0.02  #: of requests that must be refused
PAUSE_SECONDS = 0.02  #: of a follower that has seen everything


class Away(Exception):
    """The replica does not answer."""


class Line:
    """A connection to whichever replica answers; the next one, when it does not."""

    def __init__(self, sockets: Sequence[str], start: int) -> None:
        self._sockets = cycle([*sockets[start:], *sockets[:start]])
        self._connection: Connection | None = None
        self.replica = ""

    def send(self, message: object) -> None:
        """Send *message*.

        Raises:
            Away: It cannot be sent.
        """
        try:
            if self._connection is None:
                self.replica = next(self._sockets)
                self._connection = Client(self.replica, family="AF_UNIX")
            self._connection.send(message)
        except (OSError, EOFError) as error:
            raise self._gone() from error

    def receive(self) -> object:
        """Wait for an answer.

        Raises:
            Away: None has come in time.
        """
        try:
            if self._connection is None or not self._connection.poll(PATIENCE_SECONDS):
                raise self._gone()
            return self._connection.recv()
        except (OSError, EOFError) as error:
            raise self._gone() from error

    def leave(self) -> None:
        """Go to the next replica with the next message."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _gone(self) -> Away:
        self.leave()
        return Away(self.replica)


def requests(name: str, amount: int) -> list[AppendOne]:
    """Give what a client asks for, the same for the same name: so many events, and some that must be refused."""
    chance = random.Random(name)  # noqa: S311 - which requests are wrong, no secret
    asked: list[AppendOne] = []
    right = 0
    while right < amount:
        number, wrong = len(asked), chance.random() < WRONG_SHARE
        asked.append(AppendOne(f"{name}-{number}", f"s-{number % STREAMS}", wrong))
        right += not wrong
    return asked


def append(name: str, amount: int, line: Line) -> list[Append]:
    """Append so many events, many at a time, and account for each."""
    asked = iter(requests(name, amount))
    waiting: dict[str, tuple[AppendOne, Append]] = {}
    done: list[Append] = []
    while waiting or fill(waiting, asked):
        try:
            for one, _ in [*waiting.values()]:
                line.send(one)
            settle(line, waiting, asked, done)
        except Away:
            time.sleep(PAUSE_SECONDS)  # all of them may be away; what waits is sent again under the same ids
    return done


def fill(waiting: dict[str, tuple[AppendOne, Append]], asked: Iterator[AppendOne]) -> list[AppendOne]:
    """Begin as many calls as may be under way, and give those that were begun now."""
    begun = list(islice(asked, WINDOW - len(waiting)))
    for one in begun:
        waiting[one.key] = one, Append(key=one.key, called_ns=time.monotonic_ns())
    return begun


def settle(
    line: Line, waiting: dict[str, tuple[AppendOne, Append]], asked: Iterator[AppendOne], done: list[Append]
) -> None:
    """Take answers, and send the next request for each, until nothing waits."""
    while waiting:
        match line.receive():
            case Appended(key, position) if key in waiting:
                _, begun = waiting.pop(key)
                done.append(answered(begun, position, line.replica))
                for one in fill(waiting, asked):
                    line.send(one)
            case Failed(key, _) if key in waiting:
                line.send(waiting[key][0])


def answered(begun: Append, position: int | None, replica: str) -> Append:
    """Account for an answer."""
    now = time.monotonic_ns()
    return replace(begun, answered_ns=now, position=position, refused=position is None, replica=replica)


def follow(name: str, amount: int, line: Line) -> list[Page]:
    """Read from the first event until so many were seen, from one replica after the other; print a line once begun."""
    pages: list[Page] = []
    after = 0
    while after < amount:
        called = time.monotonic_ns()
        try:
            line.send(ReadBehind(after, PAGE))
            found = line.receive()
        except Away:
            continue
        if isinstance(found, Read):
            page = Page(reader=name, called_ns=called, after=after, entries=found.entries, whole=found.whole)
            pages.append(replace(page, replica=line.replica))
            if len(pages) == 1:
                print("begun", flush=True)
            if len(pages) % TURN == 0:
                line.leave()
            after = page.entries[-1].position if page.entries else after
        if not isinstance(found, Read) or found.whole:
            time.sleep(PAUSE_SECONDS)
    return pages


def main() -> None:
    """Do one of the two, and write the account."""
    role, name, amount, account, *sockets = sys.argv[1:]
    follows = role == "follow"
    # A follower begins at the first, which will be killed: whoever reads from it must go on elsewhere.
    line = Line(sockets, 0 if follows else sum(name.encode()) % len(sockets))
    did: Sequence[object] = (follow if follows else append)(name, int(amount), line)
    Path(account).write_bytes(orjson.dumps(did, default=list))


if __name__ == "__main__":
    main()
