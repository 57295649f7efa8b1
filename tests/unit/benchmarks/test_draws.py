import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.detectors.draws import MANY, multinomial

MIDDLE = np.array([0.02, 0.0, 0.001, *[0.939 / 60] * 60, 0.04, 0.0])
HEAVY = np.array([0.02, 0.7, 0.0, 0.28])


@pytest.mark.parametrize("windows", [5, MANY, 500])
@pytest.mark.parametrize("rows", [1, 25, 1_000])
@pytest.mark.parametrize("chances", [MIDDLE, HEAVY, np.array([0.0, 0.0, 1.0]), np.array([1.0, 0.0])])
def test_draws_are_those_of_numpy_and_leave_the_generator_as_it_does(
    chances: NDArray[np.float64], rows: int, windows: int
) -> None:
    ours, theirs = np.random.default_rng(7), np.random.default_rng(7)
    found = np.full((windows, len(chances) + 2), -1)

    multinomial(ours, rows, chances, found[:, 1:-1])

    assert (found[:, 1:-1] == theirs.multinomial(rows, chances, size=windows)).all()
    assert (found[:, [0, -1]] == -1).all()
    assert ours.bit_generator.state == theirs.bit_generator.state
