"""Claims about sums of losses: merging is addition, and evidence holds however often one looks."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from measures.losses import LEAST_UNIT, SCALE, fixed, losses, rank_losses, unit_of
from measures.sums import Span, block, difference, excess, interval, log_e, span

steps = st.lists(st.integers(-(1 << 24), 1 << 24), min_size=1, max_size=60)


@given(steps, st.integers(0, 60))
def test_where_blocks_are_cut_changes_neither_rows_nor_total(values: list[int], cut: int) -> None:
    whole = np.array(values)
    parts = [part for part in (whole[:cut], whole[cut:]) if len(part)]

    joined = span([block(part) for part in parts])

    assert (joined.rows, joined.total) == (len(values), sum(values) / SCALE)


@given(steps)
def test_a_difference_with_itself_is_nothing(values: list[int]) -> None:
    whole = np.array(values)

    assert difference(whole, whole) == [len(values), 0, 0]


def test_the_variance_is_that_of_blocks_when_neighbours_go_together() -> None:
    chance = np.random.default_rng(1)
    together = np.repeat(chance.normal(size=40), 25) * SCALE

    found = span([block(part.astype(np.int64)) for part in np.array_split(together, 40)])

    assert found.variance > 5 * found.rows


def test_evidence_under_the_null_passes_its_bound_about_as_seldom_as_it_says() -> None:
    """400 streams, looked at after each of 40 blocks: Ville's bound at 0.1, with room for the estimated variance."""
    chance = np.random.default_rng(2)
    passed = 0
    for _ in range(400):
        blocks = [block(fixed(chance.normal(size=25), 1.0)) for _ in range(40)]
        passed += any(log_e(span(blocks[: i + 1]), 100) >= math.log(1 / 0.1) for i in range(4, 40))

    assert passed / 400 <= 0.13


def test_a_confidence_sequence_covers_the_mean_at_every_look() -> None:
    chance = np.random.default_rng(3)
    missed = 0
    for _ in range(300):
        blocks = [block(fixed(chance.normal(0.3, size=25), 1.0)) for _ in range(40)]
        looks = [interval(span(blocks[: i + 1]), 0.2, 100) for i in range(4, 40)]
        missed += any(not low <= 0.3 <= high for low, high in looks)

    assert missed / 300 <= 0.23


def test_no_rows_and_no_variance_prove_nothing() -> None:
    assert log_e(Span(0, 0.0, 0.0), 10) == 0.0
    assert log_e(Span(10, 5.0, 0.0), 10) == 0.0
    assert log_e(Span(10, -5.0, 1.0), 10) == 0.0


def test_rank_losses_average_to_one_less_the_area_under_the_curve() -> None:
    chance = np.random.default_rng(4)
    labels = (chance.random(500) < 0.3).astype(float)
    outputs = (labels + chance.normal(size=500)).round(1)
    pairs = [(p > n) + 0.5 * (p == n) for p in outputs[labels == 1] for n in outputs[labels == 0]]

    assert rank_losses(outputs, labels).mean() == pytest.approx(1 - np.mean(pairs))


def _paired(chance: np.random.Generator, rows: int, positive: float, pool: int = 0) -> list[list[int]]:
    """Score 40 blocks of *rows*, each among the latest *pool* rows, by two models of one worth; give the leads."""
    labels = (chance.random(40 * rows) < positive).astype(float)
    shared = labels + 0.9 * chance.normal(size=len(labels))
    one, other = (shared + 0.45 * chance.normal(size=len(labels)) for _ in range(2))
    found = []
    for end in range(rows, len(labels) + 1, rows):
        among = slice(max(end - pool, 0), end)
        lost = (fixed(rank_losses(each[among], labels[among]), 1.0)[-rows:] for each in (one, other))
        found.append(difference(*lost))
    return found


@pytest.mark.parametrize(("positive", "rows", "pool"), [(0.5, 50, 200), (0.1, 50, 200), (0.05, 75, 300)])
def test_ranks_of_two_models_of_one_worth_prove_no_more_than_chance_however_often_one_looks(
    positive: float, rows: int, pool: int
) -> None:
    """200 streams at 0.1: where a row counted its share of wrongly ordered pairs, one in five was passed."""
    chance, passed = np.random.default_rng(5), 0
    for _ in range(200):
        leads = _paired(chance, rows, positive, pool)
        passed += any(log_e(span(leads[: i + 1]), 4 * rows) >= math.log(1 / 0.1) for i in range(4, 40))

    assert passed / 200 <= 0.1


