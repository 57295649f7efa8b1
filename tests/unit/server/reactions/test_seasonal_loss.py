"""A model whose policy names seasons of its loss: each row is held against what its own season cost, on record."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from monitoring.profiles.seasons import DAY_US
from server.requests import LabelsBatch, ReferenceRows, RowsBatch
from server.service import Service
from tests.fixtures.services import a_model, a_service

PACE_US, PAST, WINDOW = DAY_US // 10, 3_650, 100  #: ten rows a day, a year, ten days
QUIET: dict[str, Any] = {
    "windows": {"rows": WINDOW}, "drift": {"alarms": "never"}, "quality": {"alarms": "never"}, "regret": {"every": 0},
    "timers": {"silence_seconds": 1e9},
}  # fmt: skip


class World:
    """A model that is wrong more often in the first quarter of each year."""

    def __init__(self, service: Service, seasons: list[str], past: int = PAST) -> None:
        self.service, self.chance, self.next, self.route = service, np.random.default_rng(4), past, None
        rows = np.arange(past)
        features = [{"name": "x", "kind": "numeric", "categories": []}]
        reference = ReferenceRows(
            columns={"x": self.told(rows)}, labels=self.labels(rows, 0.0), outputs=np.full(past, 0.9),
            times_us=rows * PACE_US,
        )  # fmt: skip
        policy = {**QUIET, "loss": {"seasons": seasons}}
        service.create_model(replace(a_model(), features=features, reference=reference, policy=policy)).result()

    def hard(self, rows: np.typing.NDArray[np.int64]) -> np.typing.NDArray[np.bool_]:
        """Say which rows are of the first quarter."""
        return np.asarray((rows * PACE_US // DAY_US) % 365 < 90)

    def told(self, rows: np.typing.NDArray[np.int64]) -> np.typing.NDArray[np.float64]:
        """Draw a number that tells the hard quarter from the others."""
        return np.asarray(self.chance.normal(size=len(rows)) + 2 * self.hard(rows))

    def labels(self, rows: np.typing.NDArray[np.int64], more: float) -> np.typing.NDArray[np.float64]:
        """Draw what turns out to be true of answers that are all yes."""
        hard = self.hard(rows)
        return (self.chance.random(len(rows)) >= 0.1 + 0.3 * hard + more).astype(float)

    def send(self, windows: int, more: float = 0.0) -> list[str]:
        """Send rows and labels, window by window; give the types of all events."""
        for _ in range(windows):
            rows = np.arange(self.next, self.next + WINDOW)
            self.next += WINDOW
            ids, route, times_us = [f"p-{row}" for row in rows], self.service.route("m"), rows * PACE_US
            batch = RowsBatch(
                model="m", batch_id=ids[0], ids=ids, times_us=times_us,
                columns={"x": self.told(rows)}, outputs={route.champion: np.full(WINDOW, 0.9)},
                served=np.zeros(WINDOW, dtype=np.uint8), generation=route.generation,
            )  # fmt: skip
            self.service.ingest(batch).result()
            values = self.labels(rows, more)
            truth = LabelsBatch(model="m", batch_id=f"of-{ids[0]}", ids=ids, values=values, times_us=times_us)
            self.service.ingest_labels(truth).result()
        return [event.type for event in self.service.events("m", 0, 200)]


@pytest.fixture
def service() -> Iterator[Service]:
    """Give a service with nothing in it."""
    with a_service() as found:
        yield found


def test_a_hard_season_raises_an_alarm_only_where_the_policy_knows_no_seasons(service: Service) -> None:
    seasonal = World(service, ["month"]).send(20)
    with a_service() as other:
        plain = World(other, []).send(20)

    assert "alarm_raised" not in seasonal
    assert "alarm_raised" in plain


def test_a_rise_within_a_hard_season_is_confirmed_and_derives_again(service: Service) -> None:
    world = World(service, ["month"])

    told = world.send(9, more=0.25)

    assert "decline_confirmed" in told
    found = service.verify()
    assert (found.failed, found.rederived) == (0, found.decisions)


def test_a_season_that_the_reference_has_not_seen_says_nothing(service: Service) -> None:
    """The reference ends with August; what is wrong in all of autumn is held against nothing."""
    world = World(service, ["month"], past=2_430)

    assert "alarm_raised" not in world.send(11, more=0.85)


@pytest.mark.parametrize(("seasons", "cause"), [([], "label_shift"), (["month"], "concept_change")])
def test_a_season_is_no_cause_where_it_is_compared_with_itself(
    service: Service, seasons: list[str], cause: str
) -> None:
    world = World(service, seasons)
    world.send(9, more=0.25)

    found = next(event for event in service.events("m", 0, 200) if event.type == "diagnosis_made")

    assert json.loads(found.payload or b"")["cause"] == cause
