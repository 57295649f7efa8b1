from itertools import pairwise

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from monitoring.profiles.learning import learn
from monitoring.profiles.profile import LossTable, Profile, loss_table, no_losses, profile, repeated_rows
from monitoring.profiles.reference import (
    FAR_OVER,
    FAR_UNDER,
    FIRST_BIN,
    INVALID,
    MISSING,
    NEW,
    OVER,
    UNDER,
    Column,
    Feature,
    Reference,
)

Floats = NDArray[np.float64]


def made(n: int, seed: int = 7) -> tuple[Reference, Floats, Floats]:
    """Give a reference of a numeric, a categorical, a constant and a tied feature, and more rows of their kind."""
    generator = np.random.default_rng(seed)
    rows = np.column_stack(
        [generator.normal(size=n), generator.integers(0, 5, n), np.full(n, 3.0), np.round(generator.normal(size=n))]
    )
    rows[generator.random(n) < 0.1, 0] = np.nan
    outputs = generator.random(n)
    columns = [Column(name="x"), Column(name="c", kind="categorical", categories=5), Column(name="k"), Column(name="t")]
    return learn(columns, rows, outputs, (outputs > 0.5).astype(float)), rows, outputs


REFERENCE, ROWS, OUTPUTS = made(400)


def slots(feature: Feature, *values: float) -> list[int]:
    return [int(slot) for slot in feature.place(np.array(values))]


@given(st.permutations(range(60)), st.lists(st.integers(0, 60), max_size=8))
def test_neither_order_nor_partition_changes_a_bit_of_a_merged_profile(order: list[int], cuts: list[int]) -> None:
    rows, outputs = ROWS[:60][order], OUTPUTS[:60][order]
    bounds = [0, *sorted(cuts), 60]

    parts = [profile(REFERENCE, rows[a:b], outputs[a:b]) for a, b in pairwise(bounds)]
    merged = sum(parts[1:], parts[0])

    assert merged.to_json() == profile(REFERENCE, ROWS[:60], OUTPUTS[:60]).to_json()


@given(st.permutations(range(60)), st.integers(0, 60))
def test_neither_order_nor_partition_changes_a_bit_of_a_merged_loss_table(order: list[int], cut: int) -> None:
    labels = np.where(np.arange(60) % 7 == 0, np.nan, np.arange(60) % 2)
    losses = (np.arange(60) * 2**17).astype(np.int64)

    def table(rows: list[int]) -> LossTable:
        return loss_table(REFERENCE, ROWS[rows], OUTPUTS[rows], labels[rows], losses[rows])

    merged = table(order[cut:]) + no_losses(REFERENCE) + table(order[:cut])

    assert merged == table(list(range(60)))
    assert int(merged.rows[:, : REFERENCE.starts[1]].sum()) == 60 - 9


