"""Two incidents are alike in what both have; each part says so in words."""

from __future__ import annotations

from typing import Any

import pytest

from server.history.cases import Case
from server.history.likeness import likeness

MISSING = {"kind": "data_quality", "share": 0.8, "effect": 0.4, "features": ["age"], "note": "missing in age"}
STUCK = {**MISSING, "note": "stuck in age"}
MOVED = {"kind": "covariate_drift", "share": 1.0, "effect": 0.2, "features": ["age", "income"], "note": ""}
RIVAL = {"kind": "label_shift", "share": 0.0, "effect": 0.0, "features": [], "note": ""}


def a_case(*causes: dict[str, Any], model: str = "m", signal: str = "loss", subject: str = "") -> Case:
    incident = {
        "signal": signal, "subject": subject, "open": False, "cause": causes[0]["kind"] if causes else "",
        "detected": {"position": 7},
    }  # fmt: skip
    return Case(model=model, task="binary", metric="accuracy", incident=incident, causes=causes)


def agreements(asked: Case, other: Case) -> dict[str, float]:
    return {part.name: part.agreement for part in likeness(asked, other)[1]}


@pytest.mark.parametrize("case", [a_case(), a_case(MISSING), a_case(MOVED, RIVAL), a_case(MOVED, subject="age")])
def test_every_incident_is_wholly_like_itself(case: Case) -> None:
    similarity, parts = likeness(case, case)

    assert similarity == 1.0
    assert all(part.agreement == 1.0 for part in parts)


def test_the_similarity_is_the_weighted_mean_of_the_parts_that_are_told() -> None:
    similarity, parts = likeness(a_case(MOVED), a_case(MISSING))

    assert similarity == pytest.approx(
        sum(part.weight * part.agreement for part in parts) / sum(part.weight for part in parts), abs=1e-6
    )
    assert {part.name: part.agreement for part in parts} == {"signal": 1.0, "cause": 0.0, "features": 0.5, "size": 0.4}


def test_a_cause_that_was_a_rival_of_the_other_counts_half() -> None:
    assert agreements(a_case(MOVED, RIVAL), a_case(RIVAL))["cause"] == 0.5
    assert agreements(a_case(RIVAL), a_case(MOVED, RIVAL))["cause"] == 0.5


def test_faults_of_the_data_are_compared_by_their_kinds() -> None:
    assert agreements(a_case(MISSING), a_case(STUCK))["fault"] == 0.0
    assert agreements(a_case(MISSING), a_case(MISSING, STUCK))["fault"] == 0.5


def test_an_incident_without_a_diagnosis_is_compared_by_its_alarm_alone() -> None:
    assert set(agreements(a_case(), a_case(MOVED))) == {"signal"}
    assert agreements(a_case(subject="age"), a_case(MOVED, subject="income")) == {"signal": 1.0, "subject": 0.0}


def test_losses_of_another_model_are_not_compared() -> None:
    assert "size" not in agreements(a_case(MOVED), a_case(MOVED, model="other"))
    assert agreements(a_case(MOVED), a_case(MOVED, model="other"))["metric"] == 1.0


def test_each_part_says_both_sides() -> None:
    told = {part.name: part.told for part in likeness(a_case(MOVED), a_case(MISSING))[1]}

    assert told == {
        "signal": "loss in both", "cause": "data_quality then, covariate_drift now",
        "features": "age of age, income in both", "size": "the loss rose by 0.5 then, by 0.2 now",
    }  # fmt: skip
