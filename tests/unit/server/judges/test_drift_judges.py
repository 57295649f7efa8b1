import numpy as np
import pytest

from monitoring.drift.assumptions import assumptions
from monitoring.drift.departures import Departures
from monitoring.drift.dictionary import Dictionary
from monitoring.drift.learned import LearnedWatch
from monitoring.drift.learned import assumptions as assumed_of_shapes
from monitoring.profiles.learning import learn
from monitoring.profiles.profile import Profile, profile
from monitoring.profiles.reference import Column, Reference
from server.judges.rulings import Inputs
from server.judges.table import rule
from statemachine.policies.policy import Policy

POLICY = Policy()


def moved() -> tuple[Reference, Inputs]:
    """Give a reference, and what is recorded of a window far from it."""
    rows = np.random.default_rng(0).normal(size=(2_000, 1))
    reference = learn([Column(name="a")], rows, rows[:, 0])
    window = {"start_row": 2_000, "profile": profile(reference, rows[:200] + 1, rows[:200, 0]).to_json(), "repeats": 0}
    told = {"signal": "drift", "subject": "", "at_row": 2_200, "not_before": 0, "state": None, "windows": [window]}
    return reference, {**told, "reference": reference.to_json()}


def no_evidence(sha256: str) -> bytes:
    raise LookupError(sha256)


def test_evidence_of_each_rule_says_by_which_detector_it_alarms() -> None:
    reference, inputs = moved()
    second, third = ({**inputs, "assumptions": assumptions(reference, POLICY.drift, number)} for number in (2, 3))

    found = [
        rule(*each, POLICY, no_evidence) for each in (("drift@1", inputs), ("drift@2", second), ("drift@3", third))
    ]

    detectors = [ruling.payload["detector"] for ruling, _ in found if ruling is not None]
    assert detectors == ["histogram_cusum@1", "histogram_cusum@2", "histogram_cusum@3"]
    assert b'"run_length_windows":10000.0' in found[-1][1]


@pytest.mark.parametrize("number", [2, 3])
@pytest.mark.parametrize(("name", "value"), [("tolerance", 0.0), ("reference_rows", 1), ("bins", [64, 1]), ("rule", 1)])
def test_nothing_follows_from_evidence_that_assumes_something_else(name: str, value: object, number: int) -> None:
    reference, inputs = moved()
    stated = {**assumptions(reference, POLICY.drift, number), name: value}

    ruling, _ = rule(f"drift@{number}", {**inputs, "assumptions": stated}, POLICY, no_evidence)

    assert ruling is None


@pytest.mark.parametrize(("judge", "number"), [("drift_note@1", 2), ("drift_note@2", 3)])
def test_a_feature_that_leaves_is_noted_unless_a_fault_of_it_is_told_or_something_else_was_assumed(
    judge: str, number: int
) -> None:
    reference, inputs = moved()
    state = Departures.start(Dictionary.of(reference, POLICY.drift.tolerance, number)).to_json()
    stated = {**inputs, "state": state, "assumptions": assumptions(reference, POLICY.drift, number)}

    asked: list[Inputs] = [{"faulty": []}, {"faulty": ["a"]}, {"faulty": [], "assumptions": {}}]

    noted, told, otherwise = (rule(judge, {**stated, **more}, POLICY, no_evidence)[0] for more in asked)

    assert noted is not None
    assert (noted.event, noted.payload["subject"], noted.payload["onset_row"]) == ("drift_noted", "a", 2_000)
    assert noted.payload["detector"] == judge.replace("drift_note", "departures")
    assert (told, otherwise) == (None, None)


def test_a_shape_is_told_with_what_moved_unless_its_feature_has_left_or_something_else_was_assumed() -> None:
    reference, inputs = moved()
    window, before = inputs["windows"][0], LearnedWatch.start(reference)
    for number in range(10):
        after, found = before.observe(200 * number, Profile.from_json(window["profile"]), POLICY.drift)
        if found.verdict == "alarm":
            break
        before = after
    told = {**inputs, "state": before.to_json(), "told": [], "assumptions": assumed_of_shapes(reference, POLICY.drift)}

    alarm, noted, left, otherwise = (
        rule(judge, {**told, **more}, POLICY, no_evidence)[0]
        for judge, more in (
            ("shape@1", {}), ("shape_note@1", {}), ("shape_note@1", {"told": ["a"]}), ("shape@1", {"assumptions": {}}),
        )
    )  # fmt: skip

    assert alarm is not None
    assert noted is not None
    assert [one.payload["detector"] for one in (alarm, noted)] == ["learned_cusum@1"] * 2
    assert alarm.payload["subject"] == noted.payload["subject"] == "a (shape: more from 1.51172 on)"
    assert (left, otherwise) == (None, None)
