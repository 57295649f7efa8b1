"""Claims about tails: a row passes their limit as rarely as is accepted, whatever the law that rows follow."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import orjson
import pytest

from monitoring.profiles.tails import ABOVE, BELOW, DESERT, SIDES, Limit, Limits, Tail, learn_tail
from statemachine.record.canonical import canonical

Floats = npt.NDArray[np.float64]
Law = tuple[Callable[[np.random.Generator, int], Floats], Callable[[float], float]]  #: draws, and the chance of more
REFERENCE, CHANCE = 1_000, 1e-5


def pareto(index: float) -> Law:
    return lambda chance, rows: 1 + chance.pareto(index, rows), lambda value: max(value, 1.0) ** -index


def lognormal(sigma: float) -> Law:
    return lambda chance, rows: chance.lognormal(0, sigma, rows), lambda value: _normal(math.log(value) / sigma)


def _normal(value: float) -> float:
    return math.erfc(value / math.sqrt(2)) / 2


def _student(value: float) -> float:
    """The chance that Student's t with three degrees of freedom exceeds a value (Johnson, Kotz, Balakrishnan, 28.2)."""
    scaled = value / math.sqrt(3)
    # What is left of a quarter turn, so that a small chance keeps its digits.
    return max((math.atan2(1, scaled) - scaled / (1 + scaled**2)) / math.pi, 0.0)


def _amounts(chance: np.random.Generator, rows: int) -> Floats:
    return np.where(chance.uniform(size=rows) < 0.7, 0.0, chance.lognormal(0, 1.5, rows))


LAWS: dict[str, Law] = {
    "power 0.8": pareto(0.8),
    "power 1.5": pareto(1.5),
    "power 4": pareto(4.0),
    "lognormal": lognormal(2.0),
    "normal": (lambda chance, rows: chance.normal(size=rows), _normal),
    "Student's": (lambda chance, rows: chance.standard_t(3, rows), _student),
    "exponential": (lambda chance, rows: chance.exponential(size=rows), lambda value: math.exp(-value)),
    "uniform": (lambda chance, rows: chance.uniform(size=rows), lambda value: max(1 - value, 0.0)),
    "counts": (
        lambda chance, rows: np.floor(chance.lognormal(3, 2.0, rows)),
        lambda value: _normal((math.log(math.floor(value) + 1) - 3) / 2.0),
    ),
    "amounts": (_amounts, lambda value: 0.3 * _normal(math.log(value) / 1.5)),
}


def passed(law: Law, references: int) -> Floats:
    """Give the chance that a further row passes the limit above, for each of some references."""
    draw, more = law
    tails = (learn_tail(draw(np.random.default_rng(seed), REFERENCE), ABOVE) for seed in range(references))
    bare = (Tail(**{**one.to_json(), "span": 0.0}) for one in tails)
    return np.array([more(one.middle + one.limit(CHANCE).absurd) for one in bare])


@pytest.mark.parametrize("law", LAWS)
def test_a_row_passes_the_limit_of_whatever_tail_with_the_accepted_chance_at_most(law: str) -> None:
    found = passed(LAWS[law], 1_000)

    assert found.mean() <= CHANCE + 3 * found.std() / math.sqrt(len(found))


def test_of_a_power_law_nearly_all_of_the_accepted_chance_is_used() -> None:
    assert passed(LAWS["power 0.8"], 1_000).mean() >= CHANCE / 2


@pytest.mark.parametrize("law", ["lognormal", "normal", "exponential", "uniform"])
def test_of_shorter_tails_little_of_it_is_used(law: str) -> None:
    assert passed(LAWS[law], 300).mean() <= CHANCE / 2


def test_a_limit_below_is_that_of_the_mirror_image() -> None:
    rows = np.random.default_rng(1).lognormal(0, 1, REFERENCE)

    assert learn_tail(-rows, BELOW).limit(CHANCE).absurd == learn_tail(rows, ABOVE).limit(CHANCE).absurd


