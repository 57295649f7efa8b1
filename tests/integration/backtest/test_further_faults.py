"""Faults that no count tells, through the whole service: what is told of them, derived again, and not trained on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from statemachine.policies.sections import FAULTS
from tests.fixtures.faults import PLANTED, REFERENCE, STATIONS, lived, planted

WINDOW = REFERENCE // 20
SEED = 3  #: a world in which the unit is known by the second window, and so by the time of the diagnosis
TOLD = [
    ("code", "sentinel in a (0.5 in "),
    ("fahrenheit", "unit in a (degrees Celsius to Fahrenheit)"),
    ("spikes", "far above all that is known)"),
]


def notes(events: list[dict[str, Any]]) -> str:
    """Give what all diagnoses say of their causes."""
    made = [event["payload"]["causes"] for event in events if event["type"] == "diagnosis_made"]
    return "; ".join(cause["note"] for causes in made for cause in causes)


@pytest.mark.parametrize(("fault", "told"), TOLD)
def test_a_fault_is_told_of_starts_no_retraining_and_is_derived_again(fault: str, told: str) -> None:
    events, audit = lived(planted(fault, SEED), quality={"looks_for": list(FAULTS)})

    alarm = next(event["payload"] for event in events if event["type"] == "alarm_raised")
    assert (alarm["signal"], alarm["subject"], alarm["detector"][-2:]) == ("quality", "a", "@2")
    assert told in notes(events)
    assert not [event for event in events if event["type"] == "remediation_started"]
    assert (audit.rederived, audit.failures) == (audit.decisions, [])
    assert audit.decisions >= 3


@pytest.mark.parametrize(("fault", "told"), TOLD)
def test_a_policy_that_does_not_look_for_a_fault_hears_nothing_of_it(fault: str, told: str) -> None:
    events, audit = lived(planted(fault, SEED), quality={"looks_for": []})

    assert told not in notes(events)
    assert (audit.rederived, audit.failures) == (audit.decisions, [])


def test_one_absurd_row_is_noted_once_and_raises_no_suspicion() -> None:
    events, audit = lived(planted("spike", SEED))

    told = [event for event in events if event["type"] in {"fault_noted", "alarm_raised", "remediation_started"}]
    assert [event["type"] for event in told] == ["fault_noted"]
    fault = told[0]["payload"]
    assert (fault["subject"], fault["detector"], fault["onset_row"]) == ("a", "quality_absurd@2", PLANTED)
    assert fault["rows"] == 1
    assert (audit.rederived, audit.failures) == (audit.decisions, [])


def test_a_rule_that_rows_break_is_a_fault_by_its_name_and_starts_no_retraining() -> None:
    rules = [{"name": "near", "must": "a < b + 20.0"}, {"name": "kept", "must": "c < d + 100.0"}]
    blind = {"looks_for": [], "extra_share": 0.95}  # to what tells of a column alone
    events, audit = lived(planted("shifted", SEED), quality={**blind, "rules": rules})

    alarm = next(event["payload"] for event in events if event["type"] == "alarm_raised")
    assert (alarm["signal"], alarm["subject"], alarm["detector"]) == ("quality", "rule:near", "quality_rule@2")
    assert alarm["onset_row"] == PLANTED
    assert not [event for event in events if event["type"] == "remediation_started"]
    assert (audit.rederived, audit.failures) == (audit.decisions, [])
    assert audit.decisions >= 3


def test_a_rule_that_rows_go_on_to_break_in_clumps_as_they_did_in_the_reference_is_no_fault() -> None:
    stream, chance = planted("none", SEED), np.random.default_rng(4)
    clumps = np.repeat(chance.random(stream.rows // 10) < 0.05, 10)  # 5 % of rows, ten at a time
    told = [replace(one, values=np.where(clumps, 3.0, np.minimum(one.values, 2.5))) for one in stream.columns[3:]]
    rules = [{"name": "low", "must": "d < 2.9"}]
    blind = {"looks_for": [], "extra_share": 0.95}  # to what tells of a column alone

    events, audit = lived(replace(stream, columns=(*stream.columns[:3], *told)), quality={**blind, "rules": rules})

    assert "quality" not in [event["payload"]["signal"] for event in events if event["type"] == "alarm_raised"]
    assert (audit.rederived, audit.failures) == (audit.decisions, [])


def test_rows_that_are_ingested_again_are_a_fault_until_they_end_and_start_no_retraining() -> None:
    events, audit = lived(planted("resent", SEED))

    alarm = next(event["payload"] for event in events if event["type"] == "alarm_raised")
    assert (alarm["signal"], alarm["subject"], alarm["detector"]) == ("quality", "@row", "quality_resent@2")
    assert alarm["onset_row"] == PLANTED
    assert not [event for event in events if event["type"] == "remediation_started"]
    assert "recovery_shown" in {event["type"] for event in events}
    assert (audit.rederived, audit.failures) == (audit.decisions, [])


def test_a_sensor_that_freezes_is_named_while_others_vary_and_starts_no_retraining() -> None:
    events, audit = lived(planted("frozen", SEED), quality={"entity": "d"})

    alarm = next(event["payload"] for event in events if event["type"] == "alarm_raised")
    assert (alarm["signal"], alarm["subject"], alarm["detector"]) == ("quality", "a", "quality_frozen@2")
    assert (alarm["onset_row"] - PLANTED) in range(STATIONS)
    assert "frozen in a (d 0, " in notes(events)
    assert not [event for event in events if event["type"] == "remediation_started"]
    assert "recovery_shown" in {event["type"] for event in events}
    assert (audit.rederived, audit.failures) == (audit.decisions, [])


def test_a_sensor_that_freezes_is_not_seen_where_nobody_says_whose_rows_are() -> None:
    events, _ = lived(planted("frozen", SEED))

    assert "quality_frozen@2" not in [event["payload"].get("detector") for event in events]


@pytest.mark.parametrize("fault", ["unlabelled", "one class"])
def test_labels_that_stay_away_are_a_fault_until_they_come_and_start_no_retraining(fault: str) -> None:
    events, audit = lived(planted(fault, SEED), quality={"looks_for": ["labels"]})

    alarm = next(event["payload"] for event in events if event["type"] == "alarm_raised")
    assert (alarm["signal"], alarm["subject"], alarm["detector"]) == ("quality", "@label", "quality_labels@2")
    assert alarm["onset_row"] in range(PLANTED - WINDOW, PLANTED + WINDOW)
    assert not [event for event in events if event["type"] == "remediation_started"]
    assert "recovery_shown" in {event["type"] for event in events}
    assert (audit.rederived, audit.failures) == (audit.decisions, [])


def test_a_stretch_without_rows_is_noted_once_and_raises_no_suspicion() -> None:
    events, audit = lived(planted("gap", SEED), quality={"looks_for": ["clock"]})

    told = [event for event in events if event["type"] in {"fault_noted", "alarm_raised", "remediation_started"}]
    assert [event["type"] for event in told] == ["fault_noted"]
    fault = told[0]["payload"]
    assert (fault["subject"], fault["detector"], fault["onset_row"]) == ("@time", "quality_gap@2", PLANTED)
    assert (audit.rederived, audit.failures) == (audit.decisions, [])
