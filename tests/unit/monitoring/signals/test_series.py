import math

import numpy as np
import orjson
import pytest

from monitoring.signals.series import Direction, SeriesFinding, SeriesWatch, judge, restored
from statemachine.policies.sections import Metrics

POLICY = Metrics()
CALM = [10.0, 10.2, 9.9, 10.1, 10.0, 9.8, 10.05, 10.1, 10.0, 9.9]


def fed(
    values: list[float],
    policy: Metrics = POLICY,
    *,
    direction: Direction = "higher_is_worse",
    tolerance: float = 1.0,
    relative: bool = False,
) -> list[SeriesFinding]:
    watch = SeriesWatch(name="errors", direction=direction, tolerance=tolerance, relative=relative)
    found = []
    for value in values:
        watch, finding = watch.observe(value, policy)
        found.append(finding)
    return found


def verdicts(found: list[SeriesFinding]) -> list[str]:
    return [each.verdict for each in found if each.verdict != "none"]


def test_a_blip_raises_suspicion_and_is_cleared_by_points_after_it() -> None:
    found = fed([*CALM, 14.0, 14.0, 10.0, 10.1, 9.9])

    assert verdicts(found) == ["alarm", "cleared"]


def test_a_lasting_change_is_confirmed_by_points_after_the_alarm() -> None:
    found = fed([*CALM, *[14.0] * 6])

    assert verdicts(found) == ["alarm", "confirmed"]
    assert next(each for each in found if each.verdict == "confirmed").onset == len(CALM)


def test_the_points_of_the_alarm_do_not_confirm_it() -> None:
    found = fed([*CALM, *[14.0] * 6])
    names = [each.verdict for each in found]

    assert names.index("confirmed") - names.index("alarm") >= POLICY.persistence


def test_a_confirmed_decline_is_cleared_when_the_series_comes_back() -> None:
    found = fed([*CALM, *[14.0] * 6, *[10.0] * 4])

    assert verdicts(found) == ["alarm", "confirmed", "cleared"]


def test_a_cleared_series_can_be_alarmed_again() -> None:
    found = fed([*CALM, 14.0, 14.0, *[10.0] * 3, *[14.0] * 8])

    assert verdicts(found) == ["alarm", "cleared", "alarm", "confirmed"]


def test_one_outlier_raises_nothing() -> None:
    assert verdicts(fed([*CALM, 100.0, *[10.0] * 20, 100.0, 10.0])) == []


def test_a_change_for_the_better_raises_nothing() -> None:
    assert verdicts(fed([*CALM, *[2.0] * 10])) == []
    assert verdicts(fed([*CALM, *[2.0] * 10], direction="lower_is_worse")) == ["alarm", "confirmed"]


def test_a_change_within_the_tolerance_raises_nothing() -> None:
    assert verdicts(fed([*CALM, *[10.9] * 30])) == []


def test_a_relative_tolerance_is_a_share_of_the_baseline() -> None:
    assert verdicts(fed([*CALM, *[14.0] * 6], tolerance=0.5, relative=True)) == []
    assert verdicts(fed([*CALM, *[14.0] * 6], tolerance=0.2, relative=True)) == ["alarm", "confirmed"]


def test_two_policies_judge_the_same_points_differently() -> None:
    values = [*CALM, *[14.0] * 6]

    assert verdicts(fed(values)) == ["alarm", "confirmed"]
    assert verdicts(fed(values, Metrics(persistence=9, of=10))) == ["alarm"]
    assert verdicts(fed(values, Metrics(baseline_points=20))) == []


@pytest.mark.parametrize(("law", "most"), [("normal", 0.01), ("heavy", 0.02)])
def test_null_series_are_seldom_confirmed_in_error(law: str, most: float) -> None:
    """500 series of 100 points after the baseline, at a tolerance of two standard deviations."""
    alarms = confirmed = 0
    for seed in range(500):
        generator = np.random.default_rng(seed)
        values = generator.normal(size=108) if law == "normal" else generator.standard_t(3, size=108)
        found = verdicts(fed(values.tolist(), tolerance=2.0))
        alarms += found.count("alarm")
        confirmed += found.count("confirmed")

    assert alarms / (500 * 100) <= 1 / POLICY.alarm
    assert confirmed / 500 <= most


def test_the_mean_e_value_of_exchangeable_points_is_at_most_1() -> None:
    """After the baseline and one point; the tolerance is as good as none, so that the bound is tight."""
    policy = Metrics(baseline_points=4)
    generator, e_values = np.random.default_rng(2), []
    for _ in range(5_000):
        watch = SeriesWatch(name="m", direction="higher_is_worse", tolerance=1e-9)
        for value in generator.normal(size=5).tolist():
            watch, finding = watch.observe(value, policy)
        e_values.append(math.exp(finding.log_evidence))

    assert np.mean(e_values) <= 1 + 3 * np.std(e_values) / math.sqrt(5_000)


def test_recorded_points_give_the_same_finding_again() -> None:
    values = [*CALM, *[14.0] * 5]
    inputs = {
        "name": "errors", "direction": "higher_is_worse", "tolerance": 1.0, "relative": False, "points": values,
    }  # fmt: skip

    assert judge(orjson.loads(orjson.dumps(inputs)), POLICY) == fed(values)[-1]


def test_a_state_can_be_stored_and_taken_up() -> None:
    watch = SeriesWatch(name="m", direction="lower_is_worse", tolerance=0.5)
    for value in [*CALM, 2.0]:
        watch, _ = watch.observe(value, POLICY)

    assert restored(orjson.loads(orjson.dumps(watch.to_json()))) == watch


def test_a_point_that_is_not_finite_is_refused() -> None:
    with pytest.raises(ValueError, match="a point of errors is nan"):
        fed([math.nan])


def test_a_series_without_points_is_refused() -> None:
    inputs = {"name": "m", "direction": "higher_is_worse", "tolerance": 1.0, "relative": False, "points": []}

    with pytest.raises(ValueError, match="m has no points"):
        judge(inputs, POLICY)
