import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import linprog

from monitoring.profiles.alternatives import (
    ASTRAY,
    FINER,
    FORCE,
    LEVELS,
    RARE,
    Alternative,
    kept,
    ladder,
    quantised,
    shares,
)
from monitoring.profiles.learning import learn
from monitoring.profiles.reference import Column, Feature

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


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


def told(feature: Feature, rule: int) -> list[tuple[str, Ints]]:
    """Give the alternatives of *feature* by their names, and what each tells the slots, in units of evidence."""
    return [(each.name, np.array(quantised(each, spread))) for each, spread in kept(feature, 0.0, rule)]


@pytest.mark.parametrize("rule", [2, 3])
@pytest.mark.parametrize("rows", [1_000, 4_000, 20_000])
@pytest.mark.parametrize("tolerance", [0.0, 0.005])
def test_evidence_keeps_its_force_under_every_law_that_the_reference_may_be_off_by(
    rows: int, tolerance: float, rule: int
) -> None:
    found = feature(rows)
    p = np.array(shares(found))

    means = [
        farthest(p, force(each), math.floor(rows / spread)) @ force(each)
        for each, spread in kept(found, tolerance, rule)
    ]

    assert len(means) > 5
    assert max(means) <= 1 + 1e-3


@pytest.mark.parametrize("rule", [2, 3])
@pytest.mark.parametrize("rows", [1_000, 20_000])
@pytest.mark.parametrize("tolerance", [0.0, 0.02])
def test_no_law_of_the_zone_gives_evidence_a_mean_above_1(rows: int, tolerance: float, rule: int) -> None:
    """The law that gives most is found by linear programming: shares, and how far each is above the reference's."""
    found = feature(rows)
    p, one = np.array(shares(found)), np.eye(found.slots)
    within = max(tolerance, RARE / (RARE + rows))
    above = {"A_ub": np.block([[one, -one], [np.zeros(found.slots), np.ones(found.slots)]]), "b_ub": [*p, within]}
    law = {"A_eq": [[1.0] * found.slots + [0.0] * found.slots], "b_eq": [1.0]}

    means = []
    for each, _ in kept(found, tolerance, rule):
        told = np.exp(np.array(each.ratios) - each.offset)
        means.append(-linprog(np.append(-told, np.zeros(found.slots)), **above, **law).fun)

    assert len(means) > 5
    assert max(means) <= 1 + 1e-6


@pytest.mark.parametrize("rows", [1_000, 20_000])
def test_the_third_rule_tells_of_the_alternatives_of_the_second_in_few_levels(rows: int) -> None:
    found = feature(rows)
    second, third = told(found, 2), told(found, 3)

    assert [name for name, _ in third] == [name for name, _ in second]
    for _, line in third:
        apart = np.diff(np.unique(line))
        assert (line.max() - line.min()) // np.gcd.reduce(apart) <= 2 * LEVELS


@pytest.mark.parametrize("rows", [1_000, 20_000])
def test_what_the_third_rule_rounds_takes_next_to_nothing_off_how_evidence_grows(rows: int) -> None:
    found = feature(rows)
    laws, second = dict(ladder(found, FINER)), dict(told(found, 2))

    for name, line in told(found, 3):
        grown = laws[name] @ second[name]
        assert laws[name] @ line >= grown - 2e-4 * abs(grown) - 2


def test_a_larger_reference_looks_for_smaller_changes_and_gives_up_less() -> None:
    few, many = ({each.name: each.offset for each, _ in kept(feature(rows), 0.0, 2)} for rows in (1_000, 20_000))

    assert "shift +0.1" in many.keys() - few.keys()
    assert all(many[name] <= few[name] for name in few)
    assert many["shift +0.1"] == 0
