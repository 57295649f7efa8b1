"""What a process knows by heart of each model. Everything on the desk can be read again from the store."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass, field
from functools import cache, partial
from typing import NoReturn, Protocol, TypeVar

import orjson

from retraining.template import Template
from server.act import Act, Folds
from server.aside import MOST_BEHIND, Aside
from server.clock import Clock
from server.errors import EtagMismatch, ModelMissing
from server.intake import feed
from server.intake.admission import Intake
from server.intake.schema import Schema
from server.intake.sealing import Sealer
from server.views import etag_of
from server.watching.known import Watches
from server.watching.watch import Watch
from statemachine.errors import Refused
from statemachine.health import ModelHealth
from statemachine.words import RETIRED
from store.answers import Answer
from store.ports import Reader, Unit
from store.records import FeedItem
from store.sealed_blobs import SealedBlobs

T = TypeVar("T")

#: A watch is built from all rows of its model, which may take minutes: what was asked for within it is not let go of.
IDLE_US = 3_600 * 1_000_000
PAGE = 32  #: feed entries read at once; one may be 16 MiB


class Doing(Protocol):
    """Does a piece of work on the writer thread."""

    def __call__(self, work: Callable[[Unit], T], /) -> Answer[T]:
        """Give an answer: what it gives is durable."""


class NotByHeart(Exception):
    """All rows of a model, or many, must be read first, which is not for the writer to do."""

    def __init__(self, model: str) -> None:
        self.model = model
        super().__init__(model)


@dataclass(frozen=True, slots=True)
class Changes:
    """What works have changed of what is known by heart."""

    models: set[str] = field(default_factory=set)
    feeds: set[str] = field(default_factory=set)  #: models whose feed they have written

    def add(self, more: Changes) -> None:
        """Take on what *more* has."""
        self.models.update(more.models)
        self.feeds.update(more.feeds)

    def clear(self) -> None:
        """Begin anew."""
        self.models.clear()
        self.feeds.clear()


class Desk:
    """Intakes and watches by model, the act, the clock, blobs and templates."""

    # What a process needs to know anything of a model: each is picked in `server/wiring.py`.
    def __init__(
        self, act: Act, clock: Clock, blobs: SealedBlobs, templates: dict[str, Template], sealer: Sealer
    ) -> None:
        self.act, self.clock, self.blobs, self.templates = act, clock, blobs, templates
        self.sealer = sealer
        self.readers = Folds()  #: for questions, which see only what is committed
        self._schemas: dict[str, Schema] = {}
        self._intakes: dict[str, Intake] = {}
        self._watches = Watches()
        self.aside = Aside()
        self._unit: Unit | None = None  #: of the transaction that the current work is part of
        self._current = Changes(act.touched)  #: of the current work
        self._unsettled = Changes()  #: of the works before it in this transaction
        self._recalled: Container[str] | None = None  #: for which the current work has waited, if it can

    def health(self, reader: Reader, model: str) -> ModelHealth:
        """Fold the log of *model*.

        Raises:
            ModelMissing: No such model is under watch.
        """
        health = self.act.folds.health(reader, model)
        if not health.registered:
            raise ModelMissing(model)
        return health

    def as_committed(self, reader: Reader, model: str, field: str = "model") -> ModelHealth:
        """Fold what is committed of *model*, whatever the writer is at; *field* of the question names it.

        Raises:
            ModelMissing: No such model is under watch.
        """
        health = self.readers.health(reader, model)
        if not health.registered:
            raise ModelMissing(model, field)
        return health

    def living(self, reader: Reader, model: str) -> ModelHealth:
        """Give the health of a model that is not retired."""
        health = self.health(reader, model)
        if health.place == RETIRED:
            raise Refused("ingest", str(RETIRED), "the model is retired", ("CreateModel under another name",))
        return health

    def limit_us(self) -> int | None:
        """Say what time it is for rows; None where the rows themselves are the clock."""
        return None if self.clock.follows_stream else self.clock.now_us(0)

    def schema(self, reader: Reader, model: str) -> Schema:
        """Read the model's schema."""
        known = self._schemas.get(model)
        if known is None:
            known = self._schemas[model] = schema_of(reader, self.health(reader, model))
        return known

    def versions(self, reader: Reader, model: str) -> set[str]:
        """Name the versions that may have scored rows: those of the route, and those of the last one."""
        health = self.health(reader, model)
        known = {health.champion, health.candidate, health.rollback_target, *health.manifests}
        return {version for version in known if version}

    def intake(self, reader: Reader, model: str) -> Intake:
        """Give the model's intake, caught up with the feed: another server may have written more of it.

        Raises:
            NotByHeart: Much of the feed must be read, or all, and the current work can wait for others to do that.
        """
        head = reader.feed_head(model)
        known, erasures = self._intakes.get(model), self.health(reader, model).erasures
        if known is None or known.next_seq > head.seq + 1 or known.erasures != erasures:
            self._intakes.pop(model, None)
            self._leave_to_others(model, head.seq)
            known = self._intakes[model] = Intake.of(self.schema(reader, model), erasures)
        elif head.seq + 1 - known.next_seq > MOST_BEHIND and self._can_wait(model):
            self._lay_aside(reader, model)
        for _, entry in self.entries(reader, model, known.next_seq - 1, head.seq):
            known.take(entry)
        return known

    def watch(self, reader: Reader, model: str) -> Watch:
        """Give the model's watch, caught up with the follower's cursor; made anew when another policy holds.

        Raises:
            NotByHeart: As of the intake.
        """
        cursor = reader.cursor(model, FOLLOWER)
        seq = cursor.seq if cursor else 0
        known, health = self._watches.get(model), self.health(reader, model)
        if known is None or known.seq > seq or not known.holds(health):
            self._watches.drop(model)
            self._leave_to_others(model, seq)
            known = self._watches.put(model, fresh_watch(reader, self.schema(reader, model), health))
        elif seq - known.seq > MOST_BEHIND and self._can_wait(model):
            self._lay_aside(reader, model)
        for item, entry in self.entries(reader, model, known.seq, seq):
            known.take(item.seq, entry)
        return known

    def _leave_to_others(self, model: str, entries: int) -> None:
        """Leave it to others to read *entries* of the feed, if the work can wait for that."""
        if entries and self._can_wait(model):
            raise NotByHeart(model)

    def _lay_aside(self, reader: Reader, model: str) -> NoReturn:
        """Leave it to others to read on what is far behind. None of it has seen what is not committed: that is newest.

        Raises:
            NotByHeart: Always.
        """
        intake, watch = self._intakes.get(model), self._watches.get(model)
        if intake is not None and reader.feed_head(model).seq + 1 - intake.next_seq > MOST_BEHIND:
            self.aside.lay(model, self._intakes.pop(model))
        if watch is not None:
            self._watches.drop(model)
            self.aside.lay(model, watch)
        raise NotByHeart(model)

    def _can_wait(self, model: str) -> bool:
        """Say whether the current work can wait for *model*: not once it has, and found it undone."""
        return self._recalled is not None and model not in self._recalled

    def looking(self, reader: Reader, model: str) -> Callable[[], Watch]:
        """Give what gives the model's watch, which is made when somebody looks: it holds all rows of the model."""
        return cache(partial(self.watch, reader, model))

    def entries(self, reader: Reader, model: str, after: int, until: int) -> Iterator[tuple[FeedItem, feed.Entry]]:
        """Read the feed after *after* up to and with *until*, in pages, as far as its keys are alive."""
        for page in pages(reader, model, after, until):
            for one in self.sealer.opened(page):
                yield one
                reader.stay()  # what is made of an entry may take its time

    def touch(self, model: str) -> None:
        """Note that the current work changes what is known of *model*."""
        self.act.touched.add(model)

    def feeds(self, model: str) -> None:
        """Note that the current work writes the feed of *model*, which its watch learns of behind the cursor only.

        So the watch is kept where the work fails: to make it again may take minutes, and a full disk fails many.
        """
        self._current.feeds.add(model)

    def settle(self, unit: Unit, recalled: Container[str] | None = None) -> None:
        """Begin a new piece of work. What works of a transaction that never committed have left is dropped first.

        They are done again in another transaction, and in between another server may have written in their place.
        Work that can wait says for which models it had others do so (*recalled*).
        """
        if unit is not self._unit:
            self._drop(self._unsettled)
            self._unit = unit
        self._current.clear()
        self._recalled = recalled

    def done(self) -> None:
        """Note that the current work has succeeded: what it has left holds once its transaction commits."""
        self._unsettled.add(self._current)
        self._recalled = None

    def committed(self) -> None:
        """Note that the transaction has committed; before the next one begins."""
        self._unsettled.clear()

    def recoil(self) -> None:
        """Drop what the failed work has changed of what is known."""
        self._drop(self._current)
        self._recalled = None

    def _drop(self, changes: Changes) -> None:
        for model in changes.models:
            self.act.folds.forget(model)
            self._schemas.pop(model, None)
            self.forget(model)
        for model in changes.feeds:
            self._intakes.pop(model, None)
        changes.clear()

    def forget(self, model: str) -> None:
        """Drop what is known of the rows of *model*; it is read again when it is asked for."""
        self._intakes.pop(model, None)
        self._watches.drop(model)

    def knows(self, model: str) -> bool:
        """Say whether intake and watch of *model* are known by heart; from any thread."""
        return all(self.has(model))

    def has(self, model: str) -> tuple[bool, bool]:
        """Say of the intake and of the watch of *model* whether they are known by heart; from any thread."""
        return model in self._intakes, model in self._watches

    def adopt(self, model: str, intake: Intake | None, watch: Watch | None) -> None:
        """Take what was built beside the writer, unless something is known; where it does not hold it is made anew."""
        if intake is not None:
            self._intakes.setdefault(model, intake)
        if watch is not None and model not in self._watches:
            self._watches.put(model, watch)

    @property
    def known_models(self) -> int:
        """Of how many models rows are held in memory."""
        return len(self._watches)

    def make_room(self, most: int, idle_us: int = IDLE_US) -> int:
        """Drop what is known of the rows of models that are idle, until *most* are left; give how many that were."""
        idle = self._watches.idle(most, idle_us)
        for model in idle:
            self.forget(model)
        return len(idle)


FOLLOWER = "follower"


def schema_of(reader: Reader, health: ModelHealth) -> Schema:
    """Read a model's schema."""
    return Schema.from_json(orjson.loads(reader.evidence(health.features_sha256)))


def fresh_watch(reader: Reader, schema: Schema, health: ModelHealth) -> Watch:
    """Give the watch of a model that knows its reference, and has seen no row behind it."""
    return Watch(schema, orjson.loads(reader.evidence(health.reference_sha256)), health)


def pages(reader: Reader, model: str, after: int, until: int) -> Iterator[tuple[FeedItem, ...]]:
    """Read the feed after *after* up to and with *until*, page by page."""
    while after < until:
        page = reader.feed(model, after, min(PAGE, until - after))
        if not page:
            return
        yield page
        after = page[-1].seq


def check_etag(health: ModelHealth, etag: str) -> None:
    """Refuse a decision that was made on an older version.

    Raises:
        EtagMismatch: The model has changed since.
    """
    if etag and etag != etag_of(health.version):
        raise EtagMismatch(etag, etag_of(health.version), f"{health.place} ({health.reason})")
