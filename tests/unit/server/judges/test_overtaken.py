"""Claims about a refresh under which the world moves: it is turned back where both have risen, and seldom else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from measures.losses import fixed
from measures.sums import block
from server.judges.table import JUDGES
from statemachine.policies.policy import Policy

WINDOW, BLOCKS, BEFORE = 100, 5, 10  #: rows, blocks of a window, windows before the canary
NORMAL, RISEN, CANARY = 0.2, 0.4, 10
Losses = np.ndarray[Any, np.dtype[np.float64]]


def blocks(values: Losses) -> list[list[int]]:
    return [block(fixed(part, 1.0)) for part in np.array_split(values, len(values) * BLOCKS // WINDOW)]


def errors(seed: int, rates: list[float]) -> Losses:
    """Give rows that are wrong at one rate a window."""
    return (np.random.default_rng(seed).uniform(size=len(rates) * WINDOW) < np.repeat(rates, WINDOW)).astype(float)


def looked(champion: Losses, candidate: Losses) -> Any:
    """Ask the judge when so many rows of a canary are known; the champion's begin before it."""
    beside = champion[-len(candidate) :]
    level = {"level": NORMAL * 1.05, "window": WINDOW}
    inputs = {
        "outcomes": "exogenous", "exposure_bp": 2_500, "window": WINDOW, "at_row": len(champion),
        "champion": blocks(beside), "leads": blocks(beside - candidate),
        "risen": [{**level, "blocks": blocks(one)} for one in (champion, candidate)],
    }  # fmt: skip
    return JUDGES["overtaken@1"](inputs, Policy())


def turned_back(seed: int, mine: list[float], theirs: list[float]) -> int:
    """Give the window of the canary that turns the candidate back, looking at each; 0 where none does."""
    champion, candidate = errors(seed, [NORMAL] * BEFORE + mine), errors(seed + 10_000, theirs)
    ends = range(1, len(theirs) + 1)
    found = (k for k in ends if looked(champion[: (BEFORE + k) * WINDOW], candidate[: k * WINDOW]) is not None)
    return next(found, 0)


MOVED = [NORMAL] * 3 + [RISEN] * (CANARY - 3)


def test_a_world_that_moves_under_both_turns_the_refresh_back_within_four_windows() -> None:
    found = [turned_back(seed, MOVED, MOVED) for seed in range(20)]

    assert sum(4 <= one <= 7 for one in found) >= 19


@pytest.mark.parametrize(
    ("mine", "theirs"), [([NORMAL] * CANARY, [NORMAL] * CANARY), (MOVED, [NORMAL] * CANARY), ([NORMAL] * CANARY, MOVED)]
)
def test_a_world_that_stays_or_moves_under_one_of_them_alone_turns_none_back(
    mine: list[float], theirs: list[float]
) -> None:
    assert [turned_back(seed, mine, theirs) for seed in range(20)] == [0] * 20


def test_a_candidate_that_has_risen_less_goes_on_once_that_is_proved() -> None:
    champion, candidate = errors(1, [NORMAL] * BEFORE + [0.8] * 4), errors(2, [RISEN] * 4)

    assert looked(champion, champion[-4 * WINDOW :]).payload["reason"] == "OVERTAKEN"
    assert looked(champion, candidate) is None
