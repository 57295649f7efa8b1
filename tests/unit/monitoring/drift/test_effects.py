"""Sizes of a change, against what theory says of normal laws, and how features stand when a window is added."""

import math

import numpy as np
import pytest

from monitoring.drift.effects import effects, wasserstein
from monitoring.drift.promises import DriftThresholds
from monitoring.drift.standing import standings
from monitoring.drift.watches import DriftWatch
from monitoring.profiles.learning import learn
from monitoring.profiles.profile import Profile, profile
from monitoring.profiles.reference import Column, Feature, Floats, Reference

ROWS = 20_000
COLUMNS = [Column(name="a"), Column(name="b"), Column(name="c", kind="categorical", categories=3)]


def some_rows(seed: int, rows: int = ROWS, shift: float = 0.0) -> Floats:
    """Give rows whose first feature is moved by *shift* standard deviations."""
    chance = np.random.default_rng(seed)
    return np.column_stack([shift + chance.normal(size=rows), chance.normal(size=rows), chance.integers(0, 3, rows)])


@pytest.fixture(scope="module")
def reference() -> Reference:
    rows = some_rows(1)
    return learn(COLUMNS, rows, rows[:, 0])


def counted(reference: Reference, rows: Floats) -> Profile:
    return profile(reference, rows, rows[:, 0])


def slots(reference: Reference, rows: Floats, feature: int = 0) -> list[int]:
    a, b = reference.starts[feature : feature + 2]
    return [int(count) for count in counted(reference, rows).counts[a:b]]


def with_counts(counts: tuple[int, ...]) -> Feature:
    special = (0,) * 7
    return Feature(
        name="x", kind="numeric", edges=(0.5,), low=0.0, high=1.0, codes=(), counts=special + counts, peaks=()
    )


def test_effect_sizes_are_zero_for_equal_counts_and_grow_with_the_change() -> None:
    even, one_sided = with_counts((50, 50)), with_counts((100, 0))
    same, some = effects(even, [0] * 7 + [50, 50]), effects(even, [0] * 7 + [70, 30])
    all_of_it = effects(one_sided, [0] * 7 + [0, 100])

    assert same == {"psi": 0.0, "js": 0.0, "ks": 0.0, "wasserstein": 0.0}
    for name in ("psi", "js", "ks"):
        assert 0 < some[name] < all_of_it[name]
    assert some["wasserstein"] == pytest.approx(0.4)  # a fifth of the rows, moved by half, of a spread of a quarter
    assert all_of_it["js"] <= 1
    assert all_of_it["ks"] <= 1


@pytest.mark.parametrize("shift", [0.1, 0.5, 1.0])
def test_a_shift_of_a_normal_law_is_moved_by_as_many_spreads(reference: Reference, shift: float) -> None:
    moved = wasserstein(reference.features[0], slots(reference, some_rows(2, shift=shift)))

    assert moved == pytest.approx(shift, rel=0.05, abs=0.02)


def test_a_wider_normal_law_is_moved_as_far_as_theory_says(reference: Reference) -> None:
    moved = wasserstein(reference.features[0], slots(reference, some_rows(3) * [1.5, 1, 1]))

    assert moved == pytest.approx(0.5 * math.sqrt(2 / math.pi), rel=0.1)


def test_there_is_no_distance_between_categories_or_from_what_never_varied_or_is_not_known(
    reference: Reference,
) -> None:
    constant = learn([Column(name="a")], np.ones((100, 1)), np.zeros(100)).features[0]
    missing = np.full((10, 3), np.nan)

    assert wasserstein(reference.features[2], slots(reference, some_rows(4), 2)) is None
    assert wasserstein(constant, [0] * (constant.slots - 1) + [10]) is None
    assert wasserstein(reference.features[0], slots(reference, missing)) is None


def test_each_feature_stands_with_its_own_evidence_and_the_one_that_moved_stands_out(reference: Reference) -> None:
    watch = DriftWatch.start(reference, DriftThresholds())
    rows = some_rows(5, 400, 1.0)

    found = {one.name: one for one in standings(watch, counted(reference, rows))}

    assert list(found) == ["a", "b", "c", "@output"]
    assert found["a"].change.startswith("shift +")
    assert found["a"].log_evidence > math.log(1_000) > max(found["b"].log_evidence, found["c"].log_evidence)
    assert found["a"].sizes["wasserstein"] > 4 * found["b"].sizes["wasserstein"]
    assert "wasserstein" not in found["c"].sizes


def test_a_standing_adds_up_what_windows_before_it_have_taught(reference: Reference) -> None:
    policy, first, second = DriftThresholds(), some_rows(6, 200, 0.2), some_rows(7, 200, 0.2)
    start = DriftWatch.start(reference, policy)
    watch, finding = start.observe(0, counted(reference, first), policy)

    alone, after = (standings(one, counted(reference, second))[0].log_evidence for one in (start, watch))

    assert finding.verdict == "none"
    assert after > alone


def test_a_feature_that_cannot_be_told_from_itself_stands_without_evidence() -> None:
    reference = learn([Column(name="a")], np.ones((20, 1)), np.zeros(20))
    watch = DriftWatch.start(reference, DriftThresholds(tolerance=0.9))

    found = standings(watch, profile(reference, np.ones((5, 1)), np.zeros(5)))

    assert [(one.name, one.change, one.log_evidence) for one in found] == [("a", "", 0.0), ("@output", "", 0.0)]
