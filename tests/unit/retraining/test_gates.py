"""Gates at their bounds: what stands on one passes, and what is beyond it does not."""

from __future__ import annotations

import math
from typing import Any

import pytest

from retraining.choice import NOTHING, choose
from retraining.gates import MOST_EXTREME, judge
from statemachine.policies.policy import Policy
from statemachine.policies.sections import GATES, OF_SEGMENTS
from tests.unit.retraining.test_choice import entry, report

ALL = {"mandatory": list(GATES[: -len(OF_SEGMENTS)]), "calibration": 0.1, "churn": 0.3}


def verdict(name: str, policy: dict[str, Any], **figures: float) -> tuple[str, bool]:
    """Give what a gate says of a candidate with these figures, and whether the candidate passes them all."""
    inputs = {"report": report({**entry("all", "refit", 0.2), **figures})}
    found = judge(inputs, Policy.from_json({"gates": {**ALL, **policy}}))
    return next(gate.verdict for gate in found.gates if gate.name == name), found.passed


@pytest.mark.parametrize(
    ("name", "figure", "bound"),
    [("sanity", "extreme", MOST_EXTREME), ("calibration", "calibration", 0.1), ("churn", "churn", 0.3)],
)
def test_a_figure_may_stand_on_its_own_bound_and_not_beyond_it(name: str, figure: str, bound: float) -> None:
    assert verdict(name, {}, **{figure: bound}) == ("pass", True)
    assert verdict(name, {}, **{figure: math.nextafter(bound, 1)}) == ("fail", False)


def test_as_many_rows_are_enough_as_the_policy_wants() -> None:
    assert verdict("sample", {"least_sample": 200}) == ("pass", True)
    assert verdict("sample", {"least_sample": 201}) == ("insufficient", False)


@pytest.mark.parametrize("bound", ["least_lead", "least_gain"])
def test_a_lead_and_a_gain_count_from_the_least_that_the_policy_wants(bound: str) -> None:
    told = report(entry("all", "refit", 0.03))
    first = choose(told, Policy())
    least = {"least_lead": first.errors, "least_gain": first.gain}
    more = {**least, bound: math.nextafter(least[bound], 10)}

    found = [judge({"report": told}, Policy.from_json({"bakeoff": one})) for one in (least, more)]

    assert [(one.passed, one.chosen) for one in found] == [(True, "all"), (False, NOTHING)]


def test_doing_nothing_never_becomes_a_candidate_whichever_gates_it_passes() -> None:
    found = judge(
        {"report": report(entry("all", "refit", 0.0))}, Policy.from_json({"gates": {"mandatory": ["sample"]}})
    )

    assert (found.passed, found.chosen) == (False, NOTHING)
    assert {gate.name: gate.verdict for gate in found.gates}["sample"] == "pass"
