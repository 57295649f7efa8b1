"""What a check of the log finds, and the pieces of it that can be done apart from each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from server.audit.deriving import NAMED, Status, derive, evidence_fault
from server.history import folding
from server.history.folding import Step
from statemachine.events import GatesJudged
from statemachine.health import ModelHealth
from statemachine.record.envelope import RecordedEvent
from store.ports import Readable, Reader

MOST_FAILURES = 1_000  #: that are told; all of them are counted
NOT_ERASED = "the key of its evidence is destroyed, and no erasure of evidence is on record behind it"


@dataclass(frozen=True, slots=True, order=True)
class Failure:
    """One thing that is wrong, at its place; position and version are 0 where it is no single event."""

    position: int
    model: str
    version: int
    type: str
    what: str

    def __str__(self) -> str:
        """Name the place, and what is wrong there."""
        place = f"{self.model} event {self.version} ({self.type})" if self.version else self.model
        return f"{place}: {self.what}" if place else self.what


def failure_at(what: str, place: RecordedEvent | str = "") -> Failure:
    """Give a failure at an event, of a model, or of the whole log."""
    if isinstance(place, str):
        return Failure(0, place, 0, "", what)
    return Failure(place.position, place.stream, place.version, place.type, what)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Steps of one model that name evidence, and what lies between them."""

    steps: tuple[Step, ...]

    def __reduce__(self) -> tuple[Callable[..., Stretch], tuple[ModelHealth, tuple[RecordedEvent, ...]]]:
        """Send another process the events and the health that they meet, which it folds again."""
        return _folded, (self.steps[0].before, tuple(step.recorded for step in self.steps))


@dataclass(slots=True)
class Derived:
    """What came of the evidence of one stretch."""

    decisions: int = 0
    rederived: int = 0
    erased: int = 0  #: decisions whose evidence was erased, so that nobody can make them again
    failures: list[Failure] = field(default_factory=list)
    unexplained: list[Failure] = field(default_factory=list)  #: where evidence is gone; failures, but for an erasure


@dataclass(slots=True)
class Verification:
    """What a check of the whole log found."""

    models: int = 0
    events: int = 0
    chain_ok: bool = True
    replay_equal: bool = True
    tree_ok: bool = True
    beside_ok: bool = True  #: feeds, cursors and requests fit together
    feed_entries: int = 0
    without_feed: int = 0  #: models; a log may be kept without any of its feeds, but not without some
    unopened: int = 0  #: entries of feeds of which only what stands in clear was looked at, since there is no vault
    root: str = ""  #: over all events, computed from them; empty where the tree was not looked at
    decisions: int = 0
    rederived: int = 0
    erased: int = 0
    log_sha256: str = ""  #: empty where a payload was erased, since it covers them all
    failed: int = 0  #: failures in all; the first ones are told
    failures: list[Failure] = field(default_factory=list)

    def take(self, derived: Derived) -> None:
        """Add what came of a stretch."""
        self.decisions += derived.decisions
        self.rederived += derived.rederived
        self.erased += derived.erased
        for failure in derived.failures:
            self.fail(failure)

    def fail(self, failure: Failure) -> None:
        """Count a failure and keep it, if it is among the first in the order of the log."""
        self.failed += 1
        self.failures.append(failure)
        if len(self.failures) > 2 * MOST_FAILURES:
            self.settle()

    def settle(self) -> None:
        """Put the failures in the order of the log, those of no single event last, however they were found."""
        self.failures = sorted(self.failures, key=lambda one: (not one.position, one))[:MOST_FAILURES]


class Hands(Protocol):
    """Who derives. However many hands there are, what they find adds up to the same."""

    def take(self, stretch: Stretch) -> Iterator[Derived]:
        """Take a stretch on, and give what is done by now."""

    def rest(self) -> Iterator[Derived]:
        """Finish what was taken on, and give what is left."""


class OwnHands:
    """Derives each stretch as it comes."""

    def __init__(self, store: Readable) -> None:
        self._store = store

    def take(self, stretch: Stretch) -> Iterator[Derived]:
        """Derive it now."""
        yield check(self._store, stretch)

    def rest(self) -> Iterator[Derived]:
        """Nothing is left."""
        return iter(())


class NoHands:
    """Derives nothing: the log is folded and compared, and that is all."""

    def take(self, stretch: Stretch) -> Iterator[Derived]:
        """Let it be."""
        del stretch
        return iter(())

    def rest(self) -> Iterator[Derived]:
        """Nothing is left."""
        return iter(())


def check(store: Readable, stretch: Stretch) -> Derived:
    """Derive the decisions of *stretch* again, and look at what its other events name."""
    return store.read(partial(_check, stretch))


def _folded(before: ModelHealth, events: tuple[RecordedEvent, ...]) -> Stretch:
    return Stretch(tuple(folding.steps(events, before)))


def _check(stretch: Stretch, reader: Reader) -> Derived:
    found = Derived()
    for step in stretch.steps:
        if step.fact.decision:
            _check_decision(reader, step, found)
        else:
            faults = (evidence_fault(reader, step, name) for name in NAMED)
            found.failures += [failure_at(fault, step.recorded) for fault in faults if fault]
    return found


def _check_decision(reader: Reader, step: Step, found: Derived) -> None:
    weight = len(step.fact.gates) if isinstance(step.fact, GatesJudged) else 1
    found.decisions += weight
    derived = derive(reader, step)
    if derived.equal:
        found.rederived += weight
    elif derived.status is Status.EVIDENCE_ERASED:
        found.erased += weight
        found.unexplained.append(failure_at(NOT_ERASED, step.recorded))
    else:
        found.failures.append(failure_at(derived.told, step.recorded))
