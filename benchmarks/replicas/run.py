"""One run: replicas, clients and a follower start, one replica is killed, one frozen, and all accounts are read."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import orjson

from benchmarks.replicas import freezing
from benchmarks.replicas.accounts import Accounts, Append, Entry, Page
from benchmarks.replicas.clients import requests
from benchmarks.replicas.replica import entry
from benchmarks.replicas.wire import PATIENCE_SECONDS
from statemachine.record.envelope import RecordedEvent
from store import Reader, open_reader

Tell = Callable[[str], None]

ROOT = Path(__file__).resolve().parents[2]
CLIENTS, REPLICAS = 8, 3
LOOK_SECONDS, TELL_SECONDS = 0.05, 10.0
KILL_AT, FREEZE_AT = 0.2, 0.5  #: shares of the events
PROGRESS = 0.04  #: of the events, which the others append before the frozen one thaws
PAGE = 5_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run was like, and what was wrong with it."""

    accounts: Accounts
    seconds: float
    killed_at: int
    frozen_at: int
    thawed_at: int


class Crew:
    """The processes of a run."""

    def __init__(self, url: str, folder: Path, replicas: int) -> None:
        self._url, self._folder = url, folder
        self.sockets = [str(folder / f"r{number}") for number in range(replicas)]
        self.replicas = [self._replica(number) for number in range(replicas)]
        self.others: list[subprocess.Popen[bytes]] = []

    def _replica(self, number: int) -> subprocess.Popen[bytes]:
        return serving(named(self._url, number), self.sockets[number])

    def append(self, name: str, amount: int) -> Path:
        """Start a client; give where it leaves its account."""
        return self._send("append", name, amount)

    def follow(self, name: str, amount: int) -> Path:
        """Start a follower, and wait until it has read from the first replica; give where it leaves its account.

        Raises:
            RuntimeError: It has ended before.
        """
        account = self._send("follow", name, amount)
        begun = self.others[-1].stdout
        if begun is None or not begun.readline():
            raise RuntimeError(f"{name} has ended before it read anything")
        return account

    def _send(self, role: str, name: str, amount: int) -> Path:
        account = self._folder / name
        command = ["benchmarks.replicas.clients", role, name, str(amount), str(account), *self.sockets]
        self.others.append(subprocess.Popen([sys.executable, "-m", *command], cwd=ROOT, stdout=subprocess.PIPE))
        return account

    def kill(self, number: int) -> None:
        """End a replica as a loss of power would."""
        self.replicas[number].kill()
        self.replicas[number].wait()

    def start_again(self, number: int) -> None:
        """Start a replica in the place of one that was killed."""
        Path(self.sockets[number]).unlink(missing_ok=True)
        self.replicas[number] = self._replica(number)

    def end(self) -> None:
        """End every process that is left."""
        for process in [*self.others, *self.replicas]:
            if process.poll() is None:
                freezing.thaw(process.pid)
                process.kill()
            process.wait()


def serving(url: str, socket: str) -> subprocess.Popen[bytes]:
    """Start a replica, and wait until it serves.

    Raises:
        RuntimeError: It has ended instead.
    """
    command = [sys.executable, "-m", "benchmarks.replicas.replica", url, socket]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if process.stdout is None or process.stderr is None or not process.stdout.readline():
        raise RuntimeError((process.stderr.read() if process.stderr else b"").decode().strip().splitlines()[-1])
    return process


def named(url: str, number: int) -> str:
    """Give the address under which a replica's connections can be told apart."""
    return f"{url}{'&' if '?' in url else '?'}application_name=replica-{number}" if "postgresql" in url else url


class Log:
    """The log that all of them share, seen from beside them."""

    def __init__(self, url: str, tell: Tell) -> None:
        self.url, self.tell = url, tell
        self._reader = open_reader(url)
        self._told_at = time.monotonic()

    def head(self) -> int:
        """Say how far it reaches."""
        return self._reader.read(lambda reader: reader.head().position)

    def wait(self, over: Callable[[], bool]) -> int:
        """Wait until *over*, and say how far the log reaches then. It tells of the progress now and then."""
        while not over():
            time.sleep(LOOK_SECONDS)
            if time.monotonic() - self._told_at > TELL_SECONDS:
                self._told_at = time.monotonic()
                self.tell(f"at {self.head()}")
        return self.head()

    def wait_for(self, position: int) -> int:
        """Wait until it reaches *position*, and say how far it does."""
        return self.wait(lambda: self.head() >= position)

    def entries(self) -> list[Entry]:
        """Read all of it."""
        found: list[Entry] = []
        while page := self._reader.read(partial(_page, len(found))):
            found += [entry(event) for event in page]
        return found

    def close(self) -> None:
        """Look no more."""
        self._reader.close()


def _page(after: int, reader: Reader) -> Sequence[RecordedEvent]:
    return reader.all_events(after, PAGE)


def run(url: str, events: int, tell: Tell = lambda _: None) -> Outcome:
    """Run clients and a follower on the log at *url*, until they have appended so many events."""
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, closing(Log(url, tell)) as log, manned(url, Path(folder)) as crew:
        each, names = events // CLIENTS, [f"c{number}" for number in range(CLIENTS)]
        wanted = sum(not one.wrong for name in names for one in requests(name, each))
        followed = crew.follow("follower", wanted)
        appended = [crew.append(name, each) for name in names]
        killed = _kill(log, crew, int(wanted * KILL_AT))
        frozen, thawed = _freeze(log, crew, int(wanted * FREEZE_AT), int(wanted * PROGRESS))
        log.wait(lambda: all(process.poll() is not None for process in crew.others))
        appends = [one for account in appended for one in told_of_appends(account)]
        accounts = Accounts(log.entries(), appends, told_of_pages(followed))
    return Outcome(accounts, time.monotonic() - begun, killed, frozen, thawed)


@contextlib.contextmanager
def manned(url: str, folder: Path) -> Iterator[Crew]:
    """Give a crew that is sent home in the end."""
    crew = Crew(url, folder, REPLICAS if url.startswith("postgresql") else 1)
    try:
        yield crew
    finally:
        crew.end()


def _kill(log: Log, crew: Crew, at: int) -> int:
    """Kill a replica; where there is only one, another server takes its place."""
    log.wait_for(at)
    crew.kill(0)
    killed = log.head()
    log.tell(f"killed replica 0 at {killed}")
    if len(crew.replicas) == 1:
        crew.start_again(0)
    return killed


def _freeze(log: Log, crew: Crew, at: int, progress: int) -> tuple[int, int]:
    """Freeze a replica while it holds the head, until the others have gone on; a file's one server, for a while."""
    log.wait_for(at)
    last = len(crew.replicas) - 1
    pid = crew.replicas[last].pid
    if last:
        freezing.freeze(pid, log.url, f"replica-{last}")
        frozen = log.head()
        thawed = log.wait_for(frozen + progress)
    else:
        freezing.stop(pid)
        frozen = log.head()
        time.sleep(PATIENCE_SECONDS + 1)  # so that every client comes again
        thawed = log.head()
    freezing.thaw(pid)
    log.tell(f"froze replica {last} at {frozen} and thawed it at {thawed}")
    return frozen, thawed


def told_of_appends(account: Path) -> list[Append]:
    """Read what a client of this run has left."""
    return [Append(**one) for one in orjson.loads(account.read_bytes())]


def told_of_pages(account: Path) -> list[Page]:
    """Read what a follower of this run has left."""
    pages = orjson.loads(account.read_bytes())
    return [Page(**{**one, "entries": [Entry(*each) for each in one["entries"]]}) for one in pages]