def test_no_limit_lies_within_one_range_beyond_the_range() -> None:
    rows = np.random.default_rng(1).uniform(size=REFERENCE)

    both = [learn_tail(rows, side).limit(CHANCE) for side in SIDES]

    assert both[0].middle - both[0].absurd <= rows.min() - np.ptp(rows)
    assert both[1].middle + both[1].absurd >= rows.max() + np.ptp(rows)


@pytest.mark.parametrize(
    "values",
    [np.zeros(100), np.arange(10.0), np.full(50, np.nan), np.repeat([0.0, 1.0], 50), np.empty(0), [-1e308, 1e308] * 99],
)
def test_a_side_with_few_rows_or_values_has_no_limit(values: Floats) -> None:
    tails = [learn_tail(np.asarray(values, np.float64), side) for side in SIDES]

    assert Limits.of([tails], CHANCE).each == ((None, None),)


def test_values_that_stop_at_a_bound_are_judged_by_those_below_it() -> None:
    rows = np.minimum(np.random.default_rng(1).normal(90, 20, REFERENCE), 100.0)

    tail = learn_tail(rows, ABOVE)

    assert (tail.spacings > 0, tail.near < tail.far) == (True, True)


def test_tails_that_the_range_limits_leave_their_chance_to_the_longer_ones() -> None:
    rows = np.random.default_rng(1)
    long = learn_tail(1 + rows.pareto(1.5, REFERENCE), ABOVE)
    short = [learn_tail(rows.uniform(size=REFERENCE), side) for side in SIDES]

    alone, beside = (Limits.of([each], CHANCE).each[0][-1] for each in ([long], [*short, long]))

    assert alone is not None
    assert beside is not None
    assert alone.absurd <= beside.absurd <= 1.001 * alone.absurd


LIMIT = Limit(side=ABOVE, middle=0.0, way=10.0, absurd=20.0)


def test_one_value_beyond_the_limit_stands_apart() -> None:
    assert LIMIT.apart(np.array([1.0, 2.0, 21.0])).tolist() == [False, False, True]


def test_nothing_stands_apart_where_others_are_on_the_way() -> None:
    rows = np.array([*np.ones(50), *np.full(DESERT - 1, 21.0), 15.0])

    assert not LIMIT.apart(rows).any()
    assert LIMIT.apart(np.append(rows, 21.0)).sum() == DESERT


def test_what_most_rows_have_is_not_absurd() -> None:
    assert not LIMIT.apart(np.array([1.0, 21.0, 22.0])).any()


def test_what_is_missing_or_infinite_is_not_absurd() -> None:
    assert not LIMIT.apart(np.array([1.0, np.nan, np.inf, -np.inf])).any()


def test_a_tail_is_read_back_from_what_is_recorded() -> None:
    tail = learn_tail(np.random.default_rng(1).normal(size=REFERENCE), BELOW)

    assert Tail.from_json(orjson.loads(canonical(tail.to_json()))) == tail


def test_no_absurd_value_goes_unseen_among_missing_and_infinite_ones() -> None:
    chance, numbers = np.random.default_rng(1), np.arange(300)
    past = chance.lognormal(0, 1, (REFERENCE, 3)) * [1, -1, 1]
    limits = Limits.of([[learn_tail(values, side) for side in SIDES] for values in past.T], CHANCE)
    now = past[:300].copy()
    now[5:9] = np.array([np.nan, np.inf, -np.inf, 1e300])[:, None]
    now[:, 2] = np.nan

    found = limits.apart(now, numbers)

    assert found[0][1] == (8,)
    assert found == tuple(
        tuple(tuple(numbers[one.apart(values)].tolist()) if one else () for one in both)
        for both, values in zip(limits.each, now.T, strict=True)
    )
    assert limits.apart(now[:0], numbers[:0]) == (((), ()),) * 3
