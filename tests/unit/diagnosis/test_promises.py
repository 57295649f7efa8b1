"""What every judge of diagnosis promises: the first, for evidence of its time, and the one that is asked today."""

from collections.abc import Callable
from typing import Any

import numpy as np
import orjson
import pytest

from diagnosis import first, judge
from diagnosis.answer import Attribution
from statemachine.policies import sections

Planted = Callable[..., dict[str, Any]]
Diagnosed = Callable[[dict[str, Any]], Attribution[Any]]
POLICY = sections.Diagnosis()
SEEDS = range(10)


@pytest.fixture(params=[first.judge, judge.judge], ids=["first", "today"])
def diagnosed(request: pytest.FixtureRequest) -> Diagnosed:
    judged: Callable[..., Attribution[Any]] = request.param
    return lambda inputs: judged(inputs, POLICY)


@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        ("unit", "data_quality"),
        ("missing", "data_quality"),
        ("stuck", "data_quality"),
        ("covariate", "covariate_drift"),
        ("concept", "concept_change"),
        ("prior", "label_shift"),
    ],
)
def test_a_planted_fault_is_named_first_in_nine_of_ten_worlds(
    planted: Planted, diagnosed: Diagnosed, fault: str, cause: str
) -> None:
    found = [diagnosed(planted(fault, seed)) for seed in SEEDS]

    assert sum(each.cause == cause for each in found) >= 9
    assert all(each.causes[0].share > 0.5 for each in found if each.cause == cause)


def test_without_a_fault_the_cause_is_unknown_in_nine_of_ten_worlds(planted: Planted, diagnosed: Diagnosed) -> None:
    found = [diagnosed(planted("none", seed)) for seed in SEEDS]

    assert sum(each.cause == "unknown" for each in found) >= 9
    assert all(each.confidence == 0 for each in found if each.cause == "unknown")


@pytest.mark.parametrize(
    ("fault", "feature"), [("unit", "a"), ("missing", "a"), ("stuck", "a"), ("covariate", "noise")]
)
def test_the_feature_with_the_fault_is_named_first(
    planted: Planted, diagnosed: Diagnosed, fault: str, feature: str
) -> None:
    found = [diagnosed(planted(fault, seed)).causes[0] for seed in SEEDS]

    assert sum(each.features[:1] == (feature,) for each in found) >= 9


@pytest.mark.parametrize("fault", ["covariate", "concept", "prior"])
def test_with_few_labels_the_cause_is_unknown(planted: Planted, diagnosed: Diagnosed, fault: str) -> None:
    found = diagnosed(planted(fault, 1, 20))

    assert found.cause == "unknown"
    assert found.confidence == 0


def test_a_fault_without_labels_is_named_and_its_cost_is_not(planted: Planted, diagnosed: Diagnosed) -> None:
    inputs = planted("missing", 1)
    for name in ("rows", "loss", "squares"):
        inputs["current"][name] = np.zeros_like(np.array(inputs["current"][name])).tolist()

    found = diagnosed(inputs)

    assert found.cause == "data_quality"
    assert found.causes[0].share == 0
    assert found.causes[-1].kind == "unknown"


def test_drift_without_labels_is_named_and_its_cost_is_not(planted: Planted, diagnosed: Diagnosed) -> None:
    drifted = {"name": "noise", "change": "shift +1.0", "log_evidence": 40.0}

    found = diagnosed({**planted("covariate", 1, 20), "drift": [drifted]})

    assert found.cause == "covariate_drift"
    assert found.causes[0].features == ("noise",)
    assert found.confidence == 0


def test_features_that_go_together_otherwise_are_named_and_not_what_was_made_of_them(
    planted: Planted, diagnosed: Diagnosed
) -> None:
    joint = {"name": "a & b (joint)", "columns": ["a", "b"], "change": "scale 2.00", "log_evidence": 40.0}
    drifted = {"name": "b", "change": "shift +0.1", "log_evidence": 20.0}

    found = diagnosed({**planted("covariate", 1, 20), "drift": [joint, drifted]})

    assert found.causes[0].features == ("a", "b")
    assert found.causes[0].note == "a and b go together otherwise (scale 2.00); cost not known"


def test_the_bad_data_begin_where_the_fault_did(planted: Planted, diagnosed: Diagnosed) -> None:
    inputs = planted("unit", 1)
    for each in inputs["quality"]:
        each["onset_row"] = 10_300

    assert diagnosed(inputs).onset_row == 10_300
    assert diagnosed({**inputs, "quality": []}).onset_row == inputs["onset_row"]


def test_outputs_that_differ_when_computed_again_take_the_loss_that_they_cost(
    planted: Planted, diagnosed: Diagnosed
) -> None:
    inputs = planted("concept", 1)
    rise = diagnosed(inputs).rise
    skew = {"compared": 400, "differing": 390, "labelled": 400, "excess_loss": round(0.95 * rise * 400 * 2**20)}

    found = diagnosed({**inputs, "serving": skew})

    assert found.cause == "serving"
    assert found.causes[0].share == pytest.approx(0.95, abs=0.01)


def test_a_fault_that_costs_nothing_is_not_the_cause_of_a_changed_concept(
    planted: Planted, diagnosed: Diagnosed
) -> None:
    harmless = {
        "feature": "idle", "kind": "out_of_range", "slots": [3, 6], "log_evidence": 30.0, "onset_row": 10_000,
    }  # fmt: skip

    found = diagnosed({**planted("concept", 2), "quality": [harmless]})

    assert found.cause == "concept_change"


def test_recorded_inputs_give_the_same_bytes_again(planted: Planted, diagnosed: Diagnosed) -> None:
    inputs = planted("covariate", 5)
    stored = orjson.dumps(inputs, option=orjson.OPT_SORT_KEYS | orjson.OPT_SERIALIZE_NUMPY)

    once, again = (orjson.dumps(diagnosed(each).to_json()) for each in (inputs, orjson.loads(stored)))

    assert again == once
