"""A model whose policy declares segments: each is watched by itself, on record."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from server.errors import Invalid
from server.reactions.segments import by_window, named_in
from server.requests import Categories, LabelsBatch, NewModel, ReferenceRows, RowsBatch
from server.service import Service
from statemachine.health import ModelHealth
from statemachine.policies.policy import Policy
from tests.fixtures.blocks import a_block
from tests.fixtures.services import MINUTE_US, a_model, a_service

PAST, WINDOW = 1_200, 60
REGIONS = ["south", "east", "north"]
SHARES = (0.6, 0.32, 0.08)
BY_REGION = {"splits": [{"name": "region", "column": "region"}]}
QUIET: dict[str, Any] = {
    "drift": {"alarms": "never"}, "quality": {"alarms": "never"}, "regret": {"every": 0},
    "timers": {"silence_seconds": 1e9},
}  # fmt: skip


class World:
    """A model under watch that is wrong now and then, and, where it is asked for, in one region more often."""

    def __init__(self, service: Service, policy: dict[str, Any]) -> None:
        self.service, self.chance, self.next = service, np.random.default_rng(2), PAST
        where = self.where(PAST)
        labels = self.labels(where, {})
        reference = ReferenceRows(
            columns=self.columns(where), labels=labels, outputs=np.full(PAST, 0.9), times_us=np.arange(PAST) * MINUTE_US
        )
        features = [
            {"name": "age", "kind": "numeric", "categories": []},
            {"name": "region", "kind": "categorical", "categories": []},
        ]
        self.asked: NewModel = replace(a_model(), features=features, reference=reference, policy={**QUIET, **policy})
        service.create_model(self.asked).result()

    def where(self, rows: int) -> np.typing.NDArray[np.int32]:
        """Draw regions."""
        return self.chance.choice(len(REGIONS), size=rows, p=SHARES).astype(np.int32)

    def columns(self, where: np.typing.NDArray[np.int32], older: float = 0.0) -> dict[str, Any]:
        """Give the columns of rows in these regions; those of the north may be older than they were."""
        ages = self.chance.uniform(20, 80, len(where)) + older * (where == REGIONS.index("north"))
        return {"age": ages, "region": Categories(dictionary=REGIONS, codes=where)}

    def labels(self, where: np.typing.NDArray[np.int32], wrong: dict[str, float]) -> np.typing.NDArray[np.float64]:
        """Draw what turns out to be true of answers that are all yes: no in one of five, and where they are *wrong*."""
        rates = np.array([wrong.get(region, 0.2) for region in REGIONS])[where]
        return (self.chance.random(len(where)) >= rates).astype(float)

    def send(self, windows: int, older: float = 0.0, **wrong: float) -> list[str]:
        """Send rows and labels, window by window; give the types of all events."""
        for _ in range(windows):
            rows, where = np.arange(self.next, self.next + WINDOW), self.where(WINDOW)
            self.next += WINDOW
            ids, route, times_us = [f"p-{row}" for row in rows], self.service.route("m"), rows * MINUTE_US
            batch = RowsBatch(
                model="m", batch_id=ids[0], ids=ids, times_us=times_us, columns=self.columns(where, older),
                outputs={route.champion: np.full(WINDOW, 0.9)}, served=np.zeros(WINDOW, dtype=np.uint8),
                generation=route.generation,
            )  # fmt: skip
            self.service.ingest(batch).result()
            truth = LabelsBatch(
                model="m", batch_id=f"of-{ids[0]}", ids=ids, values=self.labels(where, wrong), times_us=times_us
            )
            self.service.ingest_labels(truth).result()
        return [event.type for event in self.service.events("m", 0, 200)]

    def fall_ill(self) -> None:
        """Send windows in which all is well, then some in which the north is not, until there is an alarm."""
        self.send(15)
        while "alarm_raised" not in self.send(1, north=0.8):
            assert self.next < PAST + 60 * WINDOW

    def update(self, policy: dict[str, Any]) -> None:
        """Give the model another policy."""
        self.service.update_model("m", "", None, None, json.dumps({**QUIET, **policy})).result()


@pytest.fixture
def service() -> Iterator[Service]:
    """Give a service with nothing in it."""
    with a_service() as found:
        yield found


def fact(service: Service, kind: str) -> dict[str, Any]:
    """Give the first event of this kind."""
    first = next(event for event in service.events("m", 0, 200) if event.type == kind)
    found: dict[str, Any] = json.loads(first.payload or b"")
    return found


def test_a_decline_in_one_segment_is_found_named_and_confirmed_and_all_of_it_derives_again(service: Service) -> None:
    world = World(service, {"segments": BY_REGION})
    calm = world.send(15)
    began = world.next

    world.send(40, north=0.8)

    told = [event.type for event in service.events("m", 0, 200)]
    alarm = fact(service, "alarm_raised")
    cause = fact(service, "diagnosis_made")
    assert "alarm_raised" not in calm
    assert (alarm["signal"], alarm["subject"], alarm["detector"]) == (
        "segment", "region=north", "segment_shiryaev_roberts@1",
    )  # fmt: skip
    assert abs(alarm["onset_row"] - began) <= 4 * WINDOW
    assert "decline_confirmed" in told
    [local] = [one for one in cause["causes"] if one["kind"] == "segment"]
    assert local["note"].startswith("region=north: loss ")
    found = service.verify()
    assert (found.failed, found.rederived) == (0, found.decisions)


def test_the_same_rows_raise_nothing_by_then_where_no_segment_is_declared(service: Service) -> None:
    world = World(service, {"segments": BY_REGION})
    world.fall_ill()
    with a_service() as other:
        twin = World(other, {})

        twin.send(15)
        told = twin.send((world.next - twin.next) // WINDOW, north=0.8)

    assert "alarm_raised" not in told


def test_a_decline_that_passes_is_called_a_blip(service: Service) -> None:
    world = World(service, {"segments": BY_REGION})
    world.fall_ill()

    told = world.send(12)

    assert told[-2:] == ["alarm_cleared", "state_changed"]


def test_segments_may_be_declared_later_and_raise_no_suspicion_where_that_is_asked_for(service: Service) -> None:
    world = World(service, {})
    world.send(15, north=0.8)

    world.update({"segments": {**BY_REGION, "alarms": "never"}})
    silent = world.send(10, north=0.8)
    world.update({"segments": BY_REGION})
    world.send(10, north=0.8)

    assert "alarm_raised" not in silent
    assert fact(service, "alarm_raised")["subject"] == "region=north"


def test_conditions_may_ask_for_segments(service: Service) -> None:
    worst = {"name": "worst", "when": "segment.up > 0.2 && segment.log_evidence > 3.0"}
    world = World(service, {"segments": {**BY_REGION, "alarms": "never"}, "conditions": [worst]})
    calm = world.send(15)

    world.send(20, north=0.8)

    assert "alarm_raised" not in calm
    assert fact(service, "alarm_raised")["subject"] == "worst"
    assert service.verify().failed == 0


@pytest.mark.parametrize(("blocks", "windows"), [(9, []), (10, [0]), (19, [9]), (20, [0, 10])])
def test_windows_of_blocks_are_whole_and_counted_from_the_newest(blocks: int, windows: list[int]) -> None:
    health = ModelHealth(policy=Policy.from_json({"windows": {"blocks": 10}}))

    found = by_window([a_block(row) for row in range(blocks)], health)

    assert [[one.first_row for one in some] for some in found] == [[*range(row, row + 10)] for row in windows]


DRIFTING = {"drift": {"alarms": "always"}, "segments": {**BY_REGION, "drift": True}}


def test_drift_within_a_segment_is_found_named_and_confirmed_and_derives_again(service: Service) -> None:
    """The ages of the north, 8 % of the rows, rise by one standard deviation; the whole moves by a twelfth of that."""
    world = World(service, DRIFTING)
    calm = world.send(15)
    began = world.next

    told = world.send(25, older=17.0)

    alarm, cause = fact(service, "alarm_raised"), fact(service, "diagnosis_made")
    assert "alarm_raised" not in calm
    assert (alarm["signal"], alarm["subject"]) == ("segment_drift", "region=north: age")
    assert abs(alarm["onset_row"] - began) <= 6 * WINDOW
    assert "decline_confirmed" in told
    assert "in region=north" in cause["causes"][0]["note"]
    assert (cause["cause"], cause["causes"][0]["features"]) == ("covariate_drift", ["age"])
    found = service.verify()
    assert (found.failed, found.rederived) == (0, found.decisions)


def test_drift_within_a_segment_is_not_looked_for_by_default(service: Service) -> None:
    world = World(service, {**DRIFTING, "segments": BY_REGION})

    assert "alarm_raised" not in world.send(25, older=17.0)


def test_a_condition_may_ask_for_drift_in_segments(service: Service) -> None:
    moved = {"name": "moved", "when": "segment.drift_log_evidence > 8.0"}
    world = World(service, {**DRIFTING, "drift": {"alarms": "never"}, "conditions": [moved]})
    calm = world.send(15)

    world.send(20, older=17.0)

    assert "alarm_raised" not in calm
    assert fact(service, "alarm_raised")["subject"] == "moved"


@pytest.mark.parametrize(
    ("split", "told"),
    [
        ({"column": "city"}, r"splits\[0\].column: 'city' is no feature; accepted are age, region"),
        (
            {"column": "region", "values": ["north", "west"]},
            r"values\[1\]: 'west' is no category .* accepted are east, north, south",
        ),
        ({"column": "region", "edges": [1]}, r"edges: 'region' is no number; values are accepted"),
        ({"column": "age"}, r"edges: 'age' is a number \(numeric\); one or more edges are accepted"),
        ({"column": "age", "edges": [30, 20]}, r"edges\[1\]: 20.0 is not accepted"),
        ({"column": "age", "edges": [*range(16)]}, r"17 segments are not accepted; 16 over all splits are"),
        ({"column": "age", "edges": [1], "values": ["x"]}, r"values and edges are both given"),
    ],
)
def test_a_split_that_cannot_be_is_refused_by_its_place(service: Service, split: dict[str, Any], told: str) -> None:
    world = World(service, {})

    with pytest.raises(Invalid, match=told):
        world.update({"segments": {"splits": [{"name": "s", **split}]}})


def test_more_categories_than_are_watched_are_refused_with_their_number(service: Service) -> None:
    asked = World(service, {}).asked
    words = [f"w{i}" for i in range(17)]
    features = [asked.features[0], {**asked.features[1], "categories": words + REGIONS}]

    policy = {"segments": BY_REGION}
    with pytest.raises(Invalid, match="20 segments are not accepted; 16 over all splits are, such as by fewer values"):
        service.create_model(replace(asked, name="n", request_id="n", features=features, policy=policy)).result()


@pytest.mark.parametrize(("subject", "named"), [("x: y: age", "x: y"), ("x: age", "x"), ("z: age", ""), ("x", "")])
def test_a_subject_is_about_the_segment_that_it_names_whole(subject: str, named: str) -> None:
    assert named_in(subject, ("x", "x: y")) == named
