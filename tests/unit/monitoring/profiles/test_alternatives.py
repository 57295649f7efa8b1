import math

import numpy as np
import pytest
from numpy.typing import NDArray

from monitoring.profiles.alternatives import ASTRAY, FORCE, Alternative, kept, shares
from monitoring.profiles.learning import learn
from monitoring.profiles.reference import Column, Feature

Floats = NDArray[np.float64]


def feature(rows: int) -> Feature:
    values = np.random.default_rng(1).normal(size=rows)
    return learn([Column(name="a")], values[:, None], values).features[0]


def farthest(p: Floats, values: Floats, rows: int) -> Floats:
    """Give the law at the edge of what *rows* rows cannot tell from *p* whose mean of *values* is largest."""
    centred = values - p @ values
    return np.asarray(p * (1 + ASTRAY / math.sqrt(rows) * centred / math.sqrt(p @ centred**2)))


def force(each: Alternative) -> Floats:
    """Give the power of evidence for each slot that is sound where a reference is off."""
    return np.asarray(np.exp(FORCE * (np.array(each.ratios) - each.offset)))


@pytest.mark.parametrize("rows", [1_000, 4_000, 20_000])
@pytest.mark.parametrize("tolerance", [0.0, 0.005])
def test_evidence_keeps_its_force_under_every_law_that_the_reference_may_be_off_by(rows: int, tolerance: float) -> None:
    found = feature(rows)
    p = np.array(shares(found))

    means = [
        farthest(p, force(each), math.floor(rows / spread)) @ force(each) for each, spread in kept(found, tolerance, 2)
    ]

    assert len(means) > 5
    assert max(means) <= 1 + 1e-3


@pytest.mark.parametrize("rows", [1_000, 20_000])
def test_under_the_reference_itself_evidence_has_a_mean_of_at_most_1(rows: int) -> None:
    found = feature(rows)
    p = np.array(shares(found))

    means = [p @ np.exp(np.array(each.ratios) - each.offset) for each, _ in kept(found, 0.0, 2)]

    assert max(means) <= 1 + 1e-9


def test_a_larger_reference_looks_for_smaller_changes_and_gives_up_less() -> None:
    few, many = ({each.name: each.offset for each, _ in kept(feature(rows), 0.0, 2)} for rows in (1_000, 20_000))

    assert "shift +0.1" in many.keys() - few.keys()
    assert all(many[name] <= few[name] for name in few)
    assert many["shift +0.1"] == 0
