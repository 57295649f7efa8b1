"""Durations, newcomers and moments: integers that no order and no partition can change."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.profiles import logbins
from monitoring.profiles.learning import learn
from monitoring.profiles.logbins import FIRST, PARTS, SLOTS, beginning, count_durations, quantile
from monitoring.profiles.moments import Moments
from monitoring.profiles.newcomers import KEPT, Newcomers, hash_of
from monitoring.profiles.profile import loss_table, micro_profiles, profile
from monitoring.profiles.reference import Column, Reference

WORDS = [f"w{number}" for number in range(400)]


@given(st.lists(st.floats(0, 2e13, allow_subnormal=False) | st.just(float("nan")), max_size=60), st.randoms())
def test_durations_in_parts_and_in_any_order_are_the_same_counts(values: list[float], chance: object) -> None:
    whole, cut = count_durations(np.array(values, dtype=float)), len(values) // 3
    mixed = sorted(values, key=lambda _: chance.random())  # type: ignore[attr-defined]  # Hypothesis's own

    parts = count_durations(np.array(mixed[:cut], dtype=float)) + count_durations(np.array(mixed[cut:], dtype=float))

    assert (parts == whole).all()
    assert whole.sum() == len(values)


@pytest.mark.parametrize("slot", [FIRST, FIRST + 1, FIRST + 5 * PARTS + 3, SLOTS - 2])
def test_a_duration_is_in_the_last_bin_that_does_not_begin_above_it(slot: int) -> None:
    first, last = beginning(slot), np.nextafter(beginning(slot + 1), 0)

    assert np.flatnonzero(count_durations(np.array([first, last]))).tolist() == [slot]
    assert beginning(slot + 1) <= first * (1 + 1 / PARTS)


def test_durations_that_have_no_bin_of_their_own_are_counted_beside_them() -> None:
    counts = count_durations(np.array([np.nan, -3.0, 0.0, 0.99, np.inf, 1e300]))

    assert (counts[logbins.MISSING], counts[logbins.BELOW], counts[-1], counts.sum()) == (1, 3, 2, 6)


def test_a_quantile_of_durations_is_at_most_an_eighth_below_that_of_the_values() -> None:
    values = np.random.default_rng(1).lognormal(8, 2, size=10_000)

    found = [quantile(count_durations(values), share) for share in (0.5, 0.99)]

    assert found == pytest.approx(np.quantile(values, [0.5, 0.99]).tolist(), rel=0.13)
    assert quantile(count_durations(np.array([np.nan])), 0.5) is None
    assert quantile(count_durations(np.array([0.2])), 0.5) == 0.0


@given(st.lists(st.sampled_from(WORDS), max_size=600), st.lists(st.integers(0, 600), max_size=4), st.randoms())
def test_newcomers_in_parts_and_in_any_order_are_the_same_table(
    words: list[str], cuts: list[int], chance: object
) -> None:
    mixed = sorted(words, key=lambda _: chance.random())  # type: ignore[attr-defined]  # Hypothesis's own
    ends = [0, *sorted(cuts), len(words)]
    parts = [Newcomers.of(mixed[a:b]) for a, b in pairwise(ends)]

    merged = sum(sorted(parts, key=lambda _: chance.random()), start=Newcomers())  # type: ignore[attr-defined]  # the same

    assert list(merged.to_json()["words"].items()) == list(Newcomers.of(words).to_json()["words"].items())
    assert merged.values == len(words)


def test_the_words_that_are_kept_have_exact_counts_and_the_smallest_hashes() -> None:
    found = Newcomers.of(WORDS * 3)

    assert list(found.words) == sorted(WORDS, key=hash_of)[:KEPT]
    assert set(found.words.values()) == {3}
    assert Newcomers.from_json(found.to_json()) == found


def test_how_many_words_there_are_is_known_exactly_until_the_table_is_full_and_about_from_then_on() -> None:
    assert Newcomers.of(WORDS[:20]).distinct() == 20
    assert Newcomers.of(WORDS).distinct() == pytest.approx(400, rel=0.3)


def a_reference() -> Reference:
    rng = np.random.default_rng(3)
    rows = np.column_stack([rng.normal(1e6, 3.0, 500), rng.integers(0, 3, 500)])
    return learn([Column(name="x"), Column(name="c", kind="categorical", categories=3)], rows, rng.uniform(size=500))


@given(st.lists(st.floats(), max_size=40), st.randoms())
def test_moments_in_parts_and_in_any_order_are_the_same_integers(values: list[float], chance: object) -> None:
    reference, cut = a_reference(), len(values) // 2
    mixed = sorted(values, key=lambda _: chance.random())  # type: ignore[attr-defined]  # Hypothesis's own
    whole, *parts = (
        Moments.of(reference, np.column_stack([some, np.zeros(len(some))]), np.array(some))
        for some in (np.array(part, dtype=float) for part in (values, mixed[:cut], mixed[cut:]))
    )

    assert (parts[0] + parts[1]).to_json() == whole.to_json()


def test_mean_and_spread_are_those_of_the_values_and_a_category_has_none() -> None:
    reference, rng = a_reference(), np.random.default_rng(4)
    rows = np.column_stack([rng.normal(1e6 + 2, 3.0, 999), np.ones(999)])
    rows[::3, 0] = np.nan

    found = Moments.of(reference, rows, np.full(999, 0.25))

    assert found.mean(reference, 0) == pytest.approx(float(np.nanmean(rows[:, 0])), abs=1e-4)
    assert found.spread(reference, 0) == pytest.approx(float(np.nanstd(rows[:, 0])), rel=1e-3)
    assert (found.mean(reference, 1), found.spread(reference, 1)) == (None, None)
    assert found.mean(reference, 2) == 0.25


@pytest.mark.parametrize("value", [0.0, 7.0, -1e300, 5e-324])
def test_what_never_varied_has_its_mean(value: float) -> None:
    reference = learn([Column(name="x")], np.full((100, 1), value), np.zeros(100))

    found = Moments.of(reference, np.full((10, 1), value), np.zeros(10))

    assert found.mean(reference, 0) == pytest.approx(value, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("rows", [1, 99, 250, 251, 1_000, 1_003])
def test_micro_profiles_of_segments_are_small_and_together_the_whole(rows: int) -> None:
    reference, rng = a_reference(), np.random.default_rng(rows)
    matrix = np.column_stack([rng.normal(1e6, 4.0, rows), rng.integers(0, 4, rows)])
    outputs, segments = rng.uniform(size=rows), rng.integers(0, 3, rows)

    found = micro_profiles(reference, matrix, outputs, segments)

    sizes = {each: [one.rows for one in pieces] for each, pieces in found.items()}
    pieces = [one for each in found.values() for one in each]
    assert sum(pieces[1:], start=pieces[0]) == profile(reference, matrix, outputs)
    assert {each: sum(some) for each, some in sizes.items()} == {each: int((segments == each).sum()) for each in found}
    assert all(min(100, sum(some)) <= one <= 250 for some in sizes.values() for one in some)


def test_scores_by_label_are_the_joint_counts_of_both() -> None:
    rng = np.random.default_rng(6)
    rows, outputs, labels = rng.normal(size=(300, 1)), rng.uniform(size=300), rng.integers(0, 2, 300).astype(float)
    reference = learn([Column(name="x")], rows, outputs, labels)

    found = loss_table(reference, rows, outputs, labels, np.zeros(300, np.int64)).scores_by_label(reference)

    slots = reference.features[-1].place(outputs)
    of_ones = np.bincount(slots[labels == 1], minlength=reference.features[-1].slots)
    assert found.sum() == 300
    assert found[-1].tolist() == of_ones.tolist()
