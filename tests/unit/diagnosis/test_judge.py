from collections.abc import Callable
from typing import Any

import numpy as np
import orjson
import pytest

from diagnosis.answer import Diagnosis
from diagnosis.judge import judge
from diagnosis.thresholds import DiagnosisThresholds

Planted = Callable[..., dict[str, Any]]
POLICY = DiagnosisThresholds()
SEEDS = range(10)


def diagnosed(inputs: dict[str, Any]) -> Diagnosis:
    return judge(inputs, POLICY)


@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        ("unit", "data_quality"),
        ("missing", "data_quality"),
        ("stuck", "data_quality"),
        ("covariate", "covariate_drift"),
        ("concept", "concept_change"),
        ("prior", "label_shift"),
        ("join", "upstream_change"),
        ("noisy", "label_quality"),
        ("serving", "serving"),
    ],
)
def test_a_planted_fault_is_named_first_in_nine_of_ten_worlds(planted: Planted, fault: str, cause: str) -> None:
    found = [diagnosed(planted(fault, seed)) for seed in SEEDS]

    assert sum(each.cause == cause for each in found) >= 9
    assert all(each.causes[0].share > 0.5 for each in found if each.cause == cause)


def test_without_a_fault_the_cause_is_unknown_in_nine_of_ten_worlds(planted: Planted) -> None:
    found = [diagnosed(planted("none", seed)) for seed in SEEDS]

    assert sum(each.cause == "unknown" for each in found) >= 9
    assert all(each.confidence == 0 for each in found if each.cause == "unknown")


@pytest.mark.parametrize(
    ("fault", "feature"), [("unit", "a"), ("missing", "a"), ("stuck", "a"), ("join", "a"), ("covariate", "noise")]
)
def test_the_feature_with_the_fault_is_named_first(planted: Planted, fault: str, feature: str) -> None:
    found = [diagnosed(planted(fault, seed)).causes[0] for seed in SEEDS]

    assert sum(each.features[:1] == (feature,) for each in found) >= 9


@pytest.mark.parametrize("fault", ["unit", "missing", "covariate", "concept", "prior", "serving", "none"])
def test_shares_add_up_to_no_more_than_1_and_lie_in_their_intervals(planted: Planted, fault: str) -> None:
    for rows in (20, 100, 600):
        causes = diagnosed(planted(fault, 3, rows)).causes

        assert sum(each.share for each in causes) <= 1 + 1e-6
        assert all(0 <= each.low <= each.share <= each.high <= 1 for each in causes)


@pytest.mark.parametrize("fault", ["covariate", "concept", "prior"])
def test_with_few_labels_the_cause_is_unknown(planted: Planted, fault: str) -> None:
    found = diagnosed(planted(fault, 1, 20))

    assert found.cause == "unknown"
    assert found.confidence == 0


def test_a_fault_without_labels_is_named_and_its_cost_is_not(planted: Planted) -> None:
    inputs = planted("missing", 1)
    for name in ("rows", "loss", "squares"):
        inputs["current"][name] = np.zeros_like(np.array(inputs["current"][name])).tolist()

    found = diagnosed(inputs)

    assert found.cause == "data_quality"
    assert found.causes[0].share == 0
    assert found.causes[-1].kind == "unknown"


def test_drift_without_labels_is_named_and_its_cost_is_not(planted: Planted) -> None:
    drifted = {"name": "noise", "change": "shift +1.0", "log_evidence": 40.0}

    found = diagnosed({**planted("covariate", 1, 20), "drift": [drifted]})

    assert found.cause == "covariate_drift"
    assert found.causes[0].features == ("noise",)
    assert found.confidence == 0


def test_the_bad_data_begin_where_the_fault_did(planted: Planted) -> None:
    inputs = planted("unit", 1)
    for each in inputs["quality"]:
        each["onset_row"] = 10_300

    assert diagnosed(inputs).onset_row == 10_300
    assert diagnosed({**inputs, "quality": []}).onset_row == inputs["onset_row"]


def test_outputs_that_differ_when_computed_again_take_the_loss_that_they_cost(planted: Planted) -> None:
    inputs = planted("concept", 1)
    rise = diagnosed(inputs).rise
    skew = {"compared": 400, "differing": 390, "labelled": 400, "excess_loss": round(0.95 * rise * 400 * 2**20)}

    found = diagnosed({**inputs, "serving": skew})

    assert found.cause == "serving"
    assert found.causes[0].share == pytest.approx(0.95, abs=0.01)


def test_recorded_inputs_give_the_same_bytes_again(planted: Planted) -> None:
    inputs = planted("covariate", 5)
    stored = orjson.dumps(inputs, option=orjson.OPT_SORT_KEYS | orjson.OPT_SERIALIZE_NUMPY)

    first, again = (orjson.dumps(diagnosed(each).to_json()) for each in (inputs, orjson.loads(stored)))

    assert again == first


def test_a_fault_that_costs_nothing_is_not_the_cause_of_a_changed_concept(planted: Planted) -> None:
    harmless = {
        "feature": "idle", "kind": "out_of_range", "slots": [3, 6], "log_evidence": 30.0, "onset_row": 10_000,
    }  # fmt: skip

    found = diagnosed({**planted("concept", 2), "quality": [harmless]})

    assert found.cause == "concept_change"


REPEATED = {
    "feature": "@row",
    "kind": "duplicate",
    "slots": [],
    "log_evidence": 60.0,
    "onset_row": 10_300,
    "share": 0.5,
}


def doubled(inputs: dict[str, Any]) -> dict[str, Any]:
    """Let every row since have come twice, and the watch over the data have seen it."""
    for name in ("rows", "loss", "squares"):
        inputs["current"][name] = (2 * np.array(inputs["current"][name])).tolist()
    inputs["relations"]["after"] = 2 * inputs["relations"]["after"]
    return {**inputs, "quality": [REPEATED]}


def test_rows_that_came_twice_are_named_where_nothing_else_is_clear(planted: Planted) -> None:
    found = [diagnosed(doubled(planted("none", seed))) for seed in SEEDS]

    assert {each.cause for each in found} == {"data_quality"}
    assert {each.causes[0].features for each in found} == {("@row",)}
    assert {each.onset_row for each in found} == {10_300}


def test_rows_that_came_twice_count_once(planted: Planted) -> None:
    once, twice = diagnosed(planted("concept", 1)), diagnosed(doubled(planted("concept", 1)))

    assert twice.cause == once.cause == "concept_change"
    assert twice.labelled == once.labelled
    assert twice.error == pytest.approx(once.error, rel=1e-3)


def test_a_fault_is_named_where_too_few_labels_have_come_to_tell_more(planted: Planted) -> None:
    fault = {
        "feature": "idle",
        "kind": "missing",
        "slots": [0],
        "log_evidence": 30.0,
        "onset_row": 10_000,
        "share": 0.3,
    }

    found = diagnosed({**planted("serving", 2, 20), "quality": [fault]})

    assert found.cause == "data_quality"


def test_what_explains_the_rise_as_well_as_the_first_stands_behind_it_and_halves_the_confidence(
    planted: Planted,
) -> None:
    found = [diagnosed(planted("noisy", seed)) for seed in SEEDS]

    rivalled = [each for each in found if any(one.share == 0 and one.high == 1 for one in each.causes[1:])]
    assert rivalled
    assert all(each.confidence <= 0.5 and each.causes[0].low == 0 for each in rivalled)
