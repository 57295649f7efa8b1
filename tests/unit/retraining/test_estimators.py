"""Claims about templates, and the estimators that they make."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from retraining.estimators import Floats, fit, predict
from retraining.template import TEMPLATES, Limits, Template

EVERY = pytest.mark.parametrize("name", sorted(TEMPLATES))
ROWS = 200


def rows_of(seed: int = 0) -> tuple[Floats, Floats]:
    """Give rows with holes and an empty column, and a number that the first column decides."""
    chance = np.random.default_rng(seed)
    rows = chance.normal(size=(ROWS, 4))
    values = 2 * rows[:, 0] + chance.normal(scale=0.1, size=ROWS)
    rows[::7, 1] = np.nan
    rows[:, 3] = np.nan
    return rows, values


LABELS: dict[str, Callable[[Floats], Floats]] = {
    "binary": lambda values: (values > 0).astype(float),
    "multiclass": lambda values: np.digitize(values, [-1.0, 1.0]).astype(float),
    "regression": lambda values: values,
}


@EVERY
@pytest.mark.parametrize("task", sorted(LABELS))
def test_each_template_learns_each_task_though_values_are_missing(name: str, task: str) -> None:
    rows, values = rows_of()
    labels = LABELS[task](values)

    answers = predict(task, fit(TEMPLATES[name], task, rows, labels, seed=0), rows)

    assert answers.shape == (ROWS,)
    assert answers.dtype == np.float64
    right = np.abs(answers - labels) < 0.5
    assert right.mean() > 0.85


@EVERY
def test_an_answer_of_two_is_the_chance_of_the_second(name: str) -> None:
    rows, values = rows_of()
    labels = LABELS["binary"](values)

    answers = predict("binary", fit(TEMPLATES[name], "binary", rows, labels, seed=0), rows)

    assert ((answers >= 0) & (answers <= 1)).all()
    assert answers[labels == 1].mean() > 0.8
    assert answers[labels == 0].mean() < 0.2


def test_who_never_saw_the_second_class_gives_it_no_chance() -> None:
    rows, values = rows_of()
    labels = np.where(values > 0, 0.0, 2.0)

    assert not predict("binary", fit(TEMPLATES["linear"], "binary", rows, labels, seed=0), rows).any()


@EVERY
def test_a_column_that_was_empty_and_comes_back_changes_no_answer(name: str) -> None:
    rows, values = rows_of()
    model = fit(TEMPLATES[name], "regression", rows, values, seed=0)
    back = np.column_stack([rows[:, :3], np.arange(ROWS)])

    np.testing.assert_array_equal(predict("regression", model, back), predict("regression", model, rows))


@EVERY
def test_the_same_seed_trains_the_same_model(name: str) -> None:
    rows, values = rows_of()
    small = replace(TEMPLATES[name], max_rows=80)

    one, other = (predict("regression", fit(small, "regression", rows, values, seed=3), rows) for _ in range(2))

    np.testing.assert_array_equal(one, other)


def test_beyond_the_templates_rows_a_sample_in_the_order_of_time_is_learned() -> None:
    rows, values = rows_of()
    small = replace(TEMPLATES["linear"], max_rows=80)
    sample = np.sort(np.random.default_rng(5).choice(ROWS, 80, replace=False))

    cut = predict("regression", fit(small, "regression", rows, values, seed=5), rows)

    by_hand = fit(TEMPLATES["linear"], "regression", rows[sample], values[sample], seed=5)
    np.testing.assert_array_equal(cut, predict("regression", by_hand, rows))


def test_a_template_is_named_by_its_content() -> None:
    known = TEMPLATES["hgb-60"]
    changes: list[Template] = [
        replace(known, params={"max_iter": 61}),
        replace(known, max_rows=9_999),
        replace(known, trusted_types=()),
        replace(known, limits=Limits(minimum_isolation="sealed")),
        replace(known, version=2),
    ]

    assert known.reference == f"hgb-60@1:{known.sha256[:12]}"
    assert len({known.sha256, *(one.sha256 for one in changes)}) == len(changes) + 1


def test_templates_stand_under_their_own_names() -> None:
    assert {name: template.name for name, template in TEMPLATES.items()} == {name: name for name in TEMPLATES}


def test_a_recipe_that_changes_is_another_version_of_its_template() -> None:
    """Manifests on record name these: who changes a recipe adds its new name here, and counts its version up."""
    assert {one.reference for one in TEMPLATES.values()} == {"hgb-60@1:17dfb3da93b5", "linear@1:038ed1433e3d"}
