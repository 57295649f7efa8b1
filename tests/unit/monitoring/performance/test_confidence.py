"""Accuracy and area under the curve, estimated from scores."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from measures.losses import SCALE
from monitoring.performance.confidence import GRID, Confidence
from monitoring.profiles.reference import Floats

World = tuple[Floats, Floats]


def world(seed: int, rows: int, shift: float = 0.0, sureness: float = 1.0) -> World:
    """Give scores and labels; scores are chances where *sureness* is 1, and too extreme where it is more."""
    rng = np.random.default_rng(seed)
    logit = rng.normal(shift, 1.5, size=rows)
    labels = (rng.uniform(size=rows) < 1 / (1 + np.exp(-logit))).astype(float)
    return 1 / (1 + np.exp(-sureness * logit)), labels


def learned(found: World) -> Confidence:
    table = Confidence.learn(*found)
    assert table is not None
    return table


def wrong(found: World) -> float:
    scores, labels = found
    return float(((scores >= 0.5) != (labels >= 0.5)).mean())


@pytest.mark.parametrize("sureness", [0.3, 1.0, 3.0])
@pytest.mark.parametrize("shift", [-1.0, 0.0, 1.5])
def test_what_is_expected_is_what_labels_show_later(sureness: float, shift: float) -> None:
    table = learned(world(1, 50_000, sureness=sureness))
    later = world(2, 20_000, shift, sureness)

    counts = table.count(later[0])

    found = table.estimate(counts)
    assert abs(found.loss - wrong(later)) < 4 * found.error
    assert table.roc_auc(counts) == pytest.approx(roc_auc_score(later[1], later[0]), abs=0.015)


def test_the_error_covers_what_labels_show_as_often_as_it_says() -> None:
    inside = 0
    for seed in range(100):
        table = learned(world(seed, 2_000))
        later = world(1_000 + seed, 1_000)
        found = table.estimate(table.count(later[0]))
        inside += abs(found.loss - wrong(later)) < 2 * found.error

    assert inside >= 90


def test_counts_of_windows_add_up() -> None:
    table, scores = learned(world(3, 1_000)), world(4, 999)[0]

    parts = table.count(scores[:100]) + table.count(scores[100:])

    assert (parts == table.count(scores)).all()
    assert parts.sum() == 999


def test_a_score_on_the_border_is_of_the_second_class() -> None:
    scores = np.linspace(0, 1, 1_001)
    table = learned((scores, (scores >= 0.5).astype(float)))

    assert table.estimate(table.count(np.array([0.5, np.nextafter(0.5, 0)]))).loss == 0.0


def test_scores_that_are_no_number_or_no_chance_are_left_out_or_cut() -> None:
    table = learned(world(5, 1_000))

    counts = table.count(np.array([np.nan, -1.0, 0.0, 1.0, 7.0, np.inf]))

    assert (counts[0], counts[-1], counts.sum()) == (2, 3, 5)


@pytest.mark.parametrize(
    "found",
    [world(6, 49), (np.linspace(-1, 1, 100), np.ones(100)), (np.linspace(0, 9, 100), np.ones(100))],
    ids=["few", "below", "above"],
)
def test_what_is_no_chance_teaches_nothing(found: World) -> None:
    assert Confidence.learn(*found) is None


def test_a_window_without_rows_has_no_loss_and_one_of_one_class_no_curve() -> None:
    table = learned((np.linspace(0, 1, 100), np.ones(100)))
    nothing = np.zeros(len(table.starts), np.int64)

    with pytest.raises(ValueError, match="without rows"):
        table.estimate(nothing)
    assert table.roc_auc(nothing) is None
    assert table.roc_auc(nothing + 1) is None


def test_a_table_survives_being_written_down() -> None:
    table = learned(world(7, 3_000))

    assert Confidence.from_json(table.to_json()).to_json() == table.to_json()


def test_chances_rise_and_the_border_of_the_classes_is_kept() -> None:
    table = learned(world(8, 5_000))

    assert (np.diff(table.chances) >= 0).all()
    assert GRID // 2 in table.starts


def test_scores_that_are_chances_are_believed_as_they_are() -> None:
    table = learned(world(9, 5_000))
    scores = world(10, 20_000, 1.0)[0]

    counts = table.count(scores)

    assert table.estimate(counts).loss == pytest.approx(np.minimum(scores, 1 - scores).mean(), abs=5e-5)
    assert table.roc_auc(counts) == pytest.approx(expected_curve(scores), abs=5e-5)


def expected_curve(chances: Floats) -> float:
    """Give the share of pairs of a one and a zero, weighted by their chances, in which the one has the higher score."""
    rising = np.sort(chances)
    zeros = 1 - rising
    return float((rising * (np.cumsum(zeros) - zeros / 2)).sum() / (rising.sum() * zeros.sum()))


def test_labels_that_refute_scores_are_believed() -> None:
    table = learned(world(11, 5_000, sureness=3.0))

    assert len(table.starts) < 500  # stretches of the isotonic regression
    assert table.estimate(table.count(np.full(10, 0.999))).loss > 0.02


def test_the_error_of_the_curve_covers_what_labels_show_as_often_as_it_says() -> None:
    inside = 0
    for seed in range(100):
        table = learned(world(seed, 2_000))
        later = world(1_000 + seed, 1_000)
        found = table.rank_loss(table.count(later[0]))
        assert found is not None
        inside += abs(1 - found.loss - roc_auc_score(later[1], later[0])) < 2 * found.error

    assert inside >= 90


@pytest.mark.parametrize("rows", [7, 100_000, 1 << 27])
def test_the_curve_of_many_rows_is_the_sum_of_its_pairs(rows: int) -> None:
    table = learned(world(13, 20_000))
    counts = np.random.default_rng(17).multinomial(rows, np.full(len(table.starts), 1 / len(table.starts)))
    below, pairs, ones, zeros = 0, 0, 0, 0
    for count, chance in zip(counts.tolist(), table.chances.tolist(), strict=True):
        up, down = count * chance, count * (SCALE - chance)
        pairs += up * (2 * below + down)
        below, ones, zeros = below + down, ones + up, zeros + down

    assert table.roc_auc(counts) == pytest.approx(pairs / (2 * ones * zeros), abs=2e-9)
