"""Versions that can score rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from remission.columns import Floats

Columns = Mapping[str, NDArray[np.generic]]
Answers = NDArray[np.generic]


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows to score, as the caller gave them and as named columns."""

    given: object
    columns: Columns
    count: int


@dataclass(frozen=True, slots=True)
class Scores:
    """What one version says of some rows."""

    answers: Answers  #: (rows,) class labels or values, as `predict` returns them
    output: Floats  #: (rows,) as the contract wants it: P(class 1), class index, or value
    probabilities: Floats | None = None  #: (rows, classes), where the version gives them
    fault: Exception | None = None  #: why the output, or the probabilities, could not be had; the answers stand


class Scorer(Protocol):
    """A version at work. It raises what its estimator raises."""

    def score(self, rows: Rows) -> Scores:
        """Return what this version says of *rows*."""
        ...


class Estimator(Protocol):
    """What scikit-learn calls a predictor."""

    def predict(self, rows: object, /) -> Answers:
        """Return one class label or value a row."""
        ...


@runtime_checkable
class Classifier(Protocol):
    """What scikit-learn calls a classifier, once it is fitted."""

    classes_: Answers


@runtime_checkable
class Probabilistic(Protocol):
    """A classifier that gives probabilities."""

    def predict_proba(self, rows: object, /) -> Floats:
        """Return (rows, classes) probabilities."""
        ...


class UnknownClassError(ValueError):
    """The model knows no such class."""

    def __init__(self, label: object, classes: Answers) -> None:
        super().__init__(f"{type(self).__doc__} {label!r} is none of {classes.tolist()!r}.")
        self.label, self.classes = label, classes


class WrongShapeError(ValueError):
    """The estimator gives something of another shape than one answer a row."""

    def __init__(self, what: str, expected: tuple[int, ...], actual: tuple[int, ...]) -> None:
        super().__init__(f"{type(self).__doc__} Its {what} have shape {actual}, expected {expected}.")
        self.what, self.expected, self.actual = what, expected, actual


class OwnScorer:
    """The estimator that the serving process was started with; it gets rows as the caller gave them."""

    def __init__(self, estimator: Estimator) -> None:
        self._estimator = estimator

    def score(self, rows: Rows) -> Scores:
        """Return the estimator's own answers; only what its `predict` raises, rises.

        `predict` is asked even where probabilities are known: an estimator may have a threshold of its own.
        """
        answers = np.asarray(self._estimator.predict(rows.given))
        try:
            return make_scores(self._estimator, answers, rows.given)
        except Exception as error:  # noqa: BLE001 - what is wanted for a report only must not fail an answer
            return Scores(answers, np.full(len(answers), np.nan), fault=error)


def make_scores(estimator: Estimator, answers: Answers, given: object) -> Scores:
    """Return *answers* with the output and the probabilities that belong to them.

    Raises:
        WrongShapeError: There is not one answer a row, or not one probability a row and class.
        UnknownClassError: An answer is none of the estimator's classes.
    """
    _require_shape("answers", answers, (len(answers),))
    if not isinstance(estimator, Classifier):
        return Scores(answers, np.asarray(answers, dtype=np.float64))
    classes = np.asarray(estimator.classes_)
    probabilities = None
    if isinstance(estimator, Probabilistic):
        probabilities = np.asarray(estimator.predict_proba(given), dtype=np.float64)
        _require_shape("probabilities", probabilities, (len(answers), len(classes)))
    if len(classes) == 2 and probabilities is not None:  # noqa: PLR2004 - two classes are what binary means
        return Scores(answers, probabilities[:, 1], probabilities)
    return Scores(answers, class_indices(answers, classes), probabilities)


def _require_shape(what: str, values: NDArray[np.generic], expected: tuple[int, ...]) -> None:
    if values.shape != expected:
        raise WrongShapeError(what, expected, values.shape)


def class_indices(labels: Answers, classes: Answers) -> Floats:
    """Return each label's index in *classes*.

    >>> class_indices(np.array(["b", "a"]), np.array(["a", "b"]))
    array([1., 0.])

    Raises:
        UnknownClassError: A label is not among the classes.
    """
    index = {label: position for position, label in enumerate(classes.tolist())}
    unknown = [label for label in labels.tolist() if label not in index]
    if unknown:
        raise UnknownClassError(unknown[0], classes)
    return np.array([index[label] for label in labels.tolist()], dtype=np.float64)
