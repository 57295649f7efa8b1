"""Together: axes say nothing twice, and what they say of places between blocks is one on average."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from monitoring.drift.together import FINE, RANKS, axes, dispersions, judge, scores
from monitoring.profiles.learning import learn
from monitoring.profiles.reference import FIRST_BIN, INVALID, MISSING, NEW, OVER, UNDER, Column, Ints
from statemachine.policies.policy import Policy

ROWS, BLOCK, WINDOW = 4_000, 3, 15
POLICY = Policy()


def scored(*columns: Any) -> Ints:
    """Give the scores of columns, as a reference that has learned them gives them."""
    rows = np.stack([np.asarray(column, dtype=float) for column in columns], axis=1)
    names = [Column(name=f"f{i}") for i in range(rows.shape[1])]
    known = learn(names, rows, np.zeros(len(rows))).features
    return np.stack([scores(known[i])[known[i].place(rows[:, i])] for i in range(rows.shape[1])], axis=1)


def test_a_score_is_the_middle_rank_in_the_reference_and_of_what_is_no_value_the_middle() -> None:
    (known, _) = learn([Column(name="x")], np.arange(1_000.0)[:, None], np.zeros(1_000)).features

    found = scores(known)

    assert (np.diff(found[FIRST_BIN:]) > 0).all()
    assert (found[UNDER], found[OVER]) == (0, RANKS)
    assert set(found[[MISSING, INVALID, NEW]].tolist()) == {RANKS // 2}
    assert float(found[known.place(np.arange(1_000.0))].mean()) == pytest.approx(RANKS / 2, abs=1)


def test_axes_have_variance_one_and_say_nothing_twice() -> None:
    chance = np.random.default_rng(1)
    base = chance.normal(size=(ROWS, 1))
    rows = scored(*(chance.normal(size=(ROWS, 5)) + base).T)

    made = axes(rows)
    values = made.values(rows) / (1 << FINE)

    assert made.features == (0, 1, 2, 3, 4)
    assert np.cov(values.T) == pytest.approx(np.eye(5), abs=0.01)


def test_what_is_told_by_others_what_never_varies_and_what_rarely_does_has_no_axis() -> None:
    chance = np.random.default_rng(2)
    one, other, rare = chance.normal(size=ROWS), chance.normal(size=ROWS), chance.random(ROWS) < 0.03

    assert axes(scored(one, 2 * one, np.ones(ROWS), rare, other)).features == (0, 4)


def test_few_rows_teach_few_axes() -> None:
    rows = scored(*np.random.default_rng(3).normal(size=(12, 56)))

    assert axes(rows).features == tuple(range(7))


def test_what_moves_all_groups_at_once_is_dispersed_in_each() -> None:
    """Half of what varies moves with the window, which has three rows of each of four groups."""
    chance, windows = np.random.default_rng(4), np.repeat(np.arange(400), 3)
    parts = []
    common = chance.normal(size=400)[windows]
    for _ in range(4):
        rows = scored(chance.normal(size=1_200) + common)
        made = axes(rows)
        parts.append((made, made.values(rows), windows))

    apart = [(made, chance.permutation(values), at) for made, values, at in parts]
    (alone,), (beside,), (still,) = (dispersions(some)[0] for some in (parts[:1], parts, apart))

    assert alone == pytest.approx(1 + 2 / 2, rel=0.2)
    assert beside == pytest.approx(1 + 11 / 2, rel=0.2)
    assert still < 1.2


def asked(values: Any, told_row: int = 0) -> dict[str, Any]:
    fine = np.rint(np.asarray(values) * (1 << FINE)).astype(np.int64)
    blocks = fine.reshape(-1, BLOCK, fine.shape[1])
    group = {
        "name": "all", "axes": [f"f{k}" for k in range(fine.shape[1])], "dispersion": [1.0] * fine.shape[1],
        "window": WINDOW, "counts": [BLOCK] * len(blocks), "sums": blocks.sum(axis=1).tolist(),
        "squares": (fine * fine).sum(axis=0).tolist(),
    }  # fmt: skip
    return {"told_row": told_row, "rows": [1_000 + BLOCK * k for k in range(len(blocks))], "groups": [group]}


def test_evidence_is_as_much_as_there_are_places_at_most_on_average_where_nothing_moves() -> None:
    """Each place is worth 1 on average, and five make a window."""
    chance, blocks = np.random.default_rng(5), 30
    found = [judge(asked(chance.normal(size=(blocks * BLOCK, 3))), POLICY) for _ in range(2_000)]
    each = np.array([math.exp(one.log_evidence) for one in found if one is not None])

    assert len(each) == len(found)
    assert each.mean() <= blocks / POLICY.windows.blocks + 3 * each.std() / math.sqrt(len(each))


def test_a_move_is_dated_to_its_block_and_named_by_what_shows_it_best() -> None:
    values = np.random.default_rng(6).normal(size=(60 * BLOCK, 4))
    values[40 * BLOCK :, 2] += 2.0

    found = judge(asked(values), POLICY)

    assert found is not None
    assert (found.told, found.shown[0]) == (True, ("f2", "all"))
    assert abs(found.onset_row - (1_000 + 40 * BLOCK)) <= BLOCK


def test_many_that_move_by_a_little_show_together_what_none_shows_alone() -> None:
    values = np.random.default_rng(7).normal(size=(60 * BLOCK, 12))
    values[30 * BLOCK :] += 0.45

    each = [judge(asked(values[:, k : k + 1]), POLICY) for k in range(12)]
    found = judge(asked(values), POLICY)

    assert not any(one is not None and one.told for one in each)
    assert found is not None
    assert found.told


def test_no_place_is_looked_at_before_what_was_told_and_too_few_rows_say_nothing() -> None:
    values = np.random.default_rng(8).normal(size=(40 * BLOCK, 2))
    values[20 * BLOCK :] += 3.0

    late = judge(asked(values, told_row=1_000 + 35 * BLOCK), POLICY)

    assert late is not None
    assert late.onset_row >= 1_000 + 35 * BLOCK
    assert judge(asked(values[: 3 * BLOCK]), POLICY) is None
    assert judge(asked(values[:BLOCK]), POLICY) is None
