"""Looking back: read the log, fold it again, and derive every decision again from its evidence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from server.act import fact_of
from server.errors import ThingMissing
from server.judges import Ruling, rederive
from statemachine.canonical import canonical
from statemachine.envelope import RecordedEvent, chain_faults, log_sha256
from statemachine.events import Event, GatesJudged, payload_of, volatile_fields
from statemachine.health import ModelHealth
from statemachine.replay import IllegalHistory, projection, replay
from store.errors import StoreError
from store.ports import Reader

#: Fields of events that name evidence by its hash.
NAMED = ("evidence", "spec", "features_sha256", "reference_sha256")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One event, and the health before and after it."""

    recorded: RecordedEvent
    fact: Event
    before: ModelHealth
    after: ModelHealth


@dataclass(frozen=True, slots=True, kw_only=True)
class Derivation:
    """A decision beside what its evidence gives today."""

    recorded: RecordedEvent
    judge: str
    evidence: str
    inputs: dict[str, Any]
    policy: dict[str, Any]
    verdict: dict[str, Any]
    rederived: dict[str, Any]
    failure: str = ""

    @property
    def equal(self) -> bool:
        """Whether the bits agree."""
        return not self.failure and self.verdict == self.rederived


@dataclass(slots=True)
class Verification:
    """What a check of the whole log found."""

    events: int = 0
    chain_ok: bool = True
    replay_equal: bool = True
    decisions: int = 0
    rederived: int = 0
    log_sha256: str = ""
    failures: list[str] = field(default_factory=list)

    def fail(self, what: str) -> None:
        """Note the first failures, with their place."""
        self.failures.append(what)


def steps(reader: Reader, model: str) -> Iterator[Step]:
    """Fold the log of *model*, event by event.

    Raises:
        IllegalHistory: A recorded move is not in the table.
    """
    health = ModelHealth()
    for recorded in reader.events(model):
        fact = fact_of(recorded.type, recorded.schema, recorded.payload)
        after = replay([(fact, recorded.occurred_us)], health)
        yield Step(recorded=recorded, fact=fact, before=health, after=after)
        health = after


def verify(reader: Reader, models: list[str]) -> Verification:
    """Check chain, replay and every decision of *models*, and digest their events in the order of the log."""
    found = Verification()
    kept: list[RecordedEvent] = []
    for model in models:
        _verify_model(reader, model, found, kept)
    kept.sort(key=lambda recorded: recorded.position)
    found.events = len(kept)
    found.log_sha256 = log_sha256(kept)
    return found


def _verify_model(reader: Reader, model: str, found: Verification, kept: list[RecordedEvent]) -> None:
    events = reader.events(model)
    kept.extend(events)
    for fault in chain_faults(events):
        found.chain_ok = False
        found.fail(fault)
    health = ModelHealth()
    try:
        for step in steps(reader, model):
            health = step.after
            if step.fact.decision:
                _verify_decision(reader, step, found)
            _verify_evidence(reader, step, found)
    except (IllegalHistory, ValueError) as error:
        found.replay_equal = False
        found.fail(f"{model} event {health.version + 1}: {error}")
    stored = reader.projection(model)
    if stored is None or stored.body != projection(health):
        found.replay_equal = False
        found.fail(f"{model}: the replay differs from the stored state")


def _verify_decision(reader: Reader, step: Step, found: Verification) -> None:
    weight = len(step.fact.gates) if isinstance(step.fact, GatesJudged) else 1
    found.decisions += weight
    derived = derive(reader, step)
    if derived.equal:
        found.rederived += weight
    else:
        found.fail(
            f"{step.recorded.stream} event {step.recorded.version} ({step.recorded.type}): "
            f"{derived.failure or 'the verdict differs'}"
        )


def _verify_evidence(reader: Reader, step: Step, found: Verification) -> None:
    """Check that what an event names by its hash is there and whole, also where no decision rests on it."""
    told = payload_of(step.fact)
    for name in NAMED if not step.fact.decision else ():
        if not told.get(name):
            continue
        try:
            reader.evidence(told[name])
        except StoreError as error:
            found.fail(f"{step.recorded.stream} event {step.recorded.version} ({step.recorded.type}): {name}: {error}")


def derive(reader: Reader, step: Step) -> Derivation:
    """Run the judge behind *step* again on its recorded evidence, under the policy of that time."""
    stored = payload_of(step.fact)
    for name in volatile_fields(step.fact):
        stored.pop(name)
    evidence = stored.pop("evidence")
    policy = step.before.policy
    judge, inputs, failure = "", {}, ""
    ruling: Ruling | None = None
    try:
        body = reader.evidence(evidence)
        told = orjson.loads(body)
        judge, inputs = told["judge"], told["inputs"]
        ruling = rederive(body, policy, reader.evidence)
    except (StoreError, ValueError, KeyError) as error:
        failure = str(error) or type(error).__name__
    return Derivation(
        recorded=step.recorded,
        judge=judge,
        evidence=evidence,
        inputs=inputs,
        policy=policy.to_json(),
        verdict=_plain({"event": step.fact.name, **stored}),
        rederived=_plain({"event": ruling.event, **ruling.payload}) if ruling else {},
        failure=failure,
    )


def _plain(value: dict[str, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = orjson.loads(canonical(value))
    return plain


def explain(reader: Reader, model: str, position: int) -> Derivation:
    """Derive the decision at *position* again.

    Raises:
        ThingMissing: There is no decision of that model at that position.
    """
    for step in steps(reader, model):
        if step.recorded.position == position:
            if not step.fact.decision:
                raise ThingMissing("position", f"event {position} is a {step.recorded.type}, which is no decision")
            return derive(reader, step)
    raise ThingMissing("position", f"{model} has no event at position {position}")
