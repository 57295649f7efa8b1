"""The log against itself: every envelope, payload, chain and tile, and what was signed of it.

One pass over all events in the order of positions, in pages. Nothing that stands in the database is believed: hashes
are computed from envelopes, and the tree from these hashes. What is wrong is told with its place, and the pass goes on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec
from remission_verify.checkpoint import open_checkpoint
from remission_verify.errors import VerificationError
from remission_verify.note import Verifier

from server.audit.checking import Verification, failure_at
from server.audit.faults import Fault
from server.audit.tiles import Tiles
from server.checkpoints.notary import Notary
from server.privacy.scopes import EVENTS
from statemachine.events import Erased
from statemachine.record.envelope import GENESIS, LEAF, RecordedEvent, leaf_of, payload_is_whole
from store.errors import StoreError
from store.ports import Reader
from store.records import Checkpoint

PAGE = 1_000

#: The type of event that says what was erased, and what must be on record behind payloads whose key is destroyed.
ERASED = Erased.name
NOT_ERASED = "the key of its payload is destroyed, and no erasure of events is on record behind it"

#: Before the first event of a stream.
NO_TAIL = (0, GENESIS)

#: What a row raises that no program of ours has written.
UNREADABLE = (StoreError, ValueError, TypeError)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a log from outside: its first *size* events have this *root*."""

    size: int
    root: str
    whence: str


@dataclass(slots=True)
class Proof:
    """A pass over a log: how far it has come, and where its streams and its tree end."""

    reader: Reader
    verifiers: Sequence[Verifier] = ()
    known: Sequence[Known] = ()
    events: int = 0
    tiles: Tiles = field(init=False)
    _tails: dict[str, tuple[int, str]] = field(default_factory=dict)
    _erased: dict[str, RecordedEvent] = field(default_factory=dict)  #: the first of each stream that nothing explains

    def __post_init__(self) -> None:
        """Begin with a tree that has no leaf."""
        self.tiles = Tiles(self.reader)

    def faults(self) -> Iterator[Fault]:
        """Tell everything that is wrong, in the order in which it is found; nothing, when the log is whole."""
        marks = self._marks()
        yield from self._events(marks)
        yield from self.tiles.faults()
        yield from self.tiles.open_faults()
        yield from self._end(marks)
        for event_id, position in self.reader.repeated_ids(PAGE):
            yield Fault(0, f"the id {event_id} stands at position {_number(position)}, and again behind it")
        for event in self._erased.values():
            yield Fault(event.position, f"{_named(event)}: {NOT_ERASED}")
        yield from self._signed()

    def _events(self, marks: Mapping[int, Sequence[Known]]) -> Iterator[Fault]:
        """Take every event in, and hold the tree against what is known of it where it has grown so far."""
        for event in self._read():
            if isinstance(event, Fault):
                yield event
                continue
            wrong = self._event(event)
            if wrong:
                yield from wrong
            if len(self.tiles.leaves) >= PAGE:
                yield from self.tiles.faults()
            if self.events not in marks:
                continue
            yield from self.tiles.faults()
            for mark in marks[self.events]:
                if mark.root != self.tiles.edge.root().hex():
                    yield Fault(0, f"the first {mark.size} events have another root than {mark.whence} says")

    def _read(self) -> Iterator[RecordedEvent | Fault]:
        """Read events page by page; a page that cannot be read is read one by one, to name the event."""
        after, size = 0, PAGE
        while True:
            try:
                page = self.reader.all_events(after, size)
            except UNREADABLE as error:
                if size == 1:
                    yield Fault(after + 1, f"position {after + 1}: the event cannot be read: {error}")
                    self._stand_in(after + 1)
                    after += 1
                size = 1 if size > 1 else PAGE
                continue
            yield from page
            if not page or not _number(page[-1].position):
                return
            after = max(page[-1].position, after + 1)

    def _stand_in(self, position: int) -> None:
        """Let hashes of nothing stand for events that are not there, so that those behind them keep their places."""
        missing = position - self.events
        self.events += missing
        self.tiles.leaves += [bytes(32)] * missing

    def _event(self, event: RecordedEvent) -> Iterable[Fault]:
        """Take an event in; tell what is wrong with it. One with which nothing is wrong costs no more than this."""
        leaf, stream = _leaf(event), event.stream
        hashed = hashlib.sha256(LEAF + leaf).digest()
        version, previous = self._tails.get(stream, NO_TAIL)
        self._tails[stream] = event.version, event.hash
        whole = (
            event.position == self.events + 1
            and event.version == version + 1
            and event.previous_hash == previous
            and event.hash == (hashed if event.format != 1 else hashlib.sha256(leaf).digest()).hex()
            and event.payload is not None
            and payload_is_whole(event)
            and event.type != ERASED
        )
        wrong = () if whole else tuple(self._wrong(event, leaf, version, previous))
        self.events += 1
        self.tiles.leaves.append(hashed)
        return wrong

    def _wrong(self, event: RecordedEvent, leaf: bytes, version: int, previous: str) -> Iterator[Fault]:
        place = _named(event)
        if event.position != self.events + 1:
            yield Fault(_number(event.position), f"position {self.events + 1}: is missing; {place} comes next")
            if self.events < _number(event.position) <= self.reader.head().position:
                self._stand_in(event.position - 1)
        if event.version != version + 1:
            yield Fault(_number(event.position), f"{place}: version {version + 1} belongs here")
        if event.previous_hash != previous:
            yield Fault(_number(event.position), f"{place}: does not follow the event before it")
        if event.hash != hashlib.sha256((b"" if event.format == 1 else LEAF) + leaf).hexdigest():
            yield Fault(_number(event.position), f"{place}: the envelope was altered")
        if event.erased:
            self._erased.setdefault(event.stream, event)
        elif event.payload is None:
            yield Fault(_number(event.position), f"{place}: the payload is gone, and erasing leaves what it sealed")
        elif not payload_is_whole(event):
            yield Fault(_number(event.position), f"{place}: the payload was altered")
        elif event.type == ERASED and _scope(event.payload) == EVENTS:
            self._erased.pop(event.stream, None)

    def _marks(self) -> dict[int, list[Known]]:
        head = self.reader.head()
        marks: dict[int, list[Known]] = {}
        told = [Known(one.size, one.root, f"the checkpoint of size {one.size}") for one in self._checkpoints()]
        for mark in (*self.known, *told, Known(head.position, head.root, "the head")):
            marks.setdefault(mark.size, []).append(mark)
        return marks

    def _end(self, marks: dict[int, list[Known]]) -> Iterator[Fault]:
        for size in sorted(size for size in marks if size > self.events):
            for mark in marks[size]:
                yield Fault(0, f"the log ends at position {self.events}, {mark.whence} is of {size} events")
        for mark in marks.get(0, ()) if not self.events else ():
            if mark.root != self.tiles.edge.root().hex():
                yield Fault(0, f"{mark.whence} has another root than a log without events")
        if self.reader.head().position < self.events:
            yield Fault(0, f"the log ends at position {self.events}, the head says {self.reader.head().position}")

    def _signed(self) -> Iterator[Fault]:
        for one in self._checkpoints() if self.verifiers else ():
            try:
                told = open_checkpoint(one.note.decode(), self.verifiers)
            except (VerificationError, UnicodeDecodeError) as error:
                yield Fault(0, f"the checkpoint of size {one.size}: {error}")
                continue
            if (told.size, told.root.hex()) != (one.size, one.root):
                yield Fault(
                    0, f"the checkpoint of size {one.size}: the note is of size {told.size} and root {told.root.hex()}"
                )

    def _checkpoints(self) -> Iterator[Checkpoint]:
        before: int | None = None
        while page := self.reader.checkpoints(before, PAGE):
            yield from page
            before = page[-1].size


