"""Claims about what is expected: it follows from the policy and from what a change was measured to cost."""

from __future__ import annotations

import pytest

from backtest.drills.account import Harm
from backtest.drills.expecting import expect
from backtest.drills.scenario import Kind, Scenario
from backtest.drills.scenarios import SCENARIOS
from statemachine.policies.policy import Policy
from tests.fixtures.drills import HARMLESS, an_account

CURED = an_account(
    road=("healthy", "suspect", "degraded", "retraining", "canary", "healthy"), confirmed=3.0, promoted=1,
    cause="concept_change", proved=("loss",), last=(0.1, 0.5),
)  # fmt: skip
SHOUTED = Harm(before=0.1, after=0.7, excess=0.6, error=0.05)
ASKING = Policy.from_json({"approvals": {"required": True}})


def named(name: str) -> Scenario:
    return next(one for one in SCENARIOS if one.name == name)


def test_a_change_that_costs_must_be_proved_named_and_cured() -> None:
    expected = expect(named("concept"), Policy(), "rises", "")

    assert expected.broken(CURED) == []
    assert expected.broken(an_account()) == [
        "a decline is confirmed, or a refresh forestalls it", "the cause is named as concept_change",
        "a candidate is promoted", "what is served in the end costs less than the model left alone",
    ]  # fmt: skip


def test_a_refresh_that_comes_before_the_proof_of_a_decline_is_as_good_as_a_remedy() -> None:
    refreshed = an_account(road=("healthy", "retraining", "canary", "healthy"), promoted=1, last=(0.1, 0.5))

    assert expect(named("concept"), Policy(), "rises", "").broken(refreshed) == []


def test_a_change_that_costs_nothing_may_not_count_as_a_decline_of_the_loss() -> None:
    expected = expect(named("prior"), Policy(), "stays", "")

    assert expected.broken(an_account()) == []
    assert expected.broken(CURED) == ["no rise of the loss is confirmed"]


def test_what_cannot_be_told_is_expected_either_way_but_for_worse_service() -> None:
    expected = expect(named("prior"), Policy(), "unclear", "")

    assert expected.broken(CURED) == expected.broken(an_account()) == []
    assert expected.broken(an_account(last=(0.5, 0.1))) == [
        "what is served in the end costs no more than the model left alone"
    ]


def test_where_a_person_must_agree_no_candidate_may_serve() -> None:
    expected = expect(named("concept"), ASKING, "rises", "")
    asked = an_account(
        road=("healthy", "suspect", "degraded", "retraining"), places=("retraining.awaiting_approval",), confirmed=3.0,
        cause="concept_change",
    )  # fmt: skip

    assert expected.broken(asked) == []
    assert expected.broken(CURED) == ["a person is asked", "no candidate serves"]


def test_drift_that_costs_nothing_is_told_where_the_policy_wants_it_and_only_there() -> None:
    always = Policy.from_json({"drift": {"alarms": "always"}})
    told = an_account(road=("healthy", "suspect"), signal="drift")

    assert expect(named("harmless"), always, "stays", "").broken(told) == []
    assert expect(named("harmless"), always, "stays", "").broken(an_account()) == ["drift raises suspicion"]
    assert expect(named("harmless"), Policy(), "stays", "").broken(an_account(challenged=8)) == []


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: one.name)
@pytest.mark.parametrize("harm", [HARMLESS, SHOUTED], ids=["harmless", "harmful"])
def test_no_scenario_is_as_expected_of_a_service_that_does_nothing(scenario: Scenario, harm: Harm) -> None:
    """But where a changed world costs nothing: there the model may stay, or a better one be proved."""
    left_alone = expect(scenario, Policy(), harm.verdict, "amount").broken(an_account(harm=harm))

    assert bool(left_alone) != (scenario.kind == Kind.CHANGE and harm == HARMLESS)


def test_a_loud_blip_of_two_windows_must_be_met_and_be_over() -> None:
    blip = expect(named("blip-2"), Policy(), "rises", "")
    met = {"road": ("healthy", "suspect", "healthy"), "suspected": 2.0, "challenged": 5, "harm": SHOUTED}

    assert blip.broken(an_account(**met)) == []
    assert blip.broken(an_account(**{**met, "suspected": None})) == ["a suspicion is raised where the blip costs much"]
    assert blip.broken(an_account(**{**met, "stands": "suspect"})) == ["the model is healthy in the end"]
    assert expect(named("blip-1"), Policy(), "rises", "").broken(an_account(harm=SHOUTED, challenged=5)) == []


