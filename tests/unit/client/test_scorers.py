from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from remission.scorers import OwnScorer, Rows, UnknownClassError, WrongShapeError, class_indices

ROWS = Rows(given=[[1.0], [2.0]], columns={"x0": np.array([1.0, 2.0])}, count=2)


class Model:
    """An estimator that gives what it is told to."""

    def __init__(self, answers: Any, **attributes: Any) -> None:
        self.answers = answers
        self.__dict__.update(attributes)

    def predict(self, rows: object) -> Any:
        del rows
        if isinstance(self.answers, Exception):
            raise self.answers
        return self.answers


class Chances(Model):
    """One that gives probabilities too."""

    chances: Any

    def predict_proba(self, rows: object) -> Any:
        del rows
        if isinstance(self.chances, Exception):
            raise self.chances
        return self.chances


def test_a_binary_classifier_is_reported_by_its_probability_and_answers_by_its_own_threshold() -> None:
    model = Chances(["no", "no"], classes_=["no", "yes"], chances=[[0.1, 0.9], [0.7, 0.3]])

    scores = OwnScorer(model).score(ROWS)

    assert scores.answers.tolist() == ["no", "no"]
    assert scores.output.tolist() == [0.9, 0.3]


def test_a_classifier_of_three_is_reported_by_the_index_of_its_answer() -> None:
    model = Chances(["c", "a"], classes_=["a", "b", "c"], chances=[[0, 0, 1], [1, 0, 0]])

    scores = OwnScorer(model).score(ROWS)

    assert scores.output.tolist() == [2, 0]
    assert scores.probabilities is not None
    assert scores.probabilities.shape == (2, 3)


def test_a_classifier_without_probabilities_is_reported_by_the_index_of_its_answer() -> None:
    scores = OwnScorer(Model(["yes", "no"], classes_=["no", "yes"])).score(ROWS)

    assert scores.output.tolist() == [1, 0]
    assert scores.probabilities is None


def test_a_regressor_is_reported_by_its_value() -> None:
    assert OwnScorer(Model([1.5, 2.5])).score(ROWS).output.tolist() == [1.5, 2.5]


def test_what_the_estimator_raises_rises() -> None:
    with pytest.raises(ZeroDivisionError):
        OwnScorer(Model(ZeroDivisionError())).score(ROWS)


@pytest.mark.parametrize(
    ("model", "error"),
    [
        (Chances(["a", "b"], classes_=["a", "b"], chances=NotImplementedError()), NotImplementedError),
        (Chances(["a", "b"], classes_=["a", "b"], chances=[[1.0, 0.0]]), WrongShapeError),
        (Model(["a", "stranger"], classes_=["a", "b"]), UnknownClassError),
        (Model(["words", "of a regressor"]), ValueError),
        (Model([[1.0, 2.0], [3.0, 4.0]]), WrongShapeError),
    ],
)
def test_what_only_a_report_needs_fails_no_answer(model: Model, error: type[Exception]) -> None:
    scores = OwnScorer(model).score(ROWS)

    assert scores.answers.tolist() == model.answers
    assert isinstance(scores.fault, error)


def test_labels_are_found_among_classes_by_value_whatever_their_type() -> None:
    classes = np.array([0, 1])

    assert class_indices(np.array([True, False]), classes).tolist() == [1, 0]
    assert class_indices(np.array([1.0, 0.0]), classes).tolist() == [1, 0]


def test_a_label_that_is_no_class_is_named() -> None:
    with pytest.raises(UnknownClassError) as caught:
        class_indices(np.array(["maybe"]), np.array(["no", "yes"]))

    assert caught.value.label == "maybe"
    assert "'no', 'yes'" in str(caught.value)
