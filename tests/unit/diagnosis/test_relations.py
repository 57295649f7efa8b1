"""Claims about the tests of relations: what chance makes of them, and what they find."""

from __future__ import annotations

import numpy as np

from diagnosis.noise import noise
from diagnosis.relations import among, most_changed
from tests.unit.diagnosis.levels import SIZES, STARTS, counted, relations, rows_of


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
