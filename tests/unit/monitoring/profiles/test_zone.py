import numpy as np
import pytest
from numpy.typing import NDArray

from monitoring.profiles.zone import ratios

Floats = NDArray[np.float64]
TOLERANCE = 0.05


def laws(seed: int) -> tuple[Floats, Floats, Floats]:
    """Give a reference, another law, and 200 laws within the tolerance of the first, half of them at its edge."""
    generator = np.random.default_rng(seed)
    p, q = generator.dirichlet(np.ones(12)), generator.dirichlet(np.ones(12))
    mixed = generator.dirichlet(np.full(12, 0.3), size=200)
    apart = np.abs(mixed - p).sum(axis=1) / 2
    share = np.minimum(1.0, TOLERANCE / apart) * np.where(np.arange(200) < 100, 1.0, 0.5)
    return p, q, p + (mixed - p) * share[:, None]


@pytest.mark.parametrize("seed", range(5))
def test_the_mean_is_at_most_1_within_the_zone_and_1_where_it_is_largest(seed: int) -> None:
    p, q, tolerated = laws(seed)

    found = np.array(ratios(p.tolist(), q.tolist(), TOLERANCE))

    assert (tolerated @ found).max() <= 1 + 1e-12
    assert p @ found + TOLERANCE * (found.max() - found.min()) == pytest.approx(1)


@pytest.mark.parametrize("seed", range(5))
def test_nothing_tolerated_is_nearer_to_the_other_law(seed: int) -> None:
    p, q, tolerated = laws(seed)

    found = np.array(ratios(p.tolist(), q.tolist(), TOLERANCE))
    nearest = q / found

    assert nearest.sum() == pytest.approx(1)
    assert np.abs(nearest - p).sum() / 2 == pytest.approx(TOLERANCE)
    assert (q * np.log(q / tolerated)).sum(axis=1).min() >= (q * np.log(found)).sum()


@pytest.mark.parametrize("seed", range(5))
def test_against_the_other_law_the_ratio_turned_round_has_mean_1(seed: int) -> None:
    p, q, _ = laws(seed)

    found = np.array(ratios(p.tolist(), q.tolist(), TOLERANCE))

    assert (q / found).sum() == pytest.approx(1)


def test_with_no_tolerance_it_is_the_plain_ratio() -> None:
    p, q, _ = laws(0)

    assert ratios(p.tolist(), q.tolist(), 0.0) == pytest.approx((q / p).tolist())


def test_what_is_within_the_zone_is_no_alternative() -> None:
    p, _, tolerated = laws(0)

    assert all(ratios(p.tolist(), each.tolist(), TOLERANCE + 1e-9) is None for each in tolerated)
