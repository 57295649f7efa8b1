"""Segments: which rows are in them, and what is told of them to others names the same rows."""

from __future__ import annotations

import math

import numpy as np
import pytest

from measures.segments import Segment

VALUES = np.array([-2.0, 0.0, 1.0, 2.0, 30.0, math.nan, math.inf])


@pytest.mark.parametrize(
    "segment",
    [
        Segment(name="colour=red", feature=1, code=0),
        Segment(name="x<1", feature=0, high=1.0),
        Segment(name="1<=x<2", feature=0, low=1.0, high=2.0),
        Segment(name="x>=2", feature=0, low=2.0),
        Segment(name="x", feature=0),
    ],
)
def test_a_segment_that_was_written_as_json_is_read_back_as_it_was(segment: Segment) -> None:
    again = Segment(**segment.to_json())

    assert again == segment
    np.testing.assert_array_equal(again.holds(VALUES), segment.holds(VALUES))


def test_a_segment_holds_its_lower_bound_and_not_its_upper_one_and_no_row_without_a_value() -> None:
    def held(low: float, high: float) -> list[float]:
        return list(VALUES[Segment(name="x", feature=0, low=low, high=high).holds(VALUES)])

    assert held(0.0, 2.0) == [0.0, 1.0]
    assert held(-math.inf, 0.0) == [-2.0]
    assert held(2.0, math.inf) == [2.0, 30.0]
    assert held(-math.inf, math.inf) == [-2.0, 0.0, 1.0, 2.0, 30.0]


def test_a_segment_of_a_category_holds_its_code_alone() -> None:
    assert VALUES[Segment(name="colour=red", feature=1, code=0).holds(VALUES)].tolist() == [0.0]


def test_json_of_a_segment_has_no_infinity() -> None:
    assert Segment(name="x>=2", feature=3, low=2.0).to_json() == {"name": "x>=2", "feature": 3, "low": 2.0}
