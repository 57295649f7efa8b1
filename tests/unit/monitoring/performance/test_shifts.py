"""A loss that moves anew is told and dated, up or down; one that stays is told as rarely as is promised."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from measures.losses import fixed
from measures.sums import Block, block
from monitoring.performance.shifts import judge, places
from statemachine.policies.policy import Policy

Floats = np.ndarray[Any, np.dtype[np.float64]]
Draw = Callable[[np.random.Generator, int], Floats]
ROWS, PER_WINDOW = 3, 5  #: of a block, the fewest that recorded streams have; blocks of a window
WINDOW = ROWS * PER_WINDOW
MOST = Policy().windows.blocks * Policy().loss.memory

LAWS: dict[str, Draw] = {
    "normal": lambda chance, rows: chance.normal(0.5, 0.3, rows),
    "errors of three in ten": lambda chance, rows: (chance.random(rows) < 0.3).astype(float),
    "errors of one in twenty": lambda chance, rows: (chance.random(rows) < 0.05).astype(float),
    "a long tail": lambda chance, rows: np.abs(chance.standard_t(3, rows)),
    "lognormal": lambda chance, rows: chance.lognormal(0.0, 1.0, rows),
}


def blocks_of(lost: Floats) -> list[Block]:
    return [block(each) for each in fixed(lost, 1.0).reshape(-1, ROWS)]


def asked(*versions: list[Block]) -> dict[str, Any]:
    return {
        "window": WINDOW,
        "versions": [
            {"name": f"v{k}", "rows": [1_000 + ROWS * n for n in range(len(each))], "blocks": each}
            for k, each in enumerate(versions, start=1)
        ],
    }


def told_at(blocks: list[Block]) -> list[int]:
    """Give the blocks at which a shift is told, each on those behind the last."""
    told = [0]
    for end in range(1, len(blocks) + 1):
        found = judge(asked(blocks[max(told[-1], end - MOST) : end]), Policy())
        if found is not None and found.told:
            told.append(end)
    return told[1:]


@pytest.mark.parametrize("law", LAWS)
def test_what_stays_is_told_as_rarely_as_the_run_length_says_whatever_its_law(law: str) -> None:
    chance, lives, length = np.random.default_rng(8), 12, 250

    told = [told_at(blocks_of(LAWS[law](chance, ROWS * length))) for _ in range(lives)]

    assert sum(map(len, told)) <= lives * length / Policy().loss.run_length


def test_evidence_at_each_place_is_one_on_average_at_any_number_of_blocks_where_nothing_moves() -> None:
    """It is a Bayes factor of normal sums, with mean 1: the average of many may not lie far above that."""
    chance = np.random.default_rng(3)
    lives = [places(blocks_of(chance.normal(0.5, 0.3, 40 * ROWS)), 2.0 * WINDOW) for _ in range(2_000)]

    for place in (5, 20, 30):
        found = np.array([math.exp(one[place - 2].log_e) for one in lives])
        assert [one[place - 2].index for one in lives[:1]] == [place]
        assert found.mean() <= 1 + 3 * found.std() / math.sqrt(len(found))


@pytest.mark.parametrize(("before", "after"), [(0.3, 0.7), (0.7, 0.3)])
def test_two_changes_are_told_one_after_the_other_each_dated_within_two_windows(before: float, after: float) -> None:
    """An incident that is open already: the loss moves within it, and moves back."""
    chance, near, lives, planted = np.random.default_rng(5), 0, 20, (100, 200)
    for _ in range(lives):
        rates = np.repeat([before, after, before], 100 * ROWS)
        blocks, start = blocks_of((chance.random(len(rates)) < rates).astype(float)), 0
        for change in planted:
            found = None
            for end in range(change, change + 80):
                found = judge(asked(blocks[max(start, end - MOST) : end]), Policy())
                if found is not None and found.told:
                    break
            assert found is not None
            onset = max(start, end - MOST) + (found.onset_row - 1_000) // ROWS
            near += found.told and abs(onset - change) <= 2 * PER_WINDOW
            assert not found.told or (found.after > found.before) == (rates[change * ROWS] > rates[0]) or change == 200
            start = end

    assert near >= 0.8 * lives * len(planted)


def test_one_block_that_is_far_off_tells_nothing() -> None:
    chance = np.random.default_rng(2)
    lost = chance.normal(0.5, 0.1, 60 * ROWS)
    lost[30 * ROWS : 31 * ROWS] = 50.0

    assert told_at(blocks_of(lost)) == []


def test_versions_share_one_budget_and_the_one_that_shows_it_best_is_named() -> None:
    quiet = blocks_of(np.random.default_rng(1).normal(0.5, 0.1, 40 * ROWS))
    loud = blocks_of(np.r_[np.zeros(20 * ROWS), np.ones(20 * ROWS)])

    alone, both = judge(asked(loud), Policy()), judge(asked(quiet, loud), Policy())

    assert alone is not None
    assert both is not None
    assert (both.version, both.onset_row, both.before, both.after) == ("v2", 1_000 + 20 * ROWS, 0.0, 1.0)
    assert math.isclose(alone.log_evidence - both.log_evidence, math.log(2), rel_tol=0.01)


def test_too_few_blocks_say_nothing() -> None:
    assert judge(asked(blocks_of(np.r_[np.zeros(6), np.ones(3)])), Policy()) is None
