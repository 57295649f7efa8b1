"""Looking back: check the chain, fold the log again, and derive every decision again from its evidence."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from server.audit.checking import Derived, Failure, Hands, OwnHands, Stretch, Verification, failure_at
from server.audit.deriving import NAMED, Derivation, derive
from server.audit.proving import Trust, prove
from server.errors import ThingMissing
from server.history import folding, reading
from server.history.beside import Fed, Said, Stored, faults_of_requests
from server.history.folding import Step
from server.privacy.scopes import EVIDENCE
from statemachine.events import Erased
from statemachine.health import ModelHealth
from statemachine.kinds import REGISTRY
from statemachine.record.chain import Chain
from statemachine.record.digest import log_sha256
from statemachine.record.envelope import PayloadErased, RecordedEvent
from statemachine.replay import IllegalHistory
from store.ports import Readable, Reader
from store.vault import Vault

STRETCH = 16  #: events with evidence that are handed on at once

Told = Callable[[int], object]  #: hears how many events more were gone through


def verify(
    store: Readable,
    models: Sequence[str] = (),
    hands: Hands | None = None,
    found: Verification | None = None,
    told: Told = lambda _: None,
    trust: Trust | None = None,
    vault: Vault | None = None,
) -> Verification:
    """Check chain, replay and every decision of *models*, or of all, and digest their events, in bounded memory.

    What stands beside the events is checked too, as far as it can be (`history/beside.py`); feeds open with *vault*.
    Where no model is named the tree is checked too, and held against *trust*, and so are requests.

    *found* is filled as it goes, so that whoever is interrupted can say how far it came.
    """
    found, hands = found or Verification(), hands or OwnHands(store)
    names, position = store.read(lambda reader: (models or reading.names(reader), reader.head().position))
    walk = _Walk(store, hands, found, told, vault)
    digest = log_sha256(event for name in names for event in walk.through(name))
    walk.end()
    for derived in hands.rest():
        walk.take(derived)
    walk.explain()
    found.log_sha256 = digest if walk.whole else ""
    if not models and found.events < position:
        found.replay_equal = False
        found.fail(failure_at(f"the log has {position} events, of which {found.events} are of models with a state"))
    if not models:
        for fault in faults_of_requests(store):
            found.beside_ok = False
            found.fail(failure_at(fault))
        store.read(lambda reader: prove(reader, trust or Trust(), found))
    found.settle()
    return found


class _Walk:
    """Goes through logs, model by model: chain, legality and stored state; hands on what is to be derived."""

    def __init__(self, store: Readable, hands: Hands, found: Verification, told: Told, vault: Vault | None) -> None:
        self._store, self._hands, self._found, self._told, self._vault = store, hands, found, told, vault
        self.whole = True  #: no payload was erased
        self._unfed: list[str] = []  #: models without a feed
        self._gone: list[Failure] = []  #: decisions whose evidence is gone
        self._erasures: dict[str, int] = {}  #: where the last erasure of evidence stands, by model

    def through(self, model: str) -> Iterator[RecordedEvent]:
        """Check the events of *model*, and pass on those that can be digested."""
        stored = self._store.read(lambda reader: Stored.of(reader, model))
        chain, said = Chain(), Said()
        health: ModelHealth | None = ModelHealth()
        self._found.models += 1
        for page in folding.pages(self._store, model, stored.until):
            for event in page:
                self._check_chain(chain, event)
            health = self._fold(health, page, said) if health else None
            self._told(len(page))
            yield from (event for event in page if event.payload is not None)
        for fault in said.faults(stored) if health else ():
            self._found.replay_equal = False
            self._found.fail(failure_at(fault, model))
        self._check_feed(model, stored)

    def _check_feed(self, model: str, stored: Stored) -> None:
        fed = Fed(self._store, model, self._vault)
        for fault in fed.faults(stored):
            self._found.beside_ok = False
            self._found.fail(failure_at(fault, model))
        self._found.feed_entries += fed.entries
        self._found.unopened += fed.unopened
        self._unfed += [] if fed.entries else [model]

    def take(self, derived: Derived) -> None:
        """Take in what came of a stretch."""
        self._found.take(derived)
        self._gone += derived.unexplained

    def explain(self) -> None:
        """Name the decisions whose evidence is gone, though no erasure of evidence is on record behind them."""
        for failure in self._gone:
            if self._erasures.get(failure.model, 0) < failure.position:
                self._found.fail(failure)

    def end(self) -> None:
        """Say which feeds are missing, unless all are: then the log was kept without them."""
        self._found.without_feed = len(self._unfed)
        for model in self._unfed if self._found.feed_entries else ():
            self._found.beside_ok = False
            self._found.fail(failure_at("its feed is missing, which begins with its reference", model))

    def _check_chain(self, chain: Chain, event: RecordedEvent) -> None:
        self._found.events += 1
        self.whole &= event.payload is not None
        for fault in chain.faults(event):
            self._found.chain_ok = False
            self._found.fail(failure_at(fault.partition(": ")[2], event))

    def _fold(self, health: ModelHealth, page: Sequence[RecordedEvent], said: Said) -> ModelHealth | None:
        """Fold a page, and hand on what is to be derived; None when the fold cannot go on."""
        gathered = _Gathered()
        end: ModelHealth | None = health
        try:
            for step in folding.steps(page, health):
                end = step.after
                said.take(step)
                if isinstance(step.fact, Erased) and step.fact.scope == EVIDENCE:
                    self._erasures[step.recorded.stream] = step.recorded.position
                if gathered.add(step):
                    self._hand_on(gathered)
        except IllegalHistory as error:
            end, self._found.replay_equal = None, False
            self._found.fail(failure_at(error.why, next(one for one in page if one.version == error.version)))
        except PayloadErased:
            end, self._erasures[page[0].stream] = None, page[-1].position  # what would explain it cannot be read
        self._hand_on(gathered)
        return end

    def _hand_on(self, gathered: _Gathered) -> None:
        stretch = gathered.stretch()
        if stretch.steps:
            for derived in self._hands.take(stretch):
                self.take(derived)


class _Gathered:
    """What is to be derived next: steps from the first that names evidence on."""

    def __init__(self) -> None:
        self._steps, self._works = list[Step](), 0

    def add(self, step: Step) -> bool:
        """Take a step in; say whether there is enough for a stretch."""
        names = any(getattr(step.fact, name) for name in _NAMED[type(step.fact)])
        if names or self._steps:
            self._steps.append(step)
        self._works += names
        return self._works >= STRETCH

    def stretch(self) -> Stretch:
        """Give what was gathered, and begin anew."""
        found = Stretch(tuple(self._steps))
        self._steps, self._works = [], 0
        return found


#: The fields that name evidence, of each kind of event.
_NAMED = {kind: tuple(name for name in NAMED if hasattr(kind, name)) for kind in REGISTRY.values()}


def explain(store: Readable, model: str, position: int) -> Derivation:
    """Derive the decision at *position* again.

    Raises:
        ThingMissing: There is no decision of that model at that position.
        IllegalHistory: The log before it cannot be folded.
    """
    last = 0
    for step in folding.life(store, model):
        if step.recorded.position == position:
            if not step.fact.decision:
                told = f"event {position} is a {step.recorded.type}, which is no decision"
                raise ThingMissing("position", f"{told}; {_accepted(last)}")
            return store.read(partial(_derived, step))
        if step.recorded.position > position:
            break
        last = step.recorded.position if step.fact.decision else last
    raise ThingMissing("position", f"{model} has no event at position {position}; {_accepted(last)}")


def _accepted(last: int) -> str:
    return "that of a decision is accepted" + (f", such as {last}, the last before it" if last else "")


def _derived(step: Step, reader: Reader) -> Derivation:
    return derive(reader, step)
