import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import lfilter
from scipy.stats import chi2

from monitoring.profiles.alternatives import ladder
from monitoring.profiles.dispersion import by_chance
from monitoring.profiles.learning import learn
from monitoring.profiles.reference import Column

Floats = NDArray[np.float64]
ROWS = 20_000


def of_shifts(values: Floats) -> list[float]:
    """Give the dispersion of each alternative that moves the mean."""
    return of_each(values[:, None])[0]


def of_each(rows: Floats) -> list[list[float]]:
    """Give for each feature the dispersion of each alternative that moves its mean."""
    columns = [Column(name=f"f{k}") for k in range(rows.shape[1])]
    features = learn(columns, rows, np.zeros(len(rows))).features[:-1]
    names = [name for name, _ in ladder(features[0])]
    return [
        [spread for name, spread in zip(names, each.dispersion, strict=True) if name.startswith("shift")]
        for each in features
    ]


def remembering(rho: float, seed: int) -> Floats:
    fresh = np.random.default_rng(seed).normal(size=ROWS)
    return np.asarray(lfilter([np.sqrt(1 - rho * rho)], [1.0, -rho], fresh))


def test_independent_rows_are_seldom_taken_for_dependent_ones() -> None:
    found = [max(of_shifts(remembering(0.0, seed))) for seed in range(40)]

    assert sum(each > 1 for each in found) <= 4


def test_rows_that_remember_vary_as_theory_says() -> None:
    rho = 0.3
    expected = (1 + rho) / (1 - rho)

    found = [of_shifts(remembering(rho, seed))[0] for seed in range(9)]

    assert min(found) > 0.7 * expected
    assert float(np.median(found)) == pytest.approx(expected, rel=0.2)


def test_features_together_show_what_one_alone_does_not() -> None:
    rho, rows = 0.1, 4_000
    features = np.stack([remembering(rho, seed)[:rows] for seed in range(25)], axis=1)

    alone = [of_shifts(each)[0] for each in features.T]
    together = [each[0] for each in of_each(features)]

    assert sum(each == 1 for each in alone) > 5
    assert min(together) > 0.9 * (1 + rho) / (1 - rho)


def test_equal_features_together_show_no_more_than_one_alone() -> None:
    rows = np.random.default_rng(3).normal(size=(40, 4_000))

    found = [max(of_each(np.repeat(each[:, None], 10, axis=1))[0]) for each in rows]

    assert sum(each > 1 for each in found) <= 4


def test_a_feature_whose_rows_are_independent_stays_so_among_others() -> None:
    features = np.stack([*(remembering(0.6, seed) for seed in range(4)), remembering(0.0, 4)], axis=1)

    found = [max(each) for each in of_each(features)]

    assert min(found[:4]) > 3
    assert found[4] < 1.5


def test_a_slow_swing_shows_in_long_stretches() -> None:
    swing = 0.3 * np.sin(2 * np.pi * 2 * np.arange(ROWS) / ROWS)

    assert min(of_shifts(np.random.default_rng(1).normal(size=ROWS) + swing)) > 10


@pytest.mark.parametrize("freedom", [7, 15, 63, 255])
def test_what_chance_is_allowed_is_the_quantile_of_theory(freedom: int) -> None:
    assert by_chance(freedom) == pytest.approx(chi2.ppf(1 - 1 / 161, freedom) / freedom, rel=0.01)
