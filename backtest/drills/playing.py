"""Plays one drill: the real service in this process, with a memory of its own, on the clock of the planted stream.

The service is the one of production: intake, watch, judges, the machine, a worker that trains in the sandbox, the
canary. Only where its log is kept differs: in memory that is gone afterwards, so that no drill touches a model of
anyone, its database or its artefacts.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

import numpy as np

from backtest.backend import Audit, Setup
from backtest.champion import matrix, train
from backtest.drills.ground import Plan, plan, taken
from backtest.drills.planting import Planted, between, concept
from backtest.drills.scenario import Kind, Scenario
from backtest.drills.wire import Wire
from backtest.driver import Driver, Served
from backtest.reigns import reigns
from backtest.report import transition
from backtest.stream import Stream
from retraining.sandbox import Sandbox
from retraining.template import TEMPLATES
from retraining.worker import Worker
from server.checkpoints.keys import fresh_keys
from server.checkpoints.notary import Notary
from server.clock import wall_us
from server.intake.schema import METRICS
from server.service import Service
from server.settings import Settings
from server.wiring import build
from statemachine.policies.policy import Policy

MODEL = "drill"


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """What all drills of a run have in common."""

    pool: Stream
    policy: dict[str, Any]
    template: str
    metric: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """One drill as it went."""

    scenario: Scenario
    plan: Plan
    planted: Planted
    served: Served
    events: list[dict[str, Any]]
    moves: list[dict[str, Any]]
    audit: Audit
    promoted: list[dict[str, Any]]  #: the reign of each version that was promoted

    def row(self, event: dict[str, Any]) -> int:
        """Give the last row that had come when *event* happened; a clock that was set back does not count."""
        reached = np.maximum.accumulate(self.planted.stream.times_us)
        return int(np.searchsorted(reached, event["occurred_us"], side="right")) - 1


def play(
    scenario: Scenario, orders: Orders, seed: int, sandbox: Sandbox, progress: Callable[[int], None] = lambda _: None
) -> Played:
    """Play *scenario*; equal seeds give equal logs."""
    chance = np.random.default_rng([seed, *scenario.name.encode()])
    drill = plan(orders.pool, Policy.from_json(orders.policy), seed)
    stream = taken(orders.pool, scenario.pick(orders.pool, drill, chance), drill.reference_rows)
    planted = scenario.plant(stream, drill, chance)
    if scenario.kind != Kind.RELAPSE:
        return _played(scenario, orders, drill, planted, sandbox, progress)
    # The same rows lead to the same candidate: what is turned back is what comes after it began to serve.
    first = _played(scenario, orders, drill, planted, sandbox, lambda _: None)
    began = next((move["row"] for move in first.moves if move["to"] == "canary.rung"), drill.rows)
    back = concept(stream, between(drill, (0, (began + 1 - drill.change) / drill.window)))
    return _played(scenario, orders, drill, back, sandbox, progress)


def _played(
    scenario: Scenario,
    orders: Orders,
    drill: Plan,
    planted: Planted,
    sandbox: Sandbox,
    progress: Callable[[int], None],
) -> Played:
    setup = Setup(
        name=MODEL, metric=orders.metric or METRICS[planted.stream.task][0], outcomes="exogenous",
        template=orders.template, label_delay_rows=drill.label_delay_rows, policy=orders.policy, seed=drill.seed,
    )  # fmt: skip
    stream = replace(planted.stream, name=scenario.name)
    champion = train(stream, matrix(stream), TEMPLATES[setup.template], setup.seed)
    with _service() as service:
        wire = Wire(service, planted)
        driver = Driver(stream, setup, wire, Worker("drill", wire, sandbox))
        served = driver.run(champion, progress)
        events, audit = wire.events(MODEL), wire.audit(MODEL)
    promoted = reigns(stream, setup.metric, events, driver.answers)
    moves = [transition(stream, event) for event in events if event["type"] == "state_changed"]
    return Played(
        scenario=scenario,
        plan=drill,
        planted=planted,
        served=served,
        events=events,
        moves=moves,
        audit=audit,
        promoted=promoted,
    )


@contextlib.contextmanager
def _service() -> Iterator[Service]:
    """Open a service whose log, vault and artefacts are in memory that nobody else has."""
    settings = Settings(database="memory://", artifacts=f"memory://{uuid4().hex}", clock="stream")
    service = build(settings, notary=Notary(fresh_keys(), None, wall_us))
    try:
        yield service
    finally:
        service.close()
