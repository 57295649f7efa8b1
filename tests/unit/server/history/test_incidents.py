"""Incidents as scenarios of the machine tell them: when they began, what was done, how long it took."""

from __future__ import annotations

from typing import Any

import pytest

from server.history.folding import Step
from server.history.incidents import Incidents
from tests.fixtures.steps import of_lines, of_scenario

HOUR, DAY = 3_600.0, 86_400.0


def told(steps: list[Step], from_us: int | None = None, onset_us: int | None = None) -> list[dict[str, Any]]:
    heard = Incidents(lambda _: onset_us)
    for step in steps:
        heard.take(step)
    return heard.told(from_us)


def only(name: str) -> dict[str, Any]:
    (found,) = told(of_scenario(name))
    return found


def rows(incident: dict[str, Any]) -> dict[str, int | None]:
    return {name: time["rows"] for name, time in incident["times"].items()}


def seconds(incident: dict[str, Any]) -> dict[str, float | None]:
    return {name: time["seconds"] for name, time in incident["times"].items()}


def test_a_lasting_decline_is_told_from_onset_to_promotion_with_its_times() -> None:
    found = only("lasting_decline")

    assert (found["open"], found["outcome"], found["cause"]) == (False, "promoted", "concept_change")
    assert (found["onset"]["row"], found["detected"]["row"], found["confirmed"]["row"]) == (1340, 1200, 1300)
    assert (rows(found)["to_confirm"], rows(found)["to_restore"]) == (100, 1500)
    assert seconds(found) == {"to_detect": None, "to_confirm": HOUR, "to_restore": HOUR + 300 + 4 * DAY}


def test_each_step_of_a_remedy_is_told_by_its_event() -> None:
    steps = of_scenario("lasting_decline")
    types = {step.recorded.position: step.recorded.type for step in steps}
    (found,) = told(steps)
    (remedy,) = found["remedies"]

    events = ("started", "proposed", "trained", "judged", "canary", "promoted")
    assert {what: types[remedy[what]["position"]] for what in events} == {
        "started": "remediation_started", "proposed": "scope_proposed", "trained": "candidate_trained",
        "judged": "gates_judged", "canary": "state_changed", "promoted": "promotion_confirmed",
    }  # fmt: skip
    assert [one["exposure_bp"] for one in remedy["exposures"]] == [500, 2500, 10000]
    assert (found["remedy_proposed"], found["canary"]) == (remedy["proposed"], remedy["canary"])


def test_each_diagnosis_is_told_and_the_latest_is_the_cause() -> None:
    found = only("explained_anew")

    assert (found["cause"], found["diagnosed"]["cause"]) == ("concept_change", "concept_change")
    assert [(one["row"], one["cause"]) for one in found["diagnoses"]] == [(1400, "serving"), (1600, "concept_change")]


def test_where_the_feed_knows_the_onset_the_time_to_detect_is_told_in_seconds() -> None:
    (found,) = told(of_lines("register", "+1h alarm loss onset=1100"), onset_us=1_000_000)

    assert found["times"]["to_detect"] == {"seconds": HOUR - 1, "rows": 100}


def test_a_blip_is_over_when_it_is_cleared_and_the_next_alarm_is_another_incident() -> None:
    first, second = told(of_scenario("blip"))

    assert [one["outcome"] for one in (first, second)] == ["blip", "blip"]
    assert (first["number"], second["number"], second["subject"]) == (1, 2, "age")
    assert (first["confirmed"], seconds(first)["to_restore"]) == (None, HOUR)


def test_a_candidate_that_did_harm_leaves_the_incident_open_with_the_next_remedy_under_way() -> None:
    found = only("harm_then_relapse")

    assert (found["open"], found["restored"], found["outcome"]) == (True, None, "")
    assert [remedy.get("turned_back", {}).get("reason") for remedy in found["remedies"]] == ["HARM", None]
    assert seconds(found)["to_restore"] is None


def test_a_fallback_is_told_with_the_escalations_before_it() -> None:
    found = only("ladder_with_fallback")

    assert [(one.get("level"), one["reason"]) for one in found["escalations"]] == [
        (1, "CONFIRMED"), (2, "CONFIRMED"), (None, "FALLBACK"),
    ]  # fmt: skip
    assert (found["outcome"], found["escalations"][-1]["serves"]) == ("rolled_back", "v1")
    assert found["remedies"] == []


def test_a_doubt_that_nobody_resolved_counts_as_confirmed_and_says_how() -> None:
    found = only("unresolved_tier_1")

    assert (found["confirmed"]["by"], found["open"]) == ("unresolved", True)


@pytest.mark.parametrize(
    ("lines", "people"),
    [
        (("hold", "release"), ["held", "released"]),
        (("freeze", "unfreeze"), ["frozen", "unfrozen"]),
    ],
)
def test_what_people_did_is_part_of_the_incident(lines: tuple[str, str], people: list[str]) -> None:
    (found,) = told(of_lines("register", "alarm loss", *lines))

    assert [one["order"] for one in found["people"]] == people


@pytest.mark.parametrize("name", ["improvement", "policy_change"])
def test_a_change_of_a_healthy_model_is_no_incident(name: str) -> None:
    assert told(of_scenario(name)) == []


def test_a_model_that_is_retired_closes_its_incident() -> None:
    (found,) = told(of_lines("register", "alarm loss", "confirm loss", "retire"))

    assert (found["open"], found["outcome"]) == (False, "retired")


def test_incidents_that_ended_before_a_period_are_left_out_and_numbers_stay() -> None:
    steps = of_scenario("blip")
    second = told(steps)[1]

    assert told(steps, from_us=second["detected"]["at_us"]) == [second]


def test_every_alarm_of_every_scenario_belongs_to_one_incident() -> None:
    for name in ("lasting_decline", "blip", "silence", "quality_repaired", "regret", "ladder_without_fallback"):
        steps = of_scenario(name)
        alarms = [step.recorded.position for step in steps if step.recorded.type == "alarm_raised"]

        assert [one["detected"]["position"] for one in told(steps)] == alarms


def test_what_is_alarmed_or_noted_within_an_incident_is_told_beside_it_and_the_later_alarm_dates_it() -> None:
    found = only("regret_overtaken")

    assert (found["signal"], found["onset"]["row"]) == ("regret", 1850)
    assert [(one["signal"], one["subject"], one["onset_row"]) for one in found["beside"]] == [
        ("drift", "Light", 1450), ("loss", "", 1850), ("drift", "CO2", 2250), ("loss", "v1", 2350),
    ]  # fmt: skip


def test_what_is_noted_of_a_healthy_model_is_no_incident_and_stands_beside_one_that_began_before_it() -> None:
    assert told(of_lines("register", "drift Light", "moved v1")) == []

    (found,) = told(of_lines("register", "drift Light", "drift CO2", "moved v1", "alarm loss onset=1250"))

    assert [(one["signal"], one["subject"]) for one in found["beside"]] == [("drift", "CO2"), ("loss", "v1")]
