"""A bet wins nothing on the average where nothing has changed, as far as it names the law of the points rightly."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import product

import numpy as np
import pytest

from monitoring.signals.bets import Counts, fixed, learned

Bet = Callable[[bool, Counts, Counts], float]


def by_rate(bad: bool, normal: Counts, _: Counts) -> float:  # noqa: FBT001 - a point of a sequence
    """Bet as the second rule does on points of a suspicion."""
    return fixed(bad=bad, normal=normal)


def by_urn(bad: bool, normal: Counts, suspicion: Counts) -> float:  # noqa: FBT001 - a point of a sequence
    """Bet as the third rule does."""
    return learned(bad=bad, normal=normal, suspicion=suspicion)


def mean_e_value(bet: Bet, normal: Counts, suspicion: Counts, points: int) -> float:
    """Sum the e-value of all sequences of so many points, each by its chance in an urn that has all points so far."""
    total = 0.0
    for sequence in product((True, False), repeat=points):
        seen, chance, gain = suspicion, 1.0, 0.0
        for bad in sequence:
            rate = (normal + seen).rate()
            chance *= rate if bad else 1 - rate
            gain += bet(bad, normal, seen)
            seen += Counts(1, int(bad))
        total += chance * math.exp(gain)
    return total


@pytest.mark.parametrize("normal", [Counts(2, 0), Counts(8, 0), Counts(30, 4)])
@pytest.mark.parametrize("suspicion", [Counts(2, 2), Counts(9, 4)])
def test_a_learned_bet_has_a_mean_e_value_of_1_whatever_came_before(normal: Counts, suspicion: Counts) -> None:
    for points in range(1, 9):
        assert mean_e_value(by_urn, normal, suspicion, points) == pytest.approx(1.0, rel=1e-9)


def test_a_fixed_bet_behind_eight_points_and_an_alarm_wins_much_where_nothing_has_changed() -> None:
    assert mean_e_value(by_rate, Counts(8, 0), Counts(2, 2), 5) > 20


def test_both_bets_are_as_good_as_one_where_much_is_known() -> None:
    many, alarm = Counts(100_000, 1_000), Counts(2, 2)

    assert learned(bad=True, normal=many, suspicion=alarm) == pytest.approx(fixed(bad=True, normal=many), abs=0.1)
    assert mean_e_value(by_rate, many, alarm, 5) == pytest.approx(1.0, abs=0.02)


def test_points_beyond_all_of_a_baseline_follow_each_other_as_the_urn_says() -> None:
    """Three in a row behind eight: 1 of 165, where one rate would have it 1 of 729."""
    points = np.random.default_rng(1).normal(size=(200_000, 11))
    found = float(np.mean(points[:, 8:].min(axis=1) > points[:, :8].max(axis=1)))
    chances = [Counts(8 + more, more).rate() for more in range(3)]

    assert math.prod(chances) == pytest.approx(1 / 165)
    assert found == pytest.approx(1 / 165, abs=4 * math.sqrt(1 / 165 / 200_000))


def test_bad_points_that_go_on_say_more_and_more() -> None:
    normal, seen, evidence = Counts(8, 0), Counts(2, 2), [0.0]
    for _ in range(200):
        evidence.append(evidence[-1] + learned(bad=True, normal=normal, suspicion=seen))
        seen += Counts(1, 1)

    assert np.all(np.diff(evidence) > 0)
    assert evidence[6] > math.log(30)
    assert evidence[200] > math.log(1e9)
