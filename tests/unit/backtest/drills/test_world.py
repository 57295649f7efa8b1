"""Claims about the small world whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from backtest.drills import world as w
from backtest.drills.ground import by_relation, relation
from backtest.drills.planting import rows_by_bend
from backtest.stream import Floats, Stream, StreamInvalid
from tests.fixtures.drills import a_plan, picked


def errors_of_the_truth(stream: Stream) -> Floats:
    """Give by how much the best that any model can know misses, row by row."""
    numbers = np.array([one.values for one in stream.columns[: len(w.NUMBERS)]])
    return np.abs(stream.labels - w.score(numbers, stream.columns[len(w.NUMBERS)].values))


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_equal_seeds_make_equal_worlds_and_others_make_others(task: str) -> None:
    first, again, other = w.world(task, 1), w.world(task, 1), w.world(task, 2)

    assert np.array_equal(first.labels, again.labels)
    assert all(np.array_equal(a.values, b.values) for a, b in zip(first.columns, again.columns, strict=True))
    assert not np.array_equal(first.columns[0].values, other.columns[0].values)


def test_the_truth_misses_by_the_noise_alone() -> None:
    missed = errors_of_the_truth(w.world("regression", 0))

    # The mean absolute value of a normal variable is its deviation times the root of 2 / pi.
    assert missed.mean() == pytest.approx(w.NOISE * np.sqrt(2 / np.pi), rel=0.03)


def test_rows_that_move_cost_the_truth_nothing() -> None:
    pool, rows = picked("regression", rows_by_bend)
    missed, change = errors_of_the_truth(pool)[rows], a_plan().change
    before, after = missed[:change], missed[change:]

    spread = np.hypot(before.std() / len(before) ** 0.5, after.std() / len(after) ** 0.5)
    assert abs(after.mean() - before.mean()) < 4 * spread


def test_rows_that_move_are_those_behind_the_bend() -> None:
    pool, rows = picked("regression", rows_by_bend)
    load, change = pool.columns[w.NUMBERS.index("load")].values[rows], a_plan().change

    assert (load[:change] > w.BEND).mean() < 0.1
    assert (load[change:] > w.BEND).mean() > 0.85


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_the_badge_tells_nothing(task: str) -> None:
    stream = w.world(task, 0)

    least = by_relation(stream)[-1]
    assert stream.columns[by_relation(stream)[0]].name == "amount"
    assert relation(stream.columns[least].values, stream.labels) < 0.05


def test_an_unknown_task_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(
        StreamInvalid, match=r"--task: 'ranking' is not accepted; one of binary, multiclass, regression"
    ):
        w.world("ranking", 0)
