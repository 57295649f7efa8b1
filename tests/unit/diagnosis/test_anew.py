"""What a diagnosis says when the rows since the onset have doubled: causes that chance named go, right ones stay."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest

from diagnosis import judge
from monitoring.profiles.learning import learn
from monitoring.profiles.profile import loss_table
from monitoring.profiles.reference import Column
from statemachine.policies import sections
from tests.fixtures import turning
from tests.fixtures.turning import Floats
from tests.unit.diagnosis.conftest import brier, related

BEFORE, ROWS, SEEDS = 1_000, (60, 120, 240), range(16)
ASTRAY = 0.8  #: what a broken serving process adds to every column
Spans = tuple[tuple[Floats, Floats, Floats], tuple[Floats, Floats, Floats]]


def turned(seed: int) -> Spans:
    """Give rows, answers and labels before and since, where rows have moved and their truth has turned round."""
    chance = np.random.default_rng(seed)
    x, y = _drawn(chance, BEFORE, turned=False)
    later, truth = _drawn(chance, ROWS[-1], turned=True)
    return (x, turning.answers(x), y), (later, turning.answers(later), truth)


def served_otherwise(seed: int) -> Spans:
    """Give the same of a world that is as it was, where answers are to rows that nobody sent."""
    chance = np.random.default_rng(seed)
    x, y = _drawn(chance, BEFORE, turned=False)
    later, truth = _drawn(chance, ROWS[-1], turned=False)
    return (x, turning.answers(x), y), (later, turning.answers(later + ASTRAY), truth)


def _drawn(chance: np.random.Generator, count: int, *, turned: bool) -> tuple[Floats, Floats]:
    x = turning.rows(chance, count, turned=turned)
    return x, turning.labels(chance, x, turned=turned)


@cache
def named(world: Callable[[int], Spans]) -> list[list[str]]:
    """Give the causes that are named first of `ROWS` rows, in each of some worlds."""
    return [_causes(*world(seed)) for seed in SEEDS]


def _causes(before: tuple[Floats, Floats, Floats], since: tuple[Floats, Floats, Floats]) -> list[str]:
    x, out, y = before
    reference = learn([Column(name=name) for name in turning.NAMES], x, out, y)
    shared = {"layout": reference.layout(), "quality": [], "drift": [], "onset_row": BEFORE}
    then = loss_table(reference, *before, brier(out, y)).to_json()
    found = []
    for rows in ROWS:
        some = (since[0][:rows], since[1][:rows], since[2][:rows])
        inputs: dict[str, Any] = {
            **shared, "reference": then, "current": loss_table(reference, *some, brier(*some[1:])).to_json(),
            "relations": related(reference, before, some),
        }  # fmt: skip
        found.append(str(judge.judge(inputs, sections.Diagnosis()).cause))
    return found


def test_answers_that_few_rows_blame_by_chance_are_blamed_no_more_when_rows_have_doubled() -> None:
    first, second, third = (sum(one[look] == "serving" for one in named(turned)) for look in range(3))

    assert first >= len(SEEDS) / 5
    assert second <= first / 4
    assert third == 0


def test_in_its_place_the_truth_that_has_turned_round_is_named() -> None:
    assert sum(one[-1] == "concept_change" for one in named(turned)) >= len(SEEDS) - 1


def test_answers_that_are_rightly_blamed_stay_so_when_rows_have_doubled_twice() -> None:
    blamed = [one for one in named(served_otherwise) if "serving" in one[:2]]

    assert len(blamed) >= len(SEEDS) / 2
    assert all(one[-1] == "serving" for one in blamed)


@pytest.mark.parametrize(("world", "right"), [(turned, "concept_change"), (served_otherwise, "serving")])
def test_what_twice_the_rows_say_is_nearer_to_what_happened(world: Callable[[int], Spans], right: str) -> None:
    shares = [sum(one[look] == right for one in named(world)) for look in range(3)]

    assert shares == sorted(shares)
    assert shares[0] < shares[-1]
