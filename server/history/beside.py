"""What stands beside the events of a model: held against them where they tell it, and against itself where they do not.

Events tell state, timers and routes. They do not tell what came in (the feed), how far it was looked at (cursors) and
what was answered (requests): of these whoever may write may put others in their place, as long as they fit together.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import orjson

from server.desk import FOLLOWER, PAGE
from server.history.folding import Step
from server.intake import feed
from server.intake.sealing import entry_of, outline
from server.requests import Receipt
from statemachine import timers
from statemachine.events import RouteIntended
from statemachine.health import ModelHealth
from statemachine.moves import MACHINE_VERSION
from statemachine.record.coding import encode
from statemachine.replay import FOREIGN, projection
from statemachine.words import HEALTHY
from store.ports import Readable, Reader
from store.records import Cursor, FeedHead, FeedItem, Projection, Request, Route, Timer
from store.vault import DataKey, KeyUnknown, SealBroken, Vault

REQUESTS = 1_000  #: that are read at once
HASH = 64  #: hexadecimal digits
RECEIPTS = ("rows/", "labels/", "metrics/")  #: how ids begin whose answers are receipts


@dataclass(frozen=True, slots=True)
class Stored:
    """What stood beside the events of one model at one moment, and up to where its log went then."""

    until: int
    projection: Projection | None
    timers: tuple[Timer, ...]
    routes: tuple[Route, ...]
    cursor: Cursor | None
    head: FeedHead

    @staticmethod
    def of(reader: Reader, model: str) -> Stored:
        """Read it."""
        return Stored(
            reader.version(model), reader.projection(model), reader.timers(model), reader.routes(model),
            reader.cursor(model, FOLLOWER), reader.feed_head(model),
        )  # fmt: skip


class Said:
    """Hears the steps of a model in order, and tells what stands beside them otherwise than they say."""

    def __init__(self) -> None:
        self._health, self._newest_us = ModelHealth(), 0
        self._machine, self._begun = MACHINE_VERSION, ModelHealth()  #: who decides now, and from where on
        self._set: timers.Timer | None = None  #: by those who decided before
        self._routes: dict[int, tuple[bytes, int]] = {}

    def take(self, step: Step) -> None:
        """Hear one event."""
        if step.recorded.machine_version != self._machine:
            self._set = self._live()
            self._machine, self._begun = step.recorded.machine_version, step.before
        self._health, self._newest_us = step.after, step.recorded.occurred_us
        if isinstance(step.fact, RouteIntended):
            self._routes[step.fact.generation] = encode(step.fact), step.recorded.occurred_us

    def faults(self, stored: Stored) -> Iterator[str]:
        """Name what differs."""
        yield from self._of_state(stored.projection)
        try:
            yield from self._of_timers({one.name: one for one in stored.timers}, stored.head)
            yield from self._of_routes({one.generation: one for one in stored.routes})
        except FOREIGN as error:
            yield f"a timer or a route holds what the service does not write: {error}"

    def _of_state(self, found: Projection | None) -> Iterator[str]:
        health = self._health
        if found is None or found.body != projection(health):
            yield "the replay differs from the stored state"
            return
        place = health.place
        told = {
            "version": health.version, "state": place.state, "phase": place.phase, "automation": health.automation,
            "updated_us": self._newest_us,
        }  # fmt: skip
        for name, value in told.items():
            if getattr(found, name) != value:
                yield f"stored state: {name} is {getattr(found, name)!r}, the log says {value!r}"

    def _of_timers(self, found: dict[str, Timer], head: FeedHead) -> Iterator[str]:
        live, awaits = self._live(), bool(timers.awaited(self._health))
        visits = {**({live.name: live.visit} if live else {}), **({timers.SIGNALS: 0} if awaits else {})}
        for name in sorted(visits.keys() | found.keys()):
            if name not in found:
                yield f"timer {name}: is missing, the log says that it runs"
            elif name not in visits:
                yield f"timer {name}: is there, the log says that none such runs"
            elif found[name].visit != visits[name]:
                yield f"timer {name}: is of visit {found[name].visit}, the log says {visits[name]}"
        if live and live.name in found:
            yield from self._of_due(found[live.name], live, head)

    def _live(self) -> timers.Timer | None:
        """Give the timer as the machines of this log have set it: where one has not moved it, the one before has."""
        formula = timers.FORMULAS[self._machine]
        now = formula(self._health)
        return self._set if now == formula(self._begun) else now

    def _of_due(self, found: Timer, live: timers.Timer, head: FeedHead) -> Iterator[str]:
        """A silence is wound up as data come, at most until it is one after the newest of them; others stay as set."""
        last_us = live.due_us
        if self._health.place == HEALTHY and not timers.waits_for_a_person(self._health):
            if not head.seq:  # kept without its feed, which alone tells until when
                return
            silence_us = int(timers.silence_seconds(self._health) * timers.SECOND_US)
            last_us = max(last_us, max(head.watermark_us, self._health.entered_us) + silence_us)
        if not live.due_us <= found.due_us <= last_us:
            due = f"{live.due_us}" if last_us == live.due_us else f"{live.due_us} to {last_us}"
            yield f"timer {found.name}: is due at {found.due_us}, log and feed say {due}"

    def _of_routes(self, found: dict[int, Route]) -> Iterator[str]:
        for generation in sorted(self._routes.keys() | found.keys()):
            if generation not in found:
                yield f"route {generation}: is missing, the log says that it was intended"
            elif generation not in self._routes:
                yield f"route {generation}: is there, the log says that none such was intended"
            elif (found[generation].body, found[generation].issued_us) != self._routes[generation]:
                yield f"route {generation}: is not what the log says was intended"


class Fed:
    """Goes through the feed of a model: whether it is whole in itself, and opens under the keys that are alive."""

    def __init__(self, store: Readable, model: str, vault: Vault | None) -> None:
        self._store, self._model, self._vault = store, model, vault
        self._keys: dict[str, DataKey | None] = {}
        self._seq = self._row = self._watermark_us = 0
        self._sealed = False
        self.entries = self.unopened = 0  #: how many were looked at, and of how many only what stands in clear

    def faults(self, stored: Stored) -> Iterator[str]:
        """Name what is wrong, entry by entry, then with the cursor."""
        if not _is_number(stored.head.seq):
            yield f"feed entry {stored.head.seq!r}: has no number, so that nothing behind it is looked at"
            return
        while self._seq < stored.head.seq and (page := self._store.read(partial(self._page, stored.head.seq))):
            for item in page:
                yield from (f"feed entry {item.seq}: {what}" for what in self._of(item))
        yield from self._of_cursor(stored)

    def _page(self, until: int, reader: Reader) -> tuple[FeedItem, ...]:
        return reader.feed(self._model, self._seq, min(PAGE, until - self._seq))

    def _of(self, item: FeedItem) -> Iterator[str]:
        self.entries += 1
        last, self._seq = self._seq, item.seq
        try:
            yield from self._of_place(item, last)
            yield from self._of_body(item)
        except (KeyUnknown, SealBroken, *FOREIGN) as error:
            yield f"cannot be read: {str(error) or type(error).__name__}"

    def _of_place(self, item: FeedItem, last: int) -> Iterator[str]:
        if item.seq != last + 1:
            yield f"comes behind entry {last}, so that one is missing or was moved"
        if item.watermark_us < self._watermark_us:
            yield f"its watermark {item.watermark_us} lies before that of the entry before it, {self._watermark_us}"
        if item.kind == feed.ROWS and item.first_row != self._row:
            yield f"begins with row {item.first_row}, where row {self._row} comes next"
        self._watermark_us = max(item.watermark_us, self._watermark_us)
        if item.kind == feed.ROWS:
            self._row = item.first_row + item.row_count

    def _of_body(self, item: FeedItem) -> Iterator[str]:
        head = outline(item.body)
        if item.kind == feed.ROWS and self._sealed and head is None:
            yield "stands in clear behind rows that are sealed"
        self._sealed |= item.kind == feed.ROWS and head is not None
        if head is not None and self._vault is None:
            self.unopened += 1
            return
        found = _measured(entry_of(item, self._alive(head or {"keys": []})))
        told = {"first_row": item.first_row, "row_count": item.row_count}
        for name, value in found.items():
            if value != told[name]:
                yield f"{name} is {told[name]}, what it holds says {value}"
        if item.kind == feed.LABELS and item.first_row >= self._row:
            yield f"labels row {item.first_row}, and {self._row} are in before it"

    def _alive(self, head: dict[str, Any]) -> dict[str, DataKey]:
        new = [key_id for key_id in head["keys"] if key_id not in self._keys]
        if new and self._vault is not None:
            found = self._vault.opened(new)
            self._keys.update({key_id: found.get(key_id) for key_id in new})
        wanted = {key_id: self._keys.get(key_id) for key_id in head["keys"]}
        return {key_id: key for key_id, key in wanted.items() if key is not None}

    def _of_cursor(self, stored: Stored) -> Iterator[str]:
        cursor, seq = stored.cursor, stored.head.seq
        if not seq:
            return
        if cursor is None:
            yield f"cursor {FOLLOWER}: is missing, and the feed has {seq} entries"
        elif not 0 <= cursor.seq <= seq:
            yield f"cursor {FOLLOWER}: stands at entry {cursor.seq}, the feed ends with {seq}"


def _is_number(seq: object) -> bool:
    """SQLite keeps what it is given, and words stand behind all numbers."""
    return isinstance(seq, int)


def _measured(entry: feed.Entry) -> dict[str, int]:
    """Give what an entry says of itself, by the name of the column that says it too."""
    match entry:
        case feed.Rows():
            return {"first_row": entry.first_row, "row_count": entry.count}
        case feed.Labels():
            return {"first_row": int(entry.rows.min()), "row_count": len(entry.rows)}
        case feed.Points():
            return {"row_count": len(entry.points)}


def faults_of_requests(store: Readable) -> Iterator[str]:
    """Name the requests whose row cannot be one that the service has written."""
    after = ""
    while page := store.read(partial(_requests, after)):
        yield from (f"request {one.request_id}: {what}" for one in page for what in _of_request(one))
        after = page[-1].request_id


def _requests(after: str, reader: Reader) -> tuple[Request, ...]:
    return reader.requests(after, REQUESTS)


def _of_request(one: Request) -> Iterator[str]:
    if len(one.payload_sha256) != HASH or set(one.payload_sha256) - set("0123456789abcdef"):
        yield f"{one.payload_sha256!r} is no hash of what was asked"
    if one.request_id.startswith(RECEIPTS):
        try:
            Receipt(**orjson.loads(one.response))
        except FOREIGN:
            yield "its answer is no receipt"
