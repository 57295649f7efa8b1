"""What rows without labels are expected to cost."""

import numpy as np
import pytest

from monitoring.performance.estimate import LossByBin, learn_losses
from monitoring.profiles.learning import learn
from monitoring.profiles.profile import Profile, profile
from monitoring.profiles.reference import Column, Floats, Reference

COLUMNS = [Column(name=name) for name in "abc"]

World = tuple[Floats, Floats, Floats]


def world(seed: int, rows: int, shift: float = 0.0) -> World:
    """Give rows, scores that are true chances, and labels; *shift* moves the first feature."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 3))
    x[:, 0] += shift
    chance = 1 / (1 + np.exp(-(1.5 * x[:, 0] - x[:, 1])))
    return x, chance, (rng.uniform(size=rows) < chance).astype(float)


def wrong(found: World) -> Floats:
    _, scores, labels = found
    return np.asarray((scores >= 0.5) != (labels >= 0.5), dtype=float)


def learned(found: World) -> tuple[Reference, LossByBin]:
    x, scores, labels = found
    reference = learn(COLUMNS, x, scores, labels)
    table = learn_losses(reference, x, scores, wrong(found))
    assert table is not None
    return reference, table


def test_a_moved_feature_moves_the_estimate_to_what_the_labels_show_later() -> None:
    reference, table = learned(world(1, 20_000))

    for seed, shift in enumerate([0.0, 0.5, 1.0, -1.0], start=10):
        later = world(seed, 20_000, shift)
        found = table.estimate(profile(reference, later[0], later[1]))
        sampling = float(wrong(later).std()) / np.sqrt(20_000)
        assert abs(found.loss - wrong(later).mean()) < 3 * np.hypot(found.error, sampling)


def test_the_error_covers_what_labels_show_as_often_as_it_says() -> None:
    reference, table = learned(world(2, 5_000))
    inside = 0

    for seed in range(100, 200):
        later = world(seed, 1_000)
        found = table.estimate(profile(reference, later[0], later[1]))
        inside += abs(found.loss - float(wrong(later).mean())) < 2 * found.error

    assert inside >= 90


def test_an_estimate_is_blind_to_a_changed_concept() -> None:
    reference, table = learned(world(3, 5_000))
    x, scores, _ = world(4, 5_000)

    found = table.estimate(profile(reference, x, scores))

    assert abs(found.loss - table.base / (1 << 20)) < 0.02  # whatever the labels have become


def test_windows_together_have_the_loss_of_their_rows_together() -> None:
    reference, table = learned(world(5, 2_000))
    x, scores, _ = world(6, 999)
    parts = [profile(reference, x[a:b], scores[a:b]) for a, b in [(0, 100), (100, 350), (350, 999)]]

    whole = sum(parts[1:], parts[0])
    lost = sum(table.estimate(part).loss * part.rows for part in parts)
    assert table.estimate(whole).loss * whole.rows == pytest.approx(lost, abs=1e-5)
    assert table.estimate(whole) == table.estimate(profile(reference, x, scores))


def test_a_quantity_is_estimated_as_well_as_a_share() -> None:
    rng = np.random.default_rng(7)
    x = rng.uniform(-2, 2, size=(20_000, 3))
    cost = np.abs(rng.normal(size=20_000) * (1 + x[:, 0] ** 2))
    reference = learn(COLUMNS, x, x[:, 1])
    table = learn_losses(reference, x, x[:, 1], cost)
    outer = np.abs(x[:, 0]) > 1.5

    assert table is not None
    found = table.estimate(profile(reference, x[outer], x[outer, 1]))
    assert found.loss == pytest.approx(float(cost[outer].mean()), rel=0.03)


def test_a_table_survives_being_written_down() -> None:
    _, table = learned(world(8, 500))

    again = LossByBin.from_json(table.to_json())

    assert again.to_json() == table.to_json()


def test_few_losses_teach_nothing() -> None:
    found = world(9, 60)
    reference = learn(COLUMNS, found[0], found[1])
    losses = np.where(np.arange(60) < 49, wrong(found), np.nan)

    assert learn_losses(reference, found[0], found[1], losses) is None


def test_a_window_without_rows_has_no_loss() -> None:
    reference, table = learned(world(10, 500))

    with pytest.raises(ValueError, match="without rows"):
        table.estimate(Profile(0, np.zeros(reference.starts[-1], np.int64)))
