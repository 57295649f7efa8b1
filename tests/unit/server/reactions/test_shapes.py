"""A model whose policy asks for shapes: a change that no alternative of drift is near to, on record."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from server.requests import LabelsBatch, NewModel, ReferenceRows, RowsBatch
from server.service import Service
from tests.fixtures.services import MINUTE_US, a_model, a_service

PAST, WINDOW = 4_000, 200
QUIET: dict[str, Any] = {
    "quality": {"alarms": "never"}, "regret": {"every": 0}, "timers": {"silence_seconds": 1e9},
}  # fmt: skip
SHAPES: dict[str, Any] = {"drift": {"alarms": "always", "tolerance": 0.005, "shapes": True}}
FILLED = 0.08  #: of the incomes, where those who fill in missing ones begin to


class World:
    """A model of two numbers, of which one is filled in from a day on."""

    def __init__(self, service: Service, policy: dict[str, Any]) -> None:
        self.service, self.chance, self.next = service, np.random.default_rng(3), PAST
        features: list[dict[str, Any]] = [
            {"name": name, "kind": "numeric", "categories": []} for name in ("income", "age")
        ]
        reference = ReferenceRows(
            columns=self.columns(PAST, 0.0), labels=(np.arange(PAST) % 2).astype(float),
            outputs=self.chance.uniform(size=PAST), times_us=np.arange(PAST) * MINUTE_US,
        )  # fmt: skip
        asked: NewModel = replace(a_model(), features=features, reference=reference, policy={**QUIET, **policy})
        service.create_model(asked).result()

    def columns(self, rows: int, filled: float) -> dict[str, Any]:
        """Give incomes, of which a share is the median, and ages."""
        drawn = self.chance.normal(size=(2, rows))
        income = np.where(self.chance.random(rows) < filled, 0.01, drawn[0])
        return {"income": income, "age": drawn[1]}

    def send(self, windows: int, filled: float = 0.0, *, labelled: bool = False) -> list[str]:
        """Send rows window by window; give the types of all events."""
        for _ in range(windows):
            rows = np.arange(self.next, self.next + WINDOW)
            self.next += WINDOW
            ids, route, times_us = [f"p-{row}" for row in rows], self.service.route("m"), rows * MINUTE_US
            batch = RowsBatch(
                model="m", batch_id=ids[0], ids=ids, times_us=times_us, columns=self.columns(WINDOW, filled),
                outputs={route.champion: self.chance.uniform(size=WINDOW)}, served=np.zeros(WINDOW, dtype=np.uint8),
                generation=route.generation,
            )  # fmt: skip
            self.service.ingest(batch).result()
            if labelled:
                truth = (rows % 2).astype(float)
                told = LabelsBatch(model="m", batch_id=f"of-{ids[0]}", ids=ids, values=truth, times_us=times_us)
                self.service.ingest_labels(told).result()
        return [event.type for event in self.service.events("m", 0, 200)]


@pytest.fixture
def service() -> Iterator[Service]:
    with a_service() as made:
        yield made


def fact(service: Service, kind: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        next(event.payload for event in service.events("m", 0, 200) if event.type == kind) or b"{}"
    )
    return found


def test_a_shape_is_alarmed_named_confirmed_and_diagnosed_and_every_decision_derives_again(service: Service) -> None:
    world = World(service, SHAPES)
    calm = world.send(10)
    began = world.next

    told = world.send(40, FILLED)

    alarm, cause = fact(service, "alarm_raised"), fact(service, "diagnosis_made")
    assert "alarm_raised" not in calm
    assert (alarm["signal"], alarm["detector"]) == ("shape", "learned_cusum@1")
    assert alarm["subject"] == "income (shape: more in -0.136042 to 0.0176149)"
    assert began - 3 * WINDOW <= alarm["onset_row"] <= began + 10 * WINDOW
    assert "decline_confirmed" in told
    assert (cause["cause"], cause["causes"][0]["features"]) == ("covariate_drift", ["income"])
    found = service.verify()
    assert (found.failed, found.rederived) == (0, found.decisions)


def test_nobody_looks_for_shapes_by_default(service: Service) -> None:
    world = World(service, {"drift": {**SHAPES["drift"], "shapes": False}})

    assert "alarm_raised" not in world.send(40, FILLED)


def test_a_shape_that_comes_back_is_called_a_blip(service: Service) -> None:
    world = World(service, SHAPES)
    while "alarm_raised" not in world.send(1, 3 * FILLED):
        pass

    told = world.send(10)

    assert told[-2:] == ["alarm_cleared", "state_changed"]
    assert service.verify().failed == 0


def test_where_labels_tell_what_drift_costs_a_shape_is_noted_once_and_moves_nothing(service: Service) -> None:
    world = World(service, {"drift": {**SHAPES["drift"], "alarms": "without_labels"}})

    told = world.send(40, FILLED, labelled=True)

    note = fact(service, "drift_noted")
    assert (told.count("drift_noted"), "alarm_raised" in told) == (1, False)
    assert note["subject"].startswith("income (shape: more in")
    assert service.verify().failed == 0