def test_a_fault_must_be_named_by_its_feature_and_kind_and_not_be_trained_on() -> None:
    expected = expect(named("missing"), Policy(), "stays", "amount")

    assert expected.broken(an_account(signal="quality", subject="amount", faults=("missing",))) == []
    assert expected.broken(an_account(signal="quality", subject="age", faults=("missing",), remedied=(2.0,))) == [
        "the fault of amount is named", "nothing is retrained while the data are broken"
    ]  # fmt: skip


@pytest.mark.parametrize("scenario", [one for one in SCENARIOS if one.kind == Kind.FAULT], ids=lambda one: one.name)
def test_a_fault_that_is_named_as_one_of_another_kind_is_not_as_expected(scenario: Scenario) -> None:
    asking = Policy.from_json({"quality": {"looks_for": ["labels", "clock"], "entity": "region"}})
    expected = expect(scenario, asking, "stays", "amount")
    told = {"signal": "quality", "subject": "amount"}
    claim = f"its kind is named as {' or '.join(scenario.faults)}"

    assert scenario.faults
    assert all(expected.broken(an_account(**told, faults=(kind,))) == [] for kind in scenario.faults)
    assert expected.broken(an_account(**told, faults=("invalid",))) == [claim]
    assert expected.broken(an_account(**told)) == [claim]


def test_a_frozen_sensor_may_look_like_a_code_only_where_a_policy_does_not_say_whose_a_row_is() -> None:
    told = an_account(signal="quality", subject="amount", faults=("sentinel",))
    knowing = Policy.from_json({"quality": {"entity": "region"}})

    assert expect(named("frozen"), Policy(), "stays", "amount").broken(told) == []
    assert expect(named("frozen"), knowing, "stays", "amount").broken(told) == ["its kind is named as frozen or stuck"]


def test_a_policy_that_does_not_watch_quality_is_not_expected_to_tell_of_it() -> None:
    blind = Policy.from_json({"quality": {"alarms": "never"}})

    assert expect(named("missing"), blind, "stays", "amount").broken(an_account()) == []


@pytest.mark.parametrize(("name", "reason"), [("rows-stop", "NO_DATA"), ("labels-stop", "LABELS_STALE")])
def test_a_silence_must_be_told_by_its_own_reason(name: str, reason: str) -> None:
    expected = expect(named(name), Policy(), "stays", "")

    assert expected.broken(an_account(reasons=(reason,))) == []
    assert len(expected.broken(an_account(reasons=("ALARM",)))) == 1


@pytest.mark.parametrize(
    ("excess", "error", "verdict"), [(0.5, 0.1, "rises"), (0.05, 0.1, "stays"), (0.3, 0.1, "unclear")]
)
def test_harm_is_what_stands_out_of_chance(excess: float, error: float, verdict: str) -> None:
    assert Harm(before=0.1, after=0.2, excess=excess, error=error).verdict == verdict


def test_a_candidate_that_is_as_good_may_be_promoted_when_the_world_turns_back_and_a_worse_one_may_not() -> None:
    expected = expect(named("relapse"), Policy(), "rises", "")
    served = {"confirmed": 3.0, "places": ("canary.rung",), "promoted": 1}

    assert expected.broken(an_account(**served, gains=(-0.1,))) == []
    assert expected.broken(an_account(**served, gains=(-0.3,))) == [
        "no candidate is promoted that costs 20% more than the version it replaces"
    ]


def test_a_segment_must_be_named_by_its_alarm_or_by_a_diagnosis_where_the_policy_watches_it() -> None:
    local = expect(named("segment"), Policy(), "stays", "age<30")
    silent = Policy.from_json({"segments": {"alarms": "never"}})

    assert local.broken(an_account(signal="segment", subject="age<30")) == []
    assert local.broken(an_account(local=("age<30",))) == []
    assert local.broken(an_account(signal="segment", subject="age>=30")) == ["the segment age<30 is named"]
    assert expect(named("segment"), silent, "stays", "age<30").broken(an_account()) == []
