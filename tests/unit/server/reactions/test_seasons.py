"""A model whose policy asks for seasons: its rows are held against those of their own hour, on record."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import orjson
import pytest

from server.errors import Invalid
from server.requests import Categories, Floats, ReferenceRows, RowsBatch
from server.service import Service
from statemachine.policies.sections import SEASONS
from tests.fixtures.services import MINUTE_US, a_model, a_service

PAST, WINDOW, PACE_US = 2_400, 120, 6 * MINUTE_US  #: ten days, half a day
DAY_US = 1_440 * MINUTE_US
SHIFT = 0.7  #: of the noise, a third of the swing
HOURS = {"seasons": ["hour"]}


class World:
    """A model under watch, whose feature swings with the hour; its rows come without labels."""

    def __init__(self, service: Service, drift: dict[str, Any]) -> None:
        self.service, self.chance, self.next = service, np.random.default_rng(3), PAST
        rows = np.arange(PAST)
        reference = ReferenceRows(
            columns=self.columns(rows, 0.0), labels=(rows % 2).astype(float), outputs=np.full(PAST, 0.5),
            times_us=rows * PACE_US,
        )  # fmt: skip
        policy = {
            "drift": {"alarms": "always", **drift}, "quality": {"alarms": "never"}, "regret": {"every": 0},
            "timers": {"silence_seconds": 1e9},
        }  # fmt: skip
        service.create_model(replace(a_model(), reference=reference, policy=policy)).result()

    def columns(self, rows: np.typing.NDArray[np.int64], shift: float) -> dict[str, Floats | Categories]:
        """Draw the columns of rows with these numbers."""
        words = Categories(dictionary=["red", "green"], codes=(rows % 2).astype(np.int32))
        swing = 2 * np.sin(2 * np.pi * rows * PACE_US / DAY_US)
        return {"x": swing + shift + self.chance.normal(size=len(rows)), "colour": words}

    def send(self, windows: int, shift: float = 0.0) -> list[str]:
        """Send rows, window by window; give the types of all events."""
        for _ in range(windows):
            rows = np.arange(self.next, self.next + WINDOW)
            self.next += WINDOW
            ids, route = [f"p-{row}" for row in rows], self.service.route("m")
            batch = RowsBatch(
                model="m", batch_id=ids[0], ids=ids, times_us=rows * PACE_US, columns=self.columns(rows, shift),
                outputs={route.champion: np.full(WINDOW, 0.5)}, served=np.zeros(WINDOW, dtype=np.uint8),
                generation=route.generation,
            )  # fmt: skip
            self.service.ingest(batch).result()
        return [event.type for event in self.service.events("m", 0, 100)]

    def reference(self) -> dict[str, Any]:
        """Give what is compared with, as it stands on record."""
        found: dict[str, Any] = self.service.store.read(
            lambda reader: orjson.loads(reader.evidence(self.service.desk.health(reader, "m").reference_sha256))
        )
        return found


@pytest.fixture
def service() -> Iterator[Service]:
    """Give a service with nothing in it."""
    with a_service() as found:
        yield found


def test_a_shift_on_top_of_a_swing_is_confirmed_from_evidence_by_hour_which_derives_again(service: Service) -> None:
    world = World(service, HOURS)
    calm = world.send(20)

    world.send(8, shift=SHIFT)

    told = {event.type: event for event in service.events("m", 0, 100)}
    alarm, confirmed = (service.explain("m", told[one].position) for one in ("alarm_raised", "decline_confirmed"))
    assert "alarm_raised" not in calm
    assert (alarm.judge, alarm.equal, confirmed.judge, confirmed.equal) == ("drift@3", True, "drift@3", True)
    assert alarm.verdict["subject"] == "x"
    cells = alarm.inputs["windows"][0]["cells"]
    assert sum(one["rows"] for one in cells) == WINDOW
    assert {one["cell"][0] for one in cells} in ({*range(12)}, {*range(12, 24)})
    stated = alarm.inputs["assumptions"]
    assert (stated["seasons"], stated["cells"], stated["least_cell_rows"]) == (["hour"], 24, 100)


def test_without_seasons_the_swing_hides_it(service: Service) -> None:
    world = World(service, {})

    assert "alarm_raised" not in world.send(8, shift=SHIFT)
    assert "seasons" not in world.reference()


def test_a_policy_that_gives_seasons_up_is_judged_by_the_whole_reference_again(service: Service) -> None:
    world = World(service, HOURS)
    service.update_model("m", "", None, None, json.dumps({"drift": {"alarms": "always"}})).result()

    assert "alarm_raised" not in world.send(8, shift=SHIFT)


def test_rows_of_a_month_that_the_reference_has_not_seen_raise_nothing(service: Service) -> None:
    world = World(service, {"seasons": ["month"]})
    world.next += 25 * 240  # the reference ends on the tenth of January; these are of February

    assert "alarm_raised" not in world.send(6, shift=9.0)


@pytest.mark.parametrize(
    ("registered", "asked", "accepted"),
    [
        ({}, HOURS, "hour (UTC+0 minutes) is not accepted; none is: they are counted when a model is registered"),
        (HOURS, {"seasons": ["weekday"]}, "weekday (UTC+0 minutes) is not accepted; none is, or hour (UTC+0 minutes)"),
        (HOURS, {**HOURS, "utc_offset_minutes": 60}, "hour (UTC+60 minutes) is not accepted; none is, or hour (UTC+0"),
    ],
)
def test_seasons_that_a_reference_was_not_counted_by_are_refused(
    service: Service, registered: dict[str, Any], asked: dict[str, Any], accepted: str
) -> None:
    World(service, registered)

    with pytest.raises(Invalid) as refused:
        service.update_model("m", "", None, None, json.dumps({"drift": asked})).result()

    assert f"policy_json: drift.seasons: {accepted}" in str(refused.value)


def test_seasons_stay_through_a_change_of_something_else(service: Service) -> None:
    World(service, HOURS)

    view = service.update_model("m", "", None, None, json.dumps({"tier": 2, "drift": HOURS})).result()

    assert (view.policy["tier"], view.policy["drift"]["seasons"]) == (2, ["hour"])


def test_an_unknown_season_is_refused_with_those_that_are_known(service: Service) -> None:
    with pytest.raises(Invalid) as refused:
        World(service, {"seasons": ["fortnight"]})

    assert f"drift.seasons[0]: 'fortnight' is not accepted; one of {', '.join(SEASONS)} is" in str(refused.value)


def test_seasons_of_which_none_has_rows_enough_are_refused(service: Service) -> None:
    with pytest.raises(Invalid) as refused:
        World(service, {"seasons": ["weekday", "hour"]})

    told = "no season of hour, weekday (UTC+0 minutes) has 50 rows in the reference; fewer seasons are accepted"
    assert f"model.policy_json: drift.seasons: {told}" in str(refused.value)


@pytest.mark.parametrize("kept", [4, 1, 0])
def test_sums_of_features_are_held_against_their_season_too_and_fewer_of_them_may_be_asked_for(
    service: Service, kept: int
) -> None:
    world = World(service, {**HOURS, "projections": 4})
    drift = {"alarms": "always", **HOURS, "projections": kept}
    service.update_model("m", "", None, None, json.dumps({"drift": drift})).result()
    calm = world.send(8)

    world.send(6, shift=SHIFT)

    alarm = next(event for event in service.events("m", 0, 100) if event.type == "alarm_raised")
    found = service.explain("m", alarm.position)
    assert "alarm_raised" not in calm
    assert (found.judge, found.equal) == ("drift@3", True)
    sums = len(world.reference()["projections"]["each"])
    assert sums >= 1
    assert len(found.inputs["assumptions"]["dispersion"]) == 3 + min(kept, sums)


def test_windows_tell_how_far_features_are_from_their_season(service: Service) -> None:
    world = World(service, HOURS)
    world.send(1)
    in_season = service.windows("m", 1)[0].features[0].standing
    service.update_model("m", "", None, None, "{}").result()

    plain = service.windows("m", 1)[0].features[0].standing

    assert (in_season.name, plain.name) == ("x", "x")
    assert 2 * in_season.sizes["ks"] < plain.sizes["ks"]


def test_windows_of_seasons_that_nobody_knows_tell_of_no_change(service: Service) -> None:
    world = World(service, {"seasons": ["month"]})
    world.next += 25 * 240
    world.send(1, shift=9.0)

    found = service.windows("m", 1)[0].features[0]

    assert (found.standing.log_evidence, found.standing.sizes["ks"]) == (0.0, 0.0)
    assert found.mean is not None
    assert found.mean > 8
