"""Estimators by template. Imported in sandboxed children and in backtests only: it brings scikit-learn along."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from retraining.template import Template

Floats = npt.NDArray[np.float64]


def fit(template: Template, task: str, rows: Floats, labels: Floats, seed: int) -> Any:  # noqa: ANN401 - an estimator
    """Train on *rows* (n, features) and finite *labels* (n,); beyond the template's rows, on a seeded sample."""
    if len(labels) > template.max_rows:
        sample = np.sort(np.random.default_rng(seed).choice(len(labels), template.max_rows, replace=False))
        rows, labels = rows[sample], labels[sample]
    # Trees cannot be cut on a column that holds nothing. As a constant it is never split on, so it may come back later.
    return _estimator(template, task, seed).fit(np.where(np.isnan(rows).all(axis=0), 0.0, rows), labels)


def predict(task: str, estimator: Any, rows: Floats) -> Floats:  # noqa: ANN401 - an estimator
    """Give one output a row: the probability of class 1, the index of a class, or a value."""
    if task == "binary":
        chances = estimator.predict_proba(rows)
        column = list(estimator.classes_).index(1.0) if 1.0 in estimator.classes_ else None
        return np.asarray(chances[:, column], dtype=np.float64) if column is not None else np.zeros(len(rows))
    return np.asarray(estimator.predict(rows), dtype=np.float64)


def _estimator(template: Template, task: str, seed: int) -> Any:  # noqa: ANN401 - an estimator
    if template.family == "hist_gradient_boosting":
        made = HistGradientBoostingRegressor if task == "regression" else HistGradientBoostingClassifier
        return made(random_state=seed, **template.params)
    model = Ridge(**template.params) if task == "regression" else LogisticRegression(max_iter=1_000, **template.params)
    return make_pipeline(SimpleImputer(keep_empty_features=True), StandardScaler(), model)
