"""The one door to the log: read, fold, decide, append."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from threading import Lock

from server.clock import Clock
from statemachine import timers
from statemachine.actors import is_actor
from statemachine.commands import Command
from statemachine.decide import decide
from statemachine.errors import Refused
from statemachine.events import RouteIntended
from statemachine.evolve import evolve
from statemachine.health import ModelHealth
from statemachine.kinds import Event
from statemachine.machine import GATEKEEPER, Gatekeeper
from statemachine.moves import MACHINE_VERSION
from statemachine.record.canonical import digest
from statemachine.record.coding import encode, is_volatile, volatile_fields
from statemachine.record.envelope import NewEvent, PayloadErased
from statemachine.replay import FOREIGN, IllegalHistory, evolved, projection, restored
from store.ports import Reader, Unit
from store.records import ClearTimer, Projection, Route, Timer

CERTIFICATE = "mtls"  #: how a caller is known that has shown one


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks, how that is known, and under which request."""

    actor: str = "service"
    authentication: str = "none"
    request_id: str | None = None
    causation_id: str | None = None
    name: str = field(default="", repr=False)  #: that of the certificate; only ever compared, and written nowhere

    def __post_init__(self) -> None:
        """Keep names of certificates out of the log.

        Raises:
            ValueError: The actor is no opaque id.
        """
        if self.authentication == CERTIFICATE and not is_actor(self.actor):
            raise ValueError("a caller with a certificate is named by an opaque id, which the vault gives")


SERVICE = Caller()


class Folds:
    """Healths as they were last folded. Each is checked against the log's version before it is used."""

    def __init__(self) -> None:
        self._known: dict[str, ModelHealth] = {}
        self._lock = Lock()

    def health(self, reader: Reader, model: str) -> ModelHealth:
        """Fold the log of *model*, from where it was last folded. Nothing known: an unregistered health.

        Raises:
            UnknownEvent: A later release has written an event of it.
            IllegalHistory: What stands there cannot be read, so somebody has written past the store.
        """
        version = reader.version(model)
        known = self._known.get(model)
        if known is None or known.version > version:
            known = ModelHealth()
        try:
            for telling in reader.tellings(model, known.version) if known.version < version else ():
                known = evolved(known, telling)
        except PayloadErased:
            known = _as_projected(reader, model)
        self.keep(model, known)
        return known

    def keep(self, model: str, health: ModelHealth) -> None:
        """Remember *health*."""
        with self._lock:
            self._known[model] = health

    def forget(self, model: str) -> None:
        """Drop what is remembered, after a transaction that did not commit."""
        with self._lock:
            self._known.pop(model, None)


class Act:
    """Applies commands to models."""

    def __init__(self, clock: Clock, gatekeeper: Gatekeeper = GATEKEEPER) -> None:
        self._clock, self._gatekeeper = clock, gatekeeper
        self.folds = Folds()
        self.touched: set[str] = set()  #: models that the current work has acted on

    def __call__(
        self, unit: Unit, model: str, command: Command, watermark_us: int, caller: Caller = SERVICE
    ) -> tuple[Event, ...]:
        """Decide on *command* and append what follows, in the caller's transaction.

        Raises:
            Refused: The command is not legal here. Nothing is appended.
        """
        before = self.folds.health(unit, model)
        now_us = self._now_us(before, watermark_us)
        facts = decide(before, command, now_us, self._gatekeeper)
        if not facts:
            return facts
        after = before
        for fact in facts:
            after = evolve(after, fact, now_us)
        self.touched.add(model)
        unit.append(model, before.version, _envelopes(model, before, facts, now_us, caller))
        _project(unit, before, after, facts, now_us)
        self.folds.keep(model, after)
        return facts

    def would(self, reader: Reader, model: str, command: Command, watermark_us: int) -> bool:
        """Say whether *command* would change anything now. Nothing is appended."""
        health = self.folds.health(reader, model)
        try:
            return bool(decide(health, command, self._now_us(health, watermark_us), self._gatekeeper))
        except Refused:
            return False

    def _now_us(self, health: ModelHealth, watermark_us: int) -> int:
        return max(self._clock.now_us(watermark_us), health.entered_us)


def _envelopes(model: str, before: ModelHealth, facts: Iterable[Event], now_us: int, caller: Caller) -> list[NewEvent]:
    made: list[NewEvent] = []
    correlation = f"{model}/{before.remediations}" if before.remediation else None
    for offset, fact in enumerate(facts, start=1):
        made.append(
            NewEvent(
                event_id=digest(f"{model}|{before.version + offset}|{fact.name}".encode())[:32],
                type=fact.name,
                schema=fact.schema,
                occurred_us=now_us,
                actor=caller.actor,
                authentication=caller.authentication,
                causation_id=caller.causation_id if offset == 1 else made[0].event_id,
                correlation_id=correlation,
                request_id=caller.request_id,
                policy_version=before.policy_version,
                machine_version=MACHINE_VERSION,
                payload=encode(fact),
                volatile=is_volatile(fact),
                volatile_fields=volatile_fields(fact),
            )
        )
    return made


def _as_projected(reader: Reader, model: str) -> ModelHealth:
    """Give the health of a model whose events are erased: where they had led is all that is left of them."""
    found = reader.projection(model)
    try:
        return ModelHealth() if found is None else restored(found.body)
    except FOREIGN as error:
        why = f"what it tells was erased, and the state that is stored of it cannot be read: {error}"
        raise IllegalHistory(reader.version(model), why) from error


def _project(unit: Unit, before: ModelHealth, after: ModelHealth, facts: Iterable[Event], now_us: int) -> None:
    unit.put(
        Projection(
            stream=after.model,
            version=after.version,
            state=after.place.state,
            phase=after.place.phase,
            automation=after.automation,
            body=projection(after),
            updated_us=now_us,
        )
    )
    old, new = timers.live(before), timers.live(after)
    if old is not None and (new is None or new.name != old.name):
        unit.put(ClearTimer(stream=after.model, name=old.name))
    if new is not None and new != old:
        unit.put(Timer(stream=after.model, name=new.name, due_us=new.due_us, visit=new.visit))
    _await_signals(unit, before, after, now_us)
    for fact in facts:
        if isinstance(fact, RouteIntended):
            unit.put(Route(stream=after.model, generation=fact.generation, body=encode(fact), issued_us=now_us))


def _await_signals(unit: Unit, before: ModelHealth, after: ModelHealth, now_us: int) -> None:
    """Let the timer of signals run as long as one is awaited. It is due at once: who fires it knows until when."""
    old, new = timers.awaited(before), timers.awaited(after)
    if old and not new:
        unit.put(ClearTimer(stream=after.model, name=timers.SIGNALS))
    elif old != new:
        unit.put(Timer(stream=after.model, name=timers.SIGNALS, due_us=now_us, visit=0))
