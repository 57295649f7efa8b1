"""The first champion of a backtest, by the template's own recipe, and what it answers out of sample."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from backtest.stream import Floats, Stream
from retraining.artifact import Manifest
from retraining.estimators import fit, predict
from retraining.models import Predictor, dump, libraries, load, semantic_sha256
from retraining.template import Template
from statemachine.record.canonical import digest

FOLDS = 5
TWO = 2  #: labels, at least, that a model learns from
FIRST_FOLD = 2  #: folds before it only train
PROBE_ROWS = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Champion:
    """A trained model as bytes, what it predicts, and its answers to reference rows that it had not seen."""

    artifact: bytes
    manifest: Manifest
    predict: Predictor
    reference_outputs: Floats


def matrix(stream: Stream) -> Floats:
    """Give all features as (rows, features): numbers, or the index of a word; NaN where missing."""
    return np.column_stack([_numbers(one.values, words=one.words is not None) for one in stream.columns])


def train(stream: Stream, rows: Floats, template: Template, seed: int = 0) -> Champion:
    """Train on the reference; answer its later folds with models that know only what came before them."""
    reference = stream.reference_rows
    estimator = _fit(stream, rows, template, seed, (0, reference))
    outputs = np.full(reference, np.nan)
    for fold in range(FIRST_FOLD, FOLDS):
        first, end = reference * fold // FOLDS, reference * (fold + 1) // FOLDS
        if len(np.unique(stream.labels[:first][~np.isnan(stream.labels[:first])])) < TWO:
            continue  # rows of one label teach nothing
        outputs[first:end] = predict(stream.task, _fit(stream, rows, template, seed, (0, first)), rows[first:end])
    data, probe = dump(estimator), rows[max(reference - PROBE_ROWS, 0) : reference]
    manifest = Manifest(
        format="skops", artifact_sha256=digest(data), task=stream.task, template=template.reference,
        features=[{"name": one.name, "kind": "numeric" if one.words is None else "categorical",
                   "categories": list(one.words or ())} for one in stream.columns],
        classes=list(stream.classes), trusted_types=list(template.trusted_types),
        semantic_sha256=semantic_sha256(predict(stream.task, estimator, probe)),
        entrant="first", rows=[[0, reference]], seed=seed, params=template.params, libraries=libraries(),
    )  # fmt: skip
    return Champion(artifact=data, manifest=manifest, predict=load(manifest, data), reference_outputs=outputs)


def refit(stream: Stream, rows: Floats, template: Template, seed: int, known: tuple[int, int]) -> Floats:
    """Train on the rows [first, end) of *known*, and answer every row of the stream."""
    return predict(stream.task, _fit(stream, rows, template, seed, known), rows)


def _fit(stream: Stream, rows: Floats, template: Template, seed: int, part: tuple[int, int]) -> Any:  # noqa: ANN401 - an estimator
    first, end = part
    known = first + np.flatnonzero(~np.isnan(stream.labels[first:end]))
    return fit(template, stream.task, rows[known], stream.labels[known], seed)


def _numbers(values: np.ndarray[Any, Any], *, words: bool) -> Floats:
    numbers = np.asarray(values, dtype=np.float64)
    return np.where(numbers < 0, np.nan, numbers) if words else numbers