@pytest.mark.parametrize("positive", [0.5, 0.1, 0.05])
def test_sums_of_ranks_stray_as_their_variance_says(positive: float) -> None:
    """400 holdouts of 1,000 rows: what one model leads another by is beyond 1.96 errors in about one of twenty."""
    chance, beyond = np.random.default_rng(6), 0
    for _ in range(400):
        labels = (chance.random(1_000) < positive).astype(float)
        shared = labels + 0.9 * chance.normal(size=1_000)
        one, other = (fixed(rank_losses(shared + 0.45 * chance.normal(size=1_000), labels), 1.0) for _ in range(2))
        lead = span([block(part) for part in np.array_split(one - other, 10)])
        beyond += abs(lead.total) > 1.96 * math.sqrt(lead.variance)

    assert beyond / 400 <= 0.08


def test_a_share_of_no_loss_is_no_allowance() -> None:
    """Sums of ranks of a few rows may be below nothing, and what is tolerated is a share of what was lost."""
    lead = Span(100, -9.0, 25.0)

    assert excess(Span(100, -20.0, 0.0), lead, 0.25).total == excess(Span(100, 0.0, 0.0), lead, 0.25).total == 9.0


def test_rows_without_output_or_label_cost_nothing_that_is_known() -> None:
    found = losses("binary", "accuracy", np.array([0.9, np.nan, 0.1]), np.array([1.0, 0.0, np.nan]))

    assert found[0] == 0.0
    assert np.isnan(found[1:]).all()


def test_the_unit_of_quantities_is_the_power_of_two_at_their_mean() -> None:
    means = [[3.0, 5.0], [4.1], [0.3, np.nan], [2.0**-1_000]]

    assert [unit_of("regression", "mae", np.array(found)) for found in means] == [4.0, 8.0, 0.5, LEAST_UNIT]
    assert [unit_of("regression", "mae", np.array(found)) for found in ([], [0.0])] == [1.0, 1.0]
    assert [unit_of("binary", metric, np.array([0.2])) for metric in ("accuracy", "brier")] == [1.0, 1.0]


@pytest.mark.parametrize(
    ("task", "metric", "outputs", "labels", "cost"),
    [
        ("binary", "accuracy", [0.5, 0.49, 0.5, 0.49], [1.0, 1.0, 0.0, 0.0], [0.0, 1.0, 1.0, 0.0]),
        ("multiclass", "accuracy", [2.0, 1.0, 0.0], [2.0, 2.0, 1.0], [0.0, 1.0, 1.0]),
        ("binary", "brier", [0.9, 0.2], [1.0, 1.0], [0.01, 0.64]),
        ("regression", "mae", [3.0, -1.5], [1.0, 1.0], [2.0, 2.5]),
    ],
)
def test_a_row_costs_what_its_metric_says_and_half_a_chance_is_a_yes(
    task: str, metric: str, outputs: list[float], labels: list[float], cost: list[float]
) -> None:
    assert losses(task, metric, np.array(outputs), np.array(labels)).tolist() == pytest.approx(cost)


def test_a_loss_beyond_all_measure_still_counts_as_a_loss() -> None:
    wild = np.array([1e30, np.inf, 1e15] * 100)

    rows, total, squares = block(fixed(wild, 1.0))

    assert rows == 300
    assert 0 < total < 2**63
    assert 0 < squares < 2**63


def test_a_sum_strays_as_its_rows_or_as_its_blocks_do_from_the_second_on_and_by_one_row_more() -> None:
    ones, zeros = np.full(10, SCALE), np.zeros(10, np.int64)
    mixed = block(np.append(ones, zeros))

    assert [span(blocks).variance for blocks in ([], [block(ones)], [mixed], [block(ones), block(zeros)])] == [
        0.0, 0.0 + 1.0, 5.0 + 1.0, 100.0 + 1.0,
    ]  # fmt: skip
