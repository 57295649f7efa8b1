import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import lfilter
from scipy.stats import chi2

from monitoring.alternatives import ladder
from monitoring.dispersion import by_chance
from monitoring.learning import learn
from monitoring.reference import Column

Floats = NDArray[np.float64]
ROWS = 20_000


def of_shifts(values: Floats) -> list[float]:
    """Give the dispersion of each alternative that moves the mean."""
    feature = learn([Column(name="a")], values[:, None], np.zeros(len(values))).features[0]
    names = [name for name, _ in ladder(feature)]
    return [spread for name, spread in zip(names, feature.dispersion, strict=True) if name.startswith("shift")]


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


def test_a_slow_swing_shows_in_long_stretches() -> None:
    swing = 0.3 * np.sin(2 * np.pi * 2 * np.arange(ROWS) / ROWS)

    assert min(of_shifts(np.random.default_rng(1).normal(size=ROWS) + swing)) > 10


@pytest.mark.parametrize("freedom", [7, 15, 63, 255])
def test_what_chance_is_allowed_is_the_quantile_of_theory(freedom: int) -> None:
    assert by_chance(freedom) == pytest.approx(chi2.ppf(1 - 1 / 161, freedom) / freedom, rel=0.01)
