"""A quantile of buckets lies in the bucket of the value that it stands for, and grows with its share."""

from __future__ import annotations

import bisect

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.otlp.histogram import quantile

BOUNDS = (0.1, 0.5, 1.0, 5.0)
values = st.lists(st.floats(0.001, 10), min_size=1, max_size=60)


def buckets(told: list[float]) -> list[int]:
    counts = [0] * (len(BOUNDS) + 1)
    for value in told:
        counts[bisect.bisect_left(BOUNDS, value)] += 1
    return counts


@pytest.mark.parametrize(
    ("share", "bounds", "counts", "found"),
    [
        (0.5, (1.0, 2.0), (0, 10, 0), 1.5),
        (0.25, (1.0, 2.0), (10, 0, 10), 0.5),  # half of the way into the first bucket, which begins at 0
        (0.99, (1.0, 2.0), (0, 0, 10), 2.0),  # beyond the last bound nothing is known but that
        (0.5, (-1.0, 2.0), (10, 0, 0), -1.0),
        (0.5, (1.0, 2.0), (0, 1, 0), 1.5),
    ],
)
def test_it_is_linear_within_a_bucket(
    share: float, bounds: tuple[float, ...], counts: tuple[int, ...], found: float
) -> None:
    assert quantile(share, bounds, counts) == found


@pytest.mark.parametrize(("bounds", "counts"), [((1.0,), (0, 0)), ((), (5,))])
def test_of_nothing_there_is_no_quantile(bounds: tuple[float, ...], counts: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="nothing was counted"):
        quantile(0.5, bounds, counts)


@given(values, st.floats(0.001, 0.999))
def test_it_lies_in_the_bucket_of_the_value_of_that_rank(told: list[float], share: float) -> None:
    counts = buckets(told)
    exact = sorted(told)[min(int(-(-share * len(told) // 1)), len(told)) - 1]
    at = bisect.bisect_left(BOUNDS, exact)

    found = quantile(share, BOUNDS, counts)

    assert (BOUNDS[at - 1] if at else 0.0) <= found <= (BOUNDS[at] if at < len(BOUNDS) else BOUNDS[-1])


@given(values, st.floats(0.001, 0.999), st.floats(0.001, 0.999))
def test_it_grows_with_its_share(told: list[float], one: float, other: float) -> None:
    counts = buckets(told)

    assert quantile(min(one, other), BOUNDS, counts) <= quantile(max(one, other), BOUNDS, counts)
