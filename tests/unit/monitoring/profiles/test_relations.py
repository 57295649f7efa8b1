"""Claims about relations: what is counted, that merging is addition, and that nothing is lost on the way to text."""

from __future__ import annotations

import numpy as np
import pytest

from monitoring.profiles import relations
from monitoring.profiles.learning import learn
from monitoring.profiles.reference import Column, Floats, Ints
from monitoring.profiles.relations import Levels

EDGES = (1 << 18, 1 << 19)


@pytest.fixture(scope="module")
def rows() -> tuple[Floats, Floats, Floats, Ints]:
    chance = np.random.default_rng(3)
    x = np.column_stack([chance.normal(size=900), chance.integers(0, 6, 900), chance.normal(size=900)])
    x[:40, 0], x[40:60, 1], x[60:80, 2] = np.nan, 9, 1e9
    return x, chance.random(900), (chance.random(900) < 0.4).astype(float), chance.integers(0, 1 << 20, 900)


@pytest.fixture(scope="module")
def levels(rows: tuple[Floats, Floats, Floats, Ints]) -> Levels:
    x, outputs, labels, _ = rows
    columns = [Column(name="a"), Column(name="b", kind="categorical", categories=6), Column(name="c")]
    return Levels.of(learn(columns, x[80:], outputs[80:], labels[80:]), EDGES)


def some(rows: tuple[Floats, Floats, Floats, Ints], part: slice) -> tuple[Floats, Floats, Floats, Ints]:
    x, outputs, labels, losses = rows
    return x[part], outputs[part], labels[part], losses[part]


def test_each_row_stands_once_beside_each_two_variables(
    levels: Levels, rows: tuple[Floats, Floats, Floats, Ints]
) -> None:
    counted = levels.together(*rows)

    sums = np.add.reduceat(np.add.reduceat(counted, levels.starts[:-1], axis=0), levels.starts[:-1], axis=1)
    assert (sums == 900).all()
    assert (counted == counted.T).all()


def test_merging_is_addition_in_any_order_and_partition(
    levels: Levels, rows: tuple[Floats, Floats, Floats, Ints]
) -> None:
    whole = levels.together(*rows)
    parts = [levels.together(*some(rows, part)) for part in (slice(700, 900), slice(0, 1), slice(1, 700))]

    assert np.array_equal(parts[0] + parts[1] + parts[2], whole)


def test_levels_beside_output_label_and_loss_are_the_last_columns_of_all(
    levels: Levels, rows: tuple[Floats, Floats, Floats, Ints]
) -> None:
    assert (levels.beside(*rows) == levels.together(*rows)[:, levels.starts[-4] :]).all()


def test_flawed_values_and_those_outside_have_levels_of_their_own(
    levels: Levels, rows: tuple[Floats, Floats, Floats, Ints]
) -> None:
    x, outputs, _, _ = rows
    placed = levels.placed(x, outputs) - np.array(levels.starts[:4])

    assert set(placed[:40, 0]) == set(placed[40:60, 1]) == {relations.FLAWED}
    assert set(placed[60:80, 2]) == {relations.HIGH}


def test_text_holds_every_level_that_holds_a_row(levels: Levels, rows: tuple[Floats, Floats, Floats, Ints]) -> None:
    before, after = levels.together(*some(rows, slice(0, 600))), levels.together(*some(rows, slice(600, 900)))
    none = np.zeros_like(before.diagonal())

    told = relations.opened(relations.to_json(levels, before, after, [none, none]))

    size = sum(each["levels"] for each in told["variables"])
    half = np.zeros((size, size), np.int64)
    half[np.triu_indices(size)] = told["after"]
    used = (before + after).diagonal() > 0
    assert (half + np.triu(half, 1).T == after[np.ix_(used, used)]).all()
    assert [each["name"] for each in told["variables"]] == ["a", "b", "c", "@output", "@label", "@loss"]
