"""Claims about the patterns: which fit, which do not, and which of several that fit is believed."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from diagnosis.causes import Kind
from diagnosis.patterns import BROAD, NEAR, OF_FEW, Look, Pattern
from tests.unit.diagnosis.levels import Ints, relations, rows_of

A, B, OUTPUT, LABEL, LOSS = range(5)
NONE = np.zeros((0, 5), np.int64)


def turned(levels: Ints) -> Ints:
    """Turn the truth of all rows round, and with it their loss."""
    other = levels.copy()
    other[:, [LABEL, LOSS]] = 1 - levels[:, [LABEL, LOSS]]
    return other


def of_other_rows(levels: Ints, where: NDArray[np.bool_], chance: np.random.Generator) -> Ints:
    """Give the rows at *where* the labels of one another."""
    other = levels.copy()
    rows = np.flatnonzero(where)
    other[rows, LABEL] = chance.permutation(other[rows, LABEL])
    other[:, LOSS] = (other[:, OUTPUT] >= 2) != other[:, LABEL]
    return other


@pytest.mark.parametrize("seed", range(5))
def test_what_has_changed_a_little_hides_no_cause_of_far_more(seed: int) -> None:
    chance = np.random.default_rng(seed)
    before, after = rows_of(chance, 20_000), turned(rows_of(chance, 20_000))
    after = after[(after[:, B] != 0) | (chance.random(len(after)) < 0.85)]
    look = Look(relations(before, after))

    first = look.patterns()[0]
    assert first.kind == "concept_change"
    assert 1 < first.strain <= look.all / 20


@pytest.mark.parametrize("seed", range(5))
def test_labels_that_have_not_come_for_some_rows_are_believed_before_what_else_would_leave_the_others(
    seed: int,
) -> None:
    chance = np.random.default_rng(seed)
    before, after = rows_of(chance, 2_000), rows_of(chance, 1_500)
    come = (after[:, B] > 0) | (chance.random(len(after)) < 0.3)
    found = Look(relations(before, after[come], NONE, after[~come])).patterns()

    assert (found[0].kind, found[0].note) == (
        "label_quality", "rows are as they were, but those with a label are not like the others",
    )  # fmt: skip
    assert "upstream_change" in {one.kind for one in found}


def test_labels_are_not_late_where_the_rows_that_have_them_are_as_they_were() -> None:
    chance = np.random.default_rng(6)
    before, after, others = (rows_of(chance, rows) for rows in (2_000, 500, 1_500))
    others = others[others[:, B] > 0]

    assert Look(relations(before, after, NONE, others)).late_labels() is None


@pytest.mark.parametrize(("with_label", "named"), [(100, True), (400, False), (800, False)])
def test_labels_stay_away_where_fewer_rows_have_one_than_before_and_not_where_more_do(
    with_label: int, *, named: bool
) -> None:
    chance = np.random.default_rng(7)
    before, first = rows_of(chance, 1_000), rows_of(chance, 1_000)
    after, second = rows_of(chance, with_label), rows_of(chance, 800 - with_label)

    assert (Look(relations(before, after, first, second)).fewer_labels() is not None) is named


def test_labels_that_stay_away_are_no_pattern_of_what_is_strained() -> None:
    chance = np.random.default_rng(8)
    before, after, others = rows_of(chance, 1_000), turned(rows_of(chance, 400)), rows_of(chance, 800)
    look = Look(relations(before, after, NONE, others))

    assert look.all > 1
    assert look.fewer_labels() is None


def test_labels_of_other_rows_at_some_values_alone_are_no_noise() -> None:
    chance = np.random.default_rng(9)
    before, after = rows_of(chance, 3_000), rows_of(chance, 1_500)
    everywhere = of_other_rows(after, chance.random(len(after)) < 0.5, chance)
    here = of_other_rows(after, after[:, A] >= 2, chance)

    assert Look(relations(before, everywhere)).noisy_labels() is not None
    assert Look(relations(before, here)).noisy_labels() is None


@pytest.mark.parametrize(
    ("kind", "strain", "held_back", "closer"),
    [
        ("label_quality", 0.9, 0.0, True),
        ("label_quality", 0.1, OF_FEW, False),
        ("label_quality", 0.1, BROAD, False),
        ("upstream_change", 0.1, OF_FEW, True),
        ("upstream_change", NEAR, BROAD, False),
        ("label_shift", 0.1, 0.0, False),
    ],
)
def test_another_truth_is_held_back_where_a_pattern_says_more_closely_what_it_is(
    kind: Kind, strain: float, held_back: float, *, closer: bool
) -> None:
    chance = np.random.default_rng(10)
    look = Look(relations(rows_of(chance, 2_000), turned(rows_of(chance, 500))))

    found = look.other_truth([Pattern(kind=kind, strain=strain, held_back=held_back)])
    assert found.held_back == (BROAD if closer else 0.0)


def kept(levels: Ints, column: int, value: int, share: float, chance: np.random.Generator) -> Ints:
    """Leave out all but *share* of the rows that have *value*."""
    some: Ints = levels[(levels[:, column] != value) | (chance.random(len(levels)) < share)]
    return some


def test_other_answers_are_held_back_where_another_truth_would_do_as_well() -> None:
    chance = np.random.default_rng(11)
    before, after = rows_of(chance, 2_000), rows_of(chance, 500)
    astray = after.copy()
    astray[:, OUTPUT] = chance.permutation(astray[:, OUTPUT])

    assert Look(relations(before, turned(after))).other_answers().held_back == NEAR
    assert Look(relations(before, astray)).other_answers().held_back == 0


def test_other_shares_of_the_truth_leave_the_loss_given_the_truth_as_it_was() -> None:
    chance = np.random.default_rng(12)
    before, after = rows_of(chance, 2_000), kept(rows_of(chance, 2_000), LABEL, 1, 0.3, chance)
    dearer = after.copy()
    dearer[:, LOSS] |= chance.random(len(after)) < 0.5

    found, other = (Look(relations(before, one)).other_shares() for one in (after, dearer))
    assert found is not None
    assert found.strain <= 1
    assert other is None or other.strain > 1


def test_rows_come_more_often_where_a_feature_has_moved_and_the_loss_at_its_values_has_not() -> None:
    chance = np.random.default_rng(13)
    before, after = rows_of(chance, 2_000), rows_of(chance, 1_000)
    moved = kept(after, A, 0, 0.3, chance)

    found = Look(relations(before, moved)).other_rows()
    assert found is not None
    assert (found.kind, found.features) == ("covariate_drift", ("a",))
    assert Look(relations(before, after)).other_rows() is None
    assert Look(relations(before, turned(moved))).other_rows() is None


def test_one_feature_may_be_broken_beside_what_has_changed_a_little() -> None:
    chance = np.random.default_rng(14)
    before, after = rows_of(chance, 20_000), kept(rows_of(chance, 20_000), B, 0, 0.85, chance)
    after[:, A] = chance.permutation(after[:, A])

    found = Look(relations(before, after)).broken()
    assert found is not None
    assert found.features == ("a",)
    assert found.strain > 1


def test_two_features_may_be_broken_where_all_else_is_as_it_was_and_not_where_it_has_changed_a_little() -> None:
    chance = np.random.default_rng(15)
    before, after = rows_of(chance, 20_000), kept(rows_of(chance, 20_000), B, 0, 0.3, chance)
    after[:, A] = np.maximum(after[:, A], 1)
    some = kept(after, LABEL, 1, 0.9, chance)

    found = Look(relations(before, after)).broken()
    assert found is not None
    assert set(found.features) == {"a", "b"}
    assert Look(relations(before, some)).broken() is None


def test_rows_with_values_that_were_not_there_before_are_no_rows_that_come_more_often() -> None:
    chance = np.random.default_rng(16)
    before, after = rows_of(chance, 2_000), kept(rows_of(chance, 1_000), B, 0, 0.3, chance)
    unknown = before[before[:, B] < 2]

    assert Look(relations(before, after)).drawn("b")
    assert not Look(relations(unknown, after)).drawn("b")


def test_the_best_source_is_what_others_follow_and_not_what_has_itself_moved_most() -> None:
    chance = np.random.default_rng(17)
    before, after = rows_of(chance, 2_000), kept(rows_of(chance, 2_000), A, 0, 0.5, chance)
    after = kept(after, B, 0, 0.3, chance)

    assert Look(relations(before, after)).best_source(("b", "a")) == "a"
    assert Look(relations(before, after)).best_source(("none",)) == ""


def test_the_loss_tells_where_it_rose_only_if_one_feature_stands_out() -> None:
    chance = np.random.default_rng(18)
    before, after = rows_of(chance, 2_000), rows_of(chance, 1_000)
    here = np.where((after[:, A] == 0)[:, None], turned(after), after)

    assert Look(relations(before, here)).shows_in_loss() == ("a",)
    assert Look(relations(before, turned(after))).shows_in_loss() == ()
    assert Look(relations(before, after)).shows_in_loss() == ()