@pytest.mark.parametrize("size", [0, 1, 2**15, 2**34])
def test_losses_of_any_size_are_summed_to_the_bit(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitoring.profiles.profile.MOST_AT_ONCE", 700)
    losses = np.random.default_rng(size).integers(-size, size + 1, len(ROWS), dtype=np.int64)
    labels = (OUTPUTS > 0.5).astype(float)

    table = loss_table(REFERENCE, ROWS, OUTPUTS, labels, losses)

    exact = no_losses(REFERENCE)
    places = REFERENCE.place(ROWS, OUTPUTS)
    for row, label in enumerate(REFERENCE.place_labels(labels)):
        exact.rows[label, places[row]] += 1
        exact.loss[label, places[row]] += losses[row]
        exact.squares[places[row]] += (losses[row] >> 10) ** 2
    assert table == exact


def test_every_value_is_counted_once() -> None:
    window = profile(REFERENCE, ROWS, OUTPUTS)

    for start, end, feature in zip(REFERENCE.starts[:-1], REFERENCE.starts[1:], REFERENCE.features, strict=True):
        assert window.counts[start:end].tolist() == list(feature.counts)
        assert window.counts[start:end].sum() == len(ROWS)


def test_decoding_undoes_encoding() -> None:
    window = profile(REFERENCE, ROWS[:50], OUTPUTS[:50])
    plain = {"rows": 50, "counts": window.counts.tolist()}  # as it was written before counts were packed
    stored = orjson.dumps(REFERENCE.to_json(), option=orjson.OPT_SORT_KEYS)

    assert Profile.from_json(orjson.loads(orjson.dumps(window.to_json()))) == window
    assert Profile.from_json(plain) == window
    assert Reference.from_json(orjson.loads(stored)) == REFERENCE


def test_a_thousand_rows_of_25_features_take_less_than_four_kilobytes_of_evidence() -> None:
    chance = np.random.default_rng(1)
    past, rows = chance.normal(size=(5_000, 25)), chance.normal(size=(1_000, 25))
    reference = learn([Column(name=f"x{at}") for at in range(25)], past, past[:, 0])

    window = profile(reference, rows, rows[:, 0])

    assert len(orjson.dumps(window.to_json())) <= 4_096


def test_a_numeric_feature_has_64_bins_of_about_equal_counts() -> None:
    values = np.random.default_rng(1).lognormal(size=(6_400, 1))

    feature = learn([Column(name="x")], values, values[:, 0]).features[0]

    assert feature.slots == FIRST_BIN + 64
    assert set(feature.counts[FIRST_BIN:]) == {100}


def test_few_distinct_values_have_a_bin_each() -> None:
    values = np.repeat(np.arange(20.0), 10).reshape(-1, 1)

    feature = learn([Column(name="x")], values, values[:, 0]).features[0]

    assert slots(feature, *range(20)) == list(range(FIRST_BIN, FIRST_BIN + 20))


def test_values_of_few_rows_share_a_bin_with_their_neighbours() -> None:
    counts = [4, 5, 1, 30, 9, 2, 10, 3]
    values = np.repeat(np.arange(8.0), counts).reshape(-1, 1)

    feature = learn([Column(name="x")], values, values[:, 0]).features[0]

    assert feature.counts[FIRST_BIN:] == (10, 30, 11, 13)
    assert slots(feature, *range(8)) == [FIRST_BIN + k for k in (0, 0, 0, 1, 2, 2, 3, 3)]


def test_values_outside_the_reference_are_told_from_impossible_ones() -> None:
    values = np.linspace(10.0, 20.0, 500).reshape(-1, 1)
    feature = learn([Column(name="x")], values, values[:, 0]).features[0]

    assert slots(feature, np.nan, np.inf, -np.inf) == [MISSING, INVALID, INVALID]
    assert slots(feature, 9.0, 21.0) == [UNDER, OVER]
    assert slots(feature, 0.9, 31.0) == [FAR_UNDER, FAR_OVER]


def test_a_constant_feature_has_one_bin() -> None:
    constant = REFERENCE.features[2]

    assert constant.slots == FIRST_BIN + 1
    assert slots(constant, 3.0, 2.5, 3.5, 3000.0) == [FIRST_BIN, UNDER, OVER, FAR_OVER]


def test_unknown_categories_are_new_and_impossible_codes_invalid() -> None:
    category = REFERENCE.features[1]

    assert slots(category, 4, 5, 1e18) == [FIRST_BIN + 4, NEW, NEW]
    assert slots(category, -1, 0.5, np.inf, np.nan) == [INVALID, INVALID, INVALID, MISSING]


def of_words(*counts: int) -> Feature:
    """Learn a feature whose categories have so many rows each."""
    codes = np.repeat(np.arange(float(len(counts))), counts).reshape(-1, 1)
    return learn([Column(name="c", kind="categorical", categories=len(counts))], codes, codes[:, 0]).features[0]


def test_rare_categories_share_the_last_of_64_bins() -> None:
    feature = of_words(*[40] * 70, *[10] * 30)

    assert feature.slots == FIRST_BIN + 64
    assert slots(feature, 62, 63, 99) == [FIRST_BIN + 62, FIRST_BIN + 63, FIRST_BIN + 63]


def test_categories_of_few_rows_share_a_bin_where_there_are_two_or_more() -> None:
    assert slots(of_words(30, 9, 40, 20), *range(4)) == [FIRST_BIN + k for k in range(4)]
    assert slots(of_words(30, 9, 40, 2), *range(4)) == [FIRST_BIN + k for k in (1, 2, 0, 2)]


def test_categories_that_were_seen_once_say_how_many_rows_will_be_of_new_ones() -> None:
    feature = of_words(100, 50, 2, 1, 1, 1)

    assert feature.counts[NEW] == 3
    assert feature.counts[FIRST_BIN:] == (100, 50, 2)
    assert slots(feature, 4, 6) == [FIRST_BIN + 2, NEW]


@pytest.mark.parametrize("rows", [np.zeros((9, 1)), np.zeros((50, 2))])
def test_a_reference_that_cannot_serve_is_refused(rows: Floats) -> None:
    with pytest.raises(ValueError, match="a reference of shape"):
        learn([Column(name="x")], rows, rows[:, 0])


def test_rows_of_another_width_are_refused() -> None:
    with pytest.raises(ValueError, match="expected"):
        profile(REFERENCE, ROWS[:, :2], OUTPUTS)


def test_repeated_rows_are_those_equal_to_an_earlier_one() -> None:
    rows = np.array([[1.0, np.nan], [1.0, np.nan], [1.0, 2.0], [1.0, np.nan]])

    assert repeated_rows(rows, np.zeros(4)) == 2


@given(st.lists(st.tuples(*[st.sampled_from([0.0, -0.0, 1.0, np.nan, np.inf])] * 4), max_size=40))
def test_repeated_rows_are_as_many_as_comparing_every_byte_finds(drawn: list[tuple[float, ...]]) -> None:
    whole = np.array(drawn, dtype=np.float64).reshape(-1, 4)

    repeats = repeated_rows(whole[:, :3], whole[:, 3])

    assert repeats == len(whole) - len({row.tobytes() for row in whole})
