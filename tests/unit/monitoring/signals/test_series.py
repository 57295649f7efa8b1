import math
from statistics import median
from typing import Any

import numpy as np
import orjson
import pytest

from monitoring.signals.course import Course
from monitoring.signals.series import SeriesWatch, judge, restored, rule_of
from monitoring.signals.terms import Direction, SeriesFinding
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
        "name": "m", "direction": "higher_is_worse", "tolerance": 1.0, "relative": False, "points": values,
    }  # fmt: skip

    assert judge(orjson.loads(orjson.dumps(inputs)), POLICY) == watched(values, rule=1, tolerance=1.0)[-1]


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


def going_on(seed: int, alike: float, points: int) -> list[float]:
    """Give a series of variance 1, each point of which has the correlation *alike* with the one before."""
    steps, found = np.random.default_rng(seed).normal(size=points), [0.0]
    found[0] = float(steps[0])
    for step in steps[1:]:
        found.append(alike * found[-1] + math.sqrt(1 - alike * alike) * float(step))
    return found


#: What a watch lacks that goes by each rule.
RULES: dict[int, dict[str, Any]] = {1: {"course": None, "trial": None}, 2: {"trial": None}, 3: {}}


def watched(values: list[float], *, rule: int = 3, tolerance: float = 2.0, points: int = 8) -> list[SeriesFinding]:
    watch, found = SeriesWatch(name="m", direction="higher_is_worse", tolerance=tolerance, **RULES[rule]), []
    for value in values:
        watch, finding = watch.observe(value, Metrics(baseline_points=points))
        found.append(finding)
    return found


def confirmed_in_error(alike: float, *, rule: int, tolerance: float, points: int = 8) -> float:
    """Give the share of 300 series that never change which are confirmed within 100 points behind their baseline."""
    series = [going_on(seed, alike, points + 100) for seed in range(300)]
    found = [verdicts(watched(one, rule=rule, tolerance=tolerance, points=points)) for one in series]
    return sum("confirmed" in one for one in found) / len(found)


@pytest.mark.parametrize("alike", [0.2, 0.4, 0.6])
def test_what_a_course_takes_off_is_what_theory_says(alike: float) -> None:
    course = Course()
    for value in going_on(1, alike, 20_000):
        course = course.observe(1_000.0 + value)

    assert course.weight() == pytest.approx((1 - alike) / (1 + alike), rel=0.05)


@pytest.mark.parametrize(("values", "weight"), [
    ([7.0] * 50, 1.0), ([1.0, -1.0] * 25, 1.0), ([1e300, -1e300, 1e300, 1e300, 1e308], 1.0), ([1.0, 2.0, 3.0], 1.0),
    (list(range(100)), 1 / 9),
])  # fmt: skip
def test_a_course_of_any_points_has_a_weight(values: list[float], weight: float) -> None:
    course = Course()
    for value in values:
        course = course.observe(float(value))

    assert course.weight() == pytest.approx(weight, abs=1e-6)
    assert Course.from_json(orjson.loads(orjson.dumps(course.to_json()))) == course


def test_a_point_that_is_left_out_makes_no_pair() -> None:
    whole = Course()
    for value in (0.0, 1.0, 5.0):
        whole = whole.observe(value)
    cut = Course().observe(0.0).observe(1.0).interrupted().observe(5.0)

    assert (whole.pairs, cut.pairs, cut.points) == (2, 1, 3)


@pytest.mark.parametrize(("alike", "before", "most", "least"), [(0.6, 0.1, 0.05, 0.01), (0.8, 0.2, 0.1, 0.02)])
def test_series_that_go_on_from_point_to_point_are_seldom_confirmed_in_error(
    alike: float, before: float, most: float, least: float
) -> None:
    """At two standard deviations."""
    plain, course, third = (confirmed_in_error(alike, rule=rule, tolerance=2.0) for rule in (1, 2, 3))

    assert plain >= before
    assert course <= most
    assert course <= plain / 2.5
    assert third <= least


