"""What the service expects rows to cost whose labels have not come."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from server.requests import Categories, Floats, ReferenceRows, RowsBatch
from server.service import Service
from tests.fixtures.services import MINUTE_US, a_model, a_service

PAST, ROWS, WINDOW = 2_000, 1_500, 100
RISEN = {"name": "risen", "when": "loss.estimated_up > 0.5 && loss.estimated_error < 0.1 && loss.estimated > 0.15"}


class World:
    """A model under watch, whose rows come without labels; the further `x` is from 2, the surer it is."""

    def __init__(self, service: Service, *, task: str, metric: str) -> None:
        self.service, self.task = service, task
        self.chance, self.next = np.random.default_rng(5), PAST
        x, outputs, labels = self.draw(PAST, 0.0)
        reference = ReferenceRows(
            columns=self.columns(x), labels=labels, outputs=outputs, times_us=np.arange(PAST) * MINUTE_US
        )
        policy: dict[str, Any] = {
            "conditions": [RISEN],
            "drift": {"alarms": "never"},
            "quality": {"alarms": "never"},
            "regret": {"every": 0},
        }
        asked = replace(a_model(), task=task, metric=metric, reference=reference, policy=policy)
        service.create_model(asked).result()

    def draw(self, count: int, shift: float) -> tuple[Floats, Floats, Floats]:
        """Draw rows, what the model says of them, and what is true."""
        x = self.chance.normal(shift, size=count)
        if self.task == "regression":
            return x, x, x + self.chance.normal(size=count) * np.where(x > 1, 4.0, 0.5)
        outputs = 1 / (1 + np.exp(2 * (x - 2)))
        return x, outputs, (self.chance.uniform(size=count) < outputs).astype(float)

    def columns(self, x: Floats) -> dict[str, Floats | Categories]:
        """Give the columns of rows."""
        words = Categories(dictionary=["red", "green"], codes=(np.arange(len(x)) % 2).astype(np.int32))
        return {"x": x, "colour": words}

    def send(self, shift: float) -> float:
        """Send rows without labels, window by window; give what they will turn out to cost."""
        drawn = [self.draw(WINDOW, shift) for _ in range(ROWS // WINDOW)]
        for x, outputs, _ in drawn:
            self.service.ingest(self.batch(x, outputs)).result()
        outputs, labels = (np.concatenate([one[i] for one in drawn]) for i in (1, 2))
        wrong = np.abs(outputs - labels) if self.task == "regression" else (outputs >= 0.5) != labels
        return float(wrong.mean())

    def batch(self, x: Floats, outputs: Floats) -> RowsBatch:
        """Give the next rows."""
        numbers = np.arange(self.next, self.next + len(x))
        self.next += len(x)
        ids, route = [f"p-{number}" for number in numbers], self.service.route("m")
        return RowsBatch(
            model="m", batch_id=ids[0], ids=ids, times_us=numbers * MINUTE_US, columns=self.columns(x),
            outputs={route.champion: outputs}, served=np.zeros(len(x), dtype=np.uint8), generation=route.generation,
        )  # fmt: skip

    def estimated(self) -> list[float]:
        """Give what the windows that came are expected to cost, in units of loss."""
        watch = self.service.store.read(lambda reader: self.service.desk.watch(reader, "m"))
        return [one.estimate.loss * watch.unit for one in watch.windows if one.estimate is not None]


@pytest.fixture
def service() -> Iterator[Service]:
    """Give a service with nothing in it."""
    with a_service() as found:
        yield found


@pytest.mark.parametrize(("task", "metric"), [("binary", "accuracy"), ("regression", "mae")])
def test_the_estimate_follows_the_loss_that_a_shift_of_features_raises(
    service: Service, task: str, metric: str
) -> None:
    world = World(service, task=task, metric=metric)
    calm = world.send(0.0)
    before = world.estimated()

    shifted = world.send(1.5)

    after = world.estimated()[-len(before) // 2 :]
    assert np.mean(before) == pytest.approx(calm, rel=0.2)
    assert np.mean(after) == pytest.approx(shifted, rel=0.2)
    assert shifted > 2 * calm


def test_a_condition_on_the_estimate_raises_and_confirms_an_alarm_while_no_label_has_come(service: Service) -> None:
    world = World(service, task="binary", metric="accuracy")
    world.send(0.0)
    calm = [event.type for event in service.events("m", 0, 100)]

    world.send(1.5)

    events = service.events("m", 0, 100)
    found = service.explain("m", next(event.position for event in events if event.type == "alarm_raised"))
    assert "alarm_raised" not in calm
    assert "decline_confirmed" in [event.type for event in events]
    assert (found.judge, found.equal) == ("conditions@1", True)
    assert found.inputs["looks"][-1]["signals"]["loss.estimated_up"] > 0.5


def test_ranks_are_estimated_as_what_lacks_to_an_area_of_one(service: Service) -> None:
    world = World(service, task="binary", metric="roc_auc")

    world.send(0.0)

    assert world.estimated() == pytest.approx([0.13] * len(world.estimated()), abs=0.08)
    assert world.estimated()
