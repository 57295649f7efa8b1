"""Claims about the tests of relations: what chance makes of them, and what they find."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from diagnosis.noise import noise
from diagnosis.relations import Relations, among, most_changed

Ints = NDArray[np.int64]
SIZES = {"a": 4, "b": 3, "@output": 4, "@label": 2, "@loss": 2}
STARTS = np.concatenate([[0], np.cumsum(list(SIZES.values()))]).astype(int)


def rows_of(chance: np.random.Generator, rows: int) -> Ints:
    """Give levels: the output follows `a`, the label the output, and the loss both; `b` is idle."""
    a, b = chance.integers(0, 4, rows), chance.integers(0, 3, rows)
    output = np.where(chance.random(rows) < 0.8, a, chance.integers(0, 4, rows))
    label = (chance.random(rows) < np.array([0.1, 0.4, 0.6, 0.9])[output]).astype(np.int64)
    return np.column_stack([a, b, output, label, (output >= 2) != label])


def counted(levels: Ints) -> Ints:
    marks = np.zeros((len(levels), STARTS[-1]), np.int64)
    marks[np.arange(len(levels))[:, None], levels + STARTS[:-1]] = 1
    return marks.T @ marks


def relations(before: Ints, after: Ints) -> Relations:
    half, none = np.triu_indices(STARTS[-1]), np.zeros(STARTS[-1], np.int64)
    told: dict[str, Any] = {
        "variables": [{"name": name, "levels": size} for name, size in SIZES.items()],
        "before": counted(before)[half], "after": counted(after)[half], "unlabelled": [none, none],
    }  # fmt: skip
    return Relations.from_json(told)


def test_of_300_worlds_in_which_nothing_changes_at_most_3_are_strained() -> None:
    chance = np.random.default_rng(11)
    worlds = (relations(rows_of(chance, 2_000), rows_of(chance, 400)) for _ in range(300))

    assert sum(among(world.joint(), range(len(SIZES))).worst() > 1 for world in worlds) <= 3


def test_a_statistic_less_its_freedom_has_mean_zero_where_nothing_changes_however_thin_the_tables() -> None:
    chance = np.random.default_rng(12)
    for since in (30, 400):
        worlds = [relations(rows_of(chance, 600), rows_of(chance, since)) for _ in range(200)]
        for tests in ([world.joint() for world in worlds], [world.given() for world in worlds]):
            excess = np.array([each.excess for each in tests])
            error = excess.std(axis=0) / np.sqrt(len(worlds))

            assert (np.abs(excess.mean(axis=0)) <= 4.5 * error + 0.05).all()


def test_a_label_that_speaks_otherwise_is_strained_and_the_rest_is_not() -> None:
    chance = np.random.default_rng(13)
    after = rows_of(chance, 500)
    after[:, 3] = 1 - after[:, 3]
    after[:, 4] = 1 - after[:, 4]
    joint = relations(rows_of(chance, 2_000), after).joint()

    assert among(joint, [0, 1, 2]).worst() <= 1
    assert among(joint, [2, 3]).worst() > 1


def test_the_feature_that_has_come_apart_from_the_rest_is_the_most_changed() -> None:
    chance = np.random.default_rng(14)
    before, after = rows_of(chance, 2_000), rows_of(chance, 400)
    after[:, 0] = chance.permutation(after[:, 0])
    first = STARTS[2]

    ranked = most_changed(counted(before)[:, first:], counted(after)[:, first:], STARTS.tolist())
    assert [k for k in ranked if k < 2] == [0, 1]


def test_the_share_of_labels_that_are_noise_is_found_within_a_tenth() -> None:
    chance = np.random.default_rng(15)
    after = rows_of(chance, 1_500)
    wrong = np.flatnonzero(chance.random(len(after)) < 0.5)
    after[wrong, 3] = chance.permutation(after[wrong, 3])

    found = noise(relations(rows_of(chance, 3_000), after))
    assert found is not None
    assert abs(found.share - 0.5) <= 0.1
    assert found.strain <= 1


def test_labels_that_are_all_of_other_rows_are_noise_throughout() -> None:
    for seed in range(30, 40):
        chance = np.random.default_rng(seed)
        after = rows_of(chance, 1_500)
        after[:, 3] = chance.permutation(after[:, 3])

        found = noise(relations(rows_of(chance, 3_000), after))
        assert found is not None
        assert 0.9 <= found.share <= 1
        assert found.strain <= 1


def test_a_truth_that_has_turned_round_is_no_noise() -> None:
    for seed in range(40, 50):
        chance = np.random.default_rng(seed)
        after = rows_of(chance, 1_500)
        after[:, 3] = 1 - after[:, 3]

        assert noise(relations(rows_of(chance, 3_000), after)) is None


def test_hardly_any_of_labels_that_stay_what_they_were_is_noise() -> None:
    shares = []
    for seed in range(16, 26):
        chance = np.random.default_rng(seed)
        found = noise(relations(rows_of(chance, 3_000), rows_of(chance, 1_500)))
        shares.append(found.share if found else 0.0)

    assert max(shares) <= 0.1
    assert sum(shares) / len(shares) <= 0.03


def test_noise_of_two_labels_is_not_sure_where_a_truth_that_turned_round_would_leave_the_same() -> None:
    chance = np.random.default_rng(17)
    after = rows_of(chance, 1_500)
    turned = np.flatnonzero(chance.random(len(after)) < 0.3)
    after[turned, 3] = 1 - after[turned, 3]

    found = noise(relations(rows_of(chance, 3_000), after))

    assert found is not None
    assert not found.sure
