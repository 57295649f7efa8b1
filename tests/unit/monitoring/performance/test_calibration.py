"""Whether scores are chances, and which chances fit best."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2
from sklearn.isotonic import IsotonicRegression

from monitoring.performance.calibration import LEVEL, chi_squared_tail, pooled, refuted
from monitoring.profiles.reference import Floats

LAWS = {
    "even": lambda rng, rows: rng.uniform(size=rows),
    "sure": lambda rng, rows: rng.beta(0.05, 0.2, size=rows),
    "rare": lambda rng, rows: rng.beta(1, 60, size=rows),
    "coarse": lambda rng, rows: rng.integers(0, 5, size=rows) / 4,
}


def refusals(scores: Floats, chances: Floats, draws: int) -> int:
    """Count how often labels drawn by *chances* refute *scores*."""
    rng = np.random.default_rng(11)
    return sum(refuted(scores, rng.uniform(size=len(scores)) < chances) for _ in range(draws))


@pytest.mark.parametrize("rows", [50, 300, 5_000])
@pytest.mark.parametrize("law", LAWS)
def test_scores_that_are_chances_are_refuted_as_seldom_as_two_tests_may(law: str, rows: int) -> None:
    scores = LAWS[law](np.random.default_rng(rows), rows)

    found = refusals(scores, scores, 400)

    assert found <= 400 * 2 * LEVEL + 3 * np.sqrt(400 * 2 * LEVEL)


@pytest.mark.parametrize(
    "chances",
    [lambda s: s**2 / (s**2 + (1 - s) ** 2), lambda s: 0.25 + s / 2, lambda s: s**1.3, lambda s: s + s * (1 - s) / 4],
    ids=["not sure enough", "too sure", "bent", "too low"],
)
def test_scores_that_are_no_chances_are_refuted(chances: object) -> None:
    scores = LAWS["even"](np.random.default_rng(2), 5_000)

    found = refusals(scores, chances(scores), 50)  # type: ignore[operator]  # one of the laws above

    assert found >= 48


def test_a_few_rows_of_sure_scores_that_are_often_wrong_are_enough() -> None:
    scores = np.where(np.arange(50) % 2, 0.999, 0.001)

    assert refusals(scores, np.where(scores > 0.5, 0.7, 0.3), 50) == 50


def test_what_cannot_be_refutes_scores_and_what_must_be_does_not() -> None:
    sure = np.array([0.0, 1.0, 0.0, 1.0])

    assert not refuted(sure, sure == 1)
    assert refuted(sure, np.array([False, True, True, True]))


@pytest.mark.parametrize("degrees", [2, 4, 10])
@pytest.mark.parametrize("value", [0.0, 1.5, 18.3, 90.0])
def test_the_tail_is_that_of_chi_squared(value: float, degrees: int) -> None:
    assert chi_squared_tail(value, degrees) == pytest.approx(chi2.sf(value, degrees), rel=1e-12)


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(1, 20)), min_size=1, max_size=30))
def test_the_fit_is_the_isotonic_regression(counts: list[tuple[int, int]]) -> None:
    ones, rows = [min(one, row) for one, row in counts], [row for _, row in counts]

    found = pooled(ones, rows)

    shares = [one / row for one, row in zip(ones, rows, strict=True)]
    expected = IsotonicRegression().fit_transform(range(len(rows)), shares, sample_weight=rows)
    assert found == pytest.approx(expected.tolist())


def test_places_without_rows_take_the_chance_of_a_neighbour() -> None:
    assert pooled([0, 0, 1, 0], [0, 2, 1, 0]) == [0.0, 0.0, 1.0, 1.0]
    assert pooled([0, 0], [0, 0]) == [0.5, 0.5]
