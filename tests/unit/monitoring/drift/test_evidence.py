import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.drift.evidence import DIGITS, log_mean_exp, log_mean_exps
from monitoring.profiles.alternatives import NATS

UNITS = st.one_of(*(st.integers(-most, most) for most in (9, 1 << 22, 1 << 31, 1 << 45)))


def by_parts(parts: list[list[int]]) -> list[float]:
    widths = [len(part) for part in parts]
    lines = np.array([[*part, *[1 << 50] * (max(widths) - len(part))] for part in parts], np.int64)
    priors = np.arange(lines.shape[1])[None]
    return log_mean_exps(lines - priors, priors, widths)


@given(parts=st.lists(st.lists(UNITS, min_size=1, max_size=40), min_size=1, max_size=5))
def test_means_of_many_are_those_of_each_to_the_bit(parts: list[list[int]]) -> None:
    assert list(map(repr, by_parts(parts))) == [repr(log_mean_exp(part)) for part in parts]


@pytest.mark.parametrize("offset", [-1, 0, 1])
def test_a_mean_at_the_edge_between_two_digits_is_that_of_the_exact_sum(offset: int) -> None:
    """Units nearest to k + 1/2 millionths, where rounding floats would be a matter of luck."""
    parts = [[round((k + 0.5) * 1e-6 * NATS) + offset] * 7 for k in range(-2_000, 2_000)]

    assert list(map(repr, by_parts(parts))) == [repr(log_mean_exp(part)) for part in parts]


def test_a_mean_of_nothing_but_small_change_keeps_its_sign() -> None:
    found = by_parts([[0], [0, 0, 0], [-1, 0], [1, -1]])

    assert list(map(repr, found)) == [repr(log_mean_exp(part)) for part in ([0], [0, 0, 0], [-1, 0], [1, -1])]


@given(
    lines=st.lists(st.lists(st.integers(-(1 << 40), 1 << 40), min_size=3, max_size=3), min_size=1, max_size=5),
    weights=st.lists(st.integers(1, 1_000_000), min_size=3, max_size=3),
)
def test_no_weighted_mean_is_above_the_highest_by_more_than_the_last_digit_that_is_kept(
    lines: list[list[int]], weights: list[int]
) -> None:
    priors = [math.floor(math.log(weight * 3 / sum(weights)) * NATS) for weight in weights]

    means = log_mean_exps(np.array(lines), np.array([priors]), [3] * len(lines))

    assert all(mean <= max(line) * (1 / NATS) + 1 / DIGITS for mean, line in zip(means, lines, strict=True))
