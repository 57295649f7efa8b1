"""One model's life as the service itself wrote it, laid into a log for as many models as are wanted.

A model is well, is suspected because of a metric that rises for a moment, and is cleared, again and again. Copied are
the events, the evidence that they name, and what stands beside them: a log that is legal, with decisions that can be
derived, but without what came in.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import orjson
from msgspec.structs import replace

from server.audit.deriving import NAMED
from server.requests import MetricsBatch, NewModel, Point, ReferenceRows
from server.service import Service
from server.settings import Settings
from server.wiring import build
from statemachine.health import ModelHealth
from statemachine.record.canonical import canonical, digest
from statemachine.record.envelope import NewEvent
from statemachine.replay import projection
from store import Evidence, Projection, Route, Store, Timer, Unit

NAME = "m"
QUIET = {"regret": {"every": 0}, "quality": {"alarms": "never"}, "drift": {"alarms": "never"}}
NORMAL, BLIP = [0.1] * 12, [0.5] * 4
ROWS = 60
TOGETHER = 20  #: models in one piece of work


@dataclass(frozen=True, slots=True)
class Life:
    """What is copied."""

    events: tuple[NewEvent, ...]
    evidence: tuple[Evidence, ...]
    end: ModelHealth
    beside: tuple[Timer | Route, ...]

    def __len__(self) -> int:
        """How many events it has."""
        return len(self.events)


def a_life(events: int) -> Life:
    """Let a service write a life of at least so many events."""
    service = build(Settings(database="memory://", artifacts="memory://life", clock="stream"))
    try:
        service.create_model(_model()).result()
        _send(service, 0, NORMAL)
        cycle = 0
        while service.state(NAME).version < events:
            cycle += 1
            _send(service, cycle * 100, [*BLIP, *NORMAL])
        return _read(service)
    finally:
        service.store.close()


def lay(store: Store, life: Life, models: int) -> Iterator[int]:
    """Append *life* to *store* for so many models; tell of the events as they are durable."""
    for first in range(0, models, TOGETHER):
        numbers = range(first, min(first + TOGETHER, models))
        store.run(lambda unit, numbers=numbers: _lay(unit, life, numbers))  # type: ignore[misc]  # a default is no argument
        yield len(numbers) * len(life)


def _lay(unit: Unit, life: Life, numbers: Iterable[int]) -> None:
    for evidence in life.evidence:
        unit.put(evidence)
    for number in numbers:
        name = f"{NAME}-{number:06}"
        unit.append(name, 0, [_renamed(event, name) for event in life.events])
        end, place = replace(life.end, model=name), life.end.place
        unit.put(
            Projection(
                stream=name, version=end.version, state=place.state, phase=place.phase, automation=end.automation,
                body=projection(end), updated_us=life.events[-1].occurred_us,
            )
        )  # fmt: skip
        for one in life.beside:
            unit.put(dataclasses.replace(one, stream=name))


def _renamed(event: NewEvent, name: str) -> NewEvent:
    fields = {field: getattr(event, field) for field in _FIELDS}
    fields["event_id"] = digest(f"{name}|{event.event_id}".encode())[:32]
    if event.type == "model_registered":
        fields["payload"] = canonical({**orjson.loads(event.payload), "model": name})
    return NewEvent(**fields)


_FIELDS = (
    "event_id", "type", "schema", "occurred_us", "actor", "authentication", "causation_id", "correlation_id",
    "request_id", "policy_version", "machine_version", "volatile", "volatile_fields", "payload",
)  # fmt: skip


def _read(service: Service) -> Life:
    steps = list(service.steps(NAME))
    named = {getattr(step.fact, name, "") for step in steps for name in NAMED} - {""}
    bodies = service.store.read(lambda reader: [reader.evidence(sha256) for sha256 in sorted(named)])
    return Life(
        tuple(NewEvent(**{field: getattr(step.recorded, field) for field in _FIELDS}) for step in steps),
        tuple(Evidence(kind="copied", body=body) for body in bodies),
        steps[-1].after,
        service.store.read(lambda reader: (*reader.timers(NAME), *reader.routes(NAME))),
    )


def _send(service: Service, start: int, values: list[float]) -> None:
    points = [
        Point(name="rate", time_us=1_000_000 * (start + i), value=value, higher_is_worse=True, tolerance=0.2)
        for i, value in enumerate(values, start=1)
    ]
    service.ingest_metrics(MetricsBatch(model=NAME, request_id=f"at-{start}", points=points)).result()


def _model() -> NewModel:
    return NewModel(
        request_id="create", name=NAME, owner="benchmark", purpose="", task="binary", metric="",
        outcomes="exogenous", template="", classes=[], champion="v1", label_delay_rows=0, policy=QUIET,
        features=[{"name": "x", "kind": "numeric", "categories": []}],
        reference=ReferenceRows(
            columns={"x": (np.arange(ROWS) % 7).astype(np.float64)},
            labels=(np.arange(ROWS) % 2).astype(np.float64),
            outputs=np.full(ROWS, 0.5), times_us=np.arange(ROWS),
        ),
    )  # fmt: skip
