"""Claims about sums of losses: all that rows can come to is taken, and what none can is refused by its place."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from measures.losses import MOST_STEPS, SCALE, fixed, losses
from measures.sums import block
from server.errors import Invalid
from server.jobs.figures import Block, Bounds, bounds, check_leads, check_part, check_parts, check_sums, cut

ROWS = Bounds(0, SCALE)
LEADS = ROWS.of_leads
TASKS = {"accuracy": "binary", "brier": "binary", "roc_auc": "binary", "mae": "regression"}


def added(values: Any) -> Block:
    """Add up one block of values."""
    rows, total, squares = block(np.asarray(values, dtype=np.int64))
    return rows, total, squares


def refused(check: Any, *told: Any) -> str:
    """Name the place of what is refused."""
    with pytest.raises(Invalid) as caught:
        check("at", *told)
    return caught.value.violations[0][0]


@given(st.sampled_from(sorted(TASKS)), st.integers(1, 200), st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_whatever_two_models_answer_on_any_rows_is_taken(metric: str, rows: int, blocks: int, seed: int) -> None:
    chance = np.random.default_rng(seed)
    labels = (chance.uniform(size=rows) < chance.uniform()).astype(float)
    if metric == "mae":
        labels = labels * 10.0 ** chance.integers(-9, 9)
    answers = chance.uniform(size=(2, rows)) ** chance.choice([0.01, 1.0, 20.0])
    cost, mine = (fixed(losses(TASKS[metric], metric, one, labels), 1.0) for one in answers)
    champion, lead = ([added(part) for part in np.array_split(one, min(blocks, rows))] for one in (cost, cost - mine))

    within = bounds(metric, rows)
    check_parts("at", champion, rows, blocks)
    check_sums("at", champion, within)
    check_leads("at", lead, champion, within)


@given(st.lists(st.integers(-MOST_STEPS, MOST_STEPS) | st.integers(-3 * SCALE, 3 * SCALE), max_size=30))
def test_whatever_numbers_are_added_up_is_taken(values: list[int]) -> None:
    check_sums("at", [added(values)], Bounds(-MOST_STEPS, MOST_STEPS))


@pytest.mark.parametrize(("rows", "blocks"), [(0, 10), (3, 10), (10, 10), (101, 10), (7, 3)])
def test_rows_are_cut_as_a_bake_off_cuts_them(rows: int, blocks: int) -> None:
    parts = np.array_split(np.arange(rows), min(blocks, max(rows, 1)))

    assert cut(rows, blocks) == [len(part) for part in parts]


@pytest.mark.parametrize(
    ("told", "place"),
    [
        ((10, -1, 0), "at[1][1]"),
        ((10, 10 * SCALE + 1, 10 << 20), "at[1][1]"),
        ((10, 10 * SCALE, 0), "at[1][2]"),
        ((10, 10 * SCALE, 10_467_335), "at[1][2]"),  # each row is known to within one step of 1,024
        ((10, 5 * SCALE, (5 << 20) + 1), "at[1][2]"),
        ((10, 0, 1), "at[1][2]"),
        ((0, 1, 0), "at[1][1]"),
        ((0, 0, 1), "at[1][2]"),
    ],
)
def test_sums_that_no_rows_have_are_refused(told: tuple[int, int, int], place: str) -> None:
    well = (10, 5 * SCALE, 5 << 20)
    check_sums("at", [well], ROWS)

    assert refused(check_sums, [well, told], ROWS) == place


@pytest.mark.parametrize(
    ("lead", "place"),
    [
        ((9, 0, 0), "at[0][0]"),
        ((10, 4 * SCALE + 1, 8 << 20), "at[0][1]"),
        ((10, -6 * SCALE - 1, 8 << 20), "at[0][1]"),
        ((10, 4 * SCALE, 1 << 20), "at[0][2]"),
        ((10, 4 * SCALE, 11 << 20), "at[0][2]"),
    ],
)
def test_nobody_saves_more_than_was_lost_nor_loses_more_than_can_be_nor_does_so_without_variance(
    lead: tuple[int, int, int], place: str
) -> None:
    champion = [(10, 4 * SCALE, 4 << 20)]
    for most in ((10, 4 * SCALE, 4 << 20), (10, -6 * SCALE, 6 << 20)):
        check_leads("at", [most], champion, ROWS)

    assert refused(check_leads, [lead], champion, ROWS) == place
    assert refused(check_leads, [], champion, ROWS) == "at"


def test_blocks_are_as_many_and_as_large_as_their_rows_are_cut_into() -> None:
    assert refused(check_parts, [(10, 0, 0)], 10, 2) == "at"
    assert refused(check_parts, [(6, 0, 0), (4, 0, 0)], 10, 2) == "at[0][0]"


@given(st.lists(st.integers(0, SCALE), min_size=1, max_size=20), st.integers(0, 2**20 - 1))
def test_whichever_of_the_rows_are_a_part_it_is_taken(values: list[int], mine: int) -> None:
    part = [value for i, value in enumerate(values) if mine >> i & 1]

    check_part("at", [added(part)], [added(values)], ROWS)


LITTLE, MUCH = (10, 2 * SCALE, 2 << 20), (10, 7 * SCALE, 7 << 20)


@pytest.mark.parametrize(
    ("told", "whole", "place"),
    [
        ((11, 0, 0), LITTLE, "at[0][0]"),
        ((4, SCALE - 1, 1023 << 10), MUCH, "at[0][1]"),
        ((4, 4 * SCALE, 4 << 20), LITTLE, "at[0][1]"),
        ((4, 2 * SCALE, 1 << 20), LITTLE, "at[0][2]"),
    ],
)
def test_a_part_of_the_rows_has_no_more_than_the_whole_and_leaves_no_more_than_others_can_have(
    told: tuple[int, int, int], whole: tuple[int, int, int], place: str
) -> None:
    check_part("at", [(4, SCALE, 1 << 20)], [whole], ROWS)

    assert refused(check_part, [told], [whole], ROWS) == place
    assert refused(check_part, [], [whole], ROWS) == "at"
