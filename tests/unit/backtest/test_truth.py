from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from backtest.errors import StreamInvalid
from backtest.truth import MOST_CLASSES, MOST_NAMED, infer_task, labels_of


def target(*values: Any) -> pd.Series[Any]:
    return pd.Series(values, name="label")


@pytest.mark.parametrize(
    ("values", "task"),
    [
        ([0, 1, 1], "binary"),
        ([True, False, None], "binary"),
        (["yes", "no", None], "binary"),
        ([1.0, 2.0, float("nan"), 3.0], "multiclass"),
        (["a", "b", "c"], "multiclass"),
        ([0.5, 1.0, 2.0], "regression"),
        (range(MOST_CLASSES), "multiclass"),
        (range(MOST_CLASSES + 1), "regression"),
        ([1.0, 2.0, float("inf")], "regression"),
    ],
)
def test_the_task_is_inferred_from_the_values(values: Any, task: str) -> None:
    assert infer_task(target(*values)) == task


@pytest.mark.parametrize(
    ("values", "classes"),
    [
        ([3, 1, 3], ("1", "3")),
        ([2.0, 1.0, 2.0], ("1.0", "2.0")),
        ([True, False, True], ("False", "True")),
        (["b", "a", "b"], ("a", "b")),
    ],
)
def test_classes_are_numbered_in_their_order(values: Any, classes: tuple[str, ...]) -> None:
    labels, names = labels_of(target(*values), "binary")

    assert names == classes
    assert [names[int(label)] for label in labels] == [str(value) for value in values]


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_a_truth_that_was_never_learned_stays_unknown(task: str) -> None:
    labels, _ = labels_of(target(1.0, None, 0.0), task)

    assert list(np.isnan(labels)) == [False, True, False]


def test_true_and_false_are_one_and_nought_to_a_regression() -> None:
    labels, classes = labels_of(target(*[True, False]), "regression")

    assert (list(labels), classes) == ([1.0, 0.0], ())


@pytest.mark.parametrize(
    ("values", "task", "told"),
    [
        ([1, 0], "guess", "--task: 'guess' is not accepted; one of binary, multiclass, regression is"),
        ([None, None], "binary", "--target: 'label' is missing in every row"),
        ([1, 2, 3], "binary", "--task binary: 'label' has 3 values; two are accepted"),
        (range(MOST_NAMED + 1), "multiclass", f"--task multiclass: 'label' has {MOST_NAMED + 1} values; at most"),
        (["1", "x"], "regression", "--task regression: row 1 of 'label' is 'x'; finite numbers are accepted"),
        ([1.0, float("inf")], "regression", "--task regression: row 1 of 'label' is 'inf'; finite numbers"),
    ],
)
def test_a_target_that_does_not_fit_its_task_is_refused(values: Any, task: str, told: str) -> None:
    with pytest.raises(StreamInvalid) as refused:
        labels_of(target(*values), task)

    assert str(refused.value).startswith(told)