@pytest.mark.parametrize(
    ("points", "alike", "before", "most"),
    [(8, 0.0, 0.02, 0.02), (8, 0.3, 0.05, 0.03), (8, 0.6, 0.15, 0.09), (8, 0.8, 0.25, 0.15),
     (16, 0.6, 0.06, 0.04), (16, 0.8, 0.12, 0.06)],
)  # fmt: skip
def test_without_a_tolerance_a_few_points_of_baseline_confirm_half_as_often_in_error(
    points: int, alike: float, before: float, most: float
) -> None:
    second, third = (confirmed_in_error(alike, rule=rule, tolerance=1e-9, points=points) for rule in (2, 3))

    assert second >= before
    assert third <= most


def delays(at: int, alike: float, jump: float, *, rule: int, tolerance: float) -> list[int]:
    """Give how many points of a jump it takes to confirm it, in each of 60 series; a thousand: never."""
    found = []
    for seed in range(60):
        values = [value + jump * (k >= at) for k, value in enumerate(going_on(seed, alike, at + 60))]
        told = [one.point for one in watched(values, rule=rule, tolerance=tolerance) if one.verdict == "confirmed"]
        found.append(min((point for point in told if point >= at), default=at + 999) - at + 1)
    return found


@pytest.mark.parametrize(("alike", "second", "third"), [(0.0, 5, 5), (0.6, 9, 14)])
def test_a_jump_of_five_standard_deviations_is_confirmed_within_so_many_points(
    alike: float, second: int, third: int
) -> None:
    assert median(delays(38, alike, 5.0, rule=2, tolerance=2.0)) <= second
    assert median(delays(38, alike, 5.0, rule=3, tolerance=2.0)) <= third


@pytest.mark.parametrize(("at", "jump", "most", "never"), [(8, 5.0, 6, 0.02), (38, 3.0, 6, 0.05), (8, 3.0, 20, 0.3)])
def test_a_jump_that_has_no_tolerance_to_pass_is_confirmed_within_so_many_points(
    at: int, jump: float, most: int, never: float
) -> None:
    found = delays(at, 0.0, jump, rule=3, tolerance=1e-9)

    assert median(found) <= most
    assert sum(each > 60 for each in found) <= never * len(found)


def test_a_blip_that_raises_no_suspicion_leaves_the_course_of_a_calm_series_as_it_was() -> None:
    values = [*[0.1] * 12, *[0.5] * 2, *[0.1] * 12]
    watch = SeriesWatch(name="m", direction="higher_is_worse", tolerance=0.2, relative=True)
    for value in values:
        watch, _ = watch.observe(value, Metrics(alarm=1e6))

    assert watch.course is not None
    assert watch.course.points == len(values)
    assert watch.course.weight() == 1.0


def test_an_outlier_hides_no_course() -> None:
    values = going_on(4, 0.6, 400)
    far = [*values[:200], 1e6, *values[200:]]
    weights = []
    for one in (values, far):
        watch = SeriesWatch(name="m", direction="higher_is_worse", tolerance=4.0)
        for value in one:
            watch, _ = watch.observe(value, POLICY)
        weights.append(Course.from_json(watch.to_json()["course"]).weight())

    assert weights[1] == pytest.approx(weights[0], abs=0.05)


@pytest.mark.parametrize("rule", [1, 2, 3])
def test_a_state_goes_on_by_the_rule_that_it_came_from(rule: int) -> None:
    values = [*going_on(3, 0.8, 40), *[6.0] * 8]
    for cut in range(1, len(values)):
        watch = SeriesWatch(name="m", direction="higher_is_worse", tolerance=1.0, **RULES[rule])
        for value in values[:cut]:
            watch, _ = watch.observe(value, POLICY)
        state = orjson.loads(orjson.dumps(watch.to_json()))

        assert rule_of(state) == rule
        assert restored(state) == watch
        assert judge({"state": state, "points": values[cut:]}, POLICY) == watched(values, rule=rule, tolerance=1.0)[-1]


def test_rules_tell_the_same_points_apart() -> None:
    values = [*going_on(3, 0.8, 40), *[6.0] * 8]
    first, second, third = (watched(values, rule=rule, tolerance=1.0) for rule in (1, 2, 3))

    assert first != second != third != first