@dataclass(frozen=True, slots=True)
class Trust:
    """What a log is held against: keys that sign for it, and what is known of it from outside."""

    verifiers: Sequence[Verifier] = ()
    known: Sequence[Known] = ()


def trust_in(notary: Notary) -> Trust:
    """Give the keys of *notary*, and the checkpoint that it keeps outside the database."""
    kept = notary.known()
    known = (Known(kept.size, kept.root.hex(), "the checkpoint outside the database"),) if kept else ()
    return Trust(notary.verifiers, known)


def prove(reader: Reader, trust: Trust, found: Verification) -> None:
    """Add to *found* what is wrong with the log as a whole, its tree, and what was signed of it."""
    proof = Proof(reader, trust.verifiers, trust.known)
    told = {failure.position for failure in found.failures}
    for fault in proof.faults():
        found.tree_ok = False
        if not fault.position or fault.position not in told:  # the walk through the models has named it
            found.fail(failure_at(str(fault)))
    found.root = proof.tiles.edge.root().hex()


def _leaf(event: RecordedEvent) -> bytes:
    try:
        return leaf_of(event)
    except UNREADABLE:
        return b""


class _Scoped(msgspec.Struct):
    scope: str = ""


def _scope(payload: bytes) -> str:
    try:
        return msgspec.json.decode(payload, type=_Scoped).scope
    except msgspec.MsgspecError:
        return ""


def _named(event: RecordedEvent) -> str:
    return f"position {event.position} ({event.stream} version {event.version})"


def _number(position: object) -> int:
    """Give a position as a number; 0 for what SQLite lets an attacker write in its place."""
    return position if isinstance(position, int) else 0
