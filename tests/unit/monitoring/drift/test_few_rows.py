"""References of few rows keep the run length that is promised, whatever the law of their features."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from monitoring.drift.watches import DriftWatch
from monitoring.profiles.learning import learn
from monitoring.profiles.profile import profile
from monitoring.profiles.reference import Column
from statemachine.policies.policy import Policy

Floats = NDArray[np.float64]
Draw = Callable[[np.random.Generator, int], Floats]

POLICY = Policy.from_json({"drift": {"false_alarm_windows": 1_000}}).drift
FEATURES, ROWS, WINDOWS, REFERENCES = 8, 300, 60, 8
WORDS = 400


def mostly_nothing(rng: np.random.Generator, rows: int) -> Floats:
    """Draw amounts of which nine of ten are 0, and the others have a long tail."""
    amounts = np.exp(2 * rng.normal(size=(rows, FEATURES)))
    return np.asarray(np.where(rng.random((rows, FEATURES)) < 0.9, 0.0, amounts))


def many_words(rng: np.random.Generator, rows: int) -> Floats:
    """Draw words by the law of Zipf, coded in the order in which they came, as the service does."""
    chances = 1 / np.arange(1, WORDS + 1)
    drawn = rng.choice(WORDS, size=(rows, FEATURES), p=chances / chances.sum())
    return np.stack([in_order(column) for column in drawn.T], axis=1)


def in_order(words: NDArray[np.int64]) -> Floats:
    _, first, at = np.unique(words, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[at].astype(float)


def rare_words(rng: np.random.Generator, rows: int) -> Floats:
    """Draw one word of a hundred rows from twenty others, all of which are known."""
    chances = np.array([0.99, *[0.0005] * 20])
    return rng.choice(21, size=(rows, FEATURES), p=chances).astype(float)


@pytest.mark.parametrize("draw", [mostly_nothing, many_words, rare_words])
def test_a_steady_world_raises_no_more_alarms_than_are_promised(draw: Draw) -> None:
    """In 480 windows a half is to be expected at most, and three in one of 70 evaluations."""
    assert sum(alarms(draw, seed) for seed in range(REFERENCES)) <= 2


def alarms(draw: Draw, seed: int) -> bool:
    """Say whether any window behind a reference raised an alarm."""
    rng = np.random.default_rng([seed, 21])
    rows = draw(rng, ROWS + WINDOWS * ROWS // 10)
    outputs = rng.normal(size=len(rows))
    numeric = draw is mostly_nothing
    columns = [
        Column(name=f"f{k}") if numeric else Column(name=f"f{k}", kind="categorical", categories=known(draw, each))
        for k, each in enumerate(rows[:ROWS].T)
    ]
    reference = learn(columns, rows[:ROWS], outputs[:ROWS])
    watch = DriftWatch.start(reference, POLICY)
    for start in range(ROWS, len(rows), ROWS // 10):
        window = slice(start, start + ROWS // 10)
        watch, found = watch.observe(start, profile(reference, rows[window], outputs[window]), POLICY)
        if found.verdict == "alarm":
            return True
    return False


def known(draw: Draw, codes: Floats) -> int:
    return 21 if draw is rare_words else int(codes.max()) + 1
