from __future__ import annotations

import numpy as np
import pytest
from remission.loading import (
    TRUSTED_TYPES,
    MalformedManifest,
)
from remission.scorers import OwnScorer
from sklearn.linear_model import LogisticRegression

from retraining import estimators, models
from retraining.artifact import Manifest
from retraining.template import TEMPLATES
from tests.fixtures.clients import Blobs, rows_of, skops_manifest
from tests.unit.client.versions import COLUMNS, FEATURES, LABELS, MATRIX, WORDS, a_loader, a_manifest


@pytest.mark.parametrize("name", sorted(TEMPLATES))
@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_what_a_template_trains_is_loaded_and_answers_as_it_did_in_the_sandbox(name: str, task: str) -> None:
    labels = LABELS + (MATRIX[:, 1] if task == "multiclass" else 0)
    estimator = estimators.fit(TEMPLATES[name], task, MATRIX, labels, seed=1)
    artifact, blobs = models.dump(estimator), Blobs()
    manifest = Manifest(
        format="skops", artifact_sha256=blobs.put(artifact), task=task, template=TEMPLATES[name].reference,
        features=FEATURES, classes=[], trusted_types=list(TEMPLATES[name].trusted_types), semantic_sha256="",
    )  # fmt: skip
    classes = {"binary": WORDS, "multiclass": np.array(["a", "b", "c"]), "regression": None}[task]

    scores = a_loader(blobs, classes).load(blobs.put(manifest.to_bytes())).score(rows_of(COLUMNS))

    assert np.array_equal(scores.output, models.load(manifest, artifact)(MATRIX))
    if classes is not None:
        assert np.array_equal(scores.answers, classes[estimator.predict(MATRIX).astype(int)])
        assert scores.probabilities is not None
        assert np.array_equal(scores.probabilities, estimator.predict_proba(MATRIX))


def test_every_template_is_content_with_the_allow_list() -> None:
    assert {one for template in TEMPLATES.values() for one in template.trusted_types} <= TRUSTED_TYPES


def test_a_model_that_saw_only_some_classes_gives_the_others_no_chance() -> None:
    blobs = Blobs()
    sha256 = skops_manifest(blobs, LogisticRegression().fit(MATRIX, LABELS * 2), FEATURES)

    scores = a_loader(blobs, np.array(["a", "b", "c"])).load(sha256).score(rows_of(COLUMNS))

    assert scores.probabilities is not None
    assert scores.probabilities[:, 1].tolist() == [0.0] * len(LABELS)
    assert set(scores.answers.tolist()) == {"a", "c"}


def test_a_correction_is_applied_to_the_own_version_and_picks_the_likelier_class() -> None:
    blobs = Blobs()
    line = b'{"method": "logistic", "slope": -1, "intercept": 0}'
    sha256 = blobs.put_manifest(line, format="recalibration", base_version="v1", base_manifest_sha256="")

    scores = a_loader(blobs).load(sha256).score(rows_of({"x": np.zeros(2)}))

    assert scores.output.tolist() == [0.75, 0.75]
    assert scores.answers.tolist() == ["yes", "yes"]
    assert scores.probabilities is not None
    assert scores.probabilities.tolist() == [[0.25, 0.75]] * 2


def test_a_correction_of_an_uploaded_version_loads_that_first() -> None:
    blobs = Blobs()
    base = a_manifest(blobs)
    line = b'{"method": "logistic", "slope": 1, "intercept": 0}'
    sha256 = blobs.put_manifest(line, format="recalibration", base_manifest_sha256=base)
    loader = a_loader(blobs)

    corrected, plain = (loader.load(one).score(rows_of(COLUMNS)).output for one in (sha256, base))

    assert np.allclose(corrected, plain, atol=1e-6)


def test_a_correction_of_values_keeps_values() -> None:
    blobs = Blobs()
    line = b'{"method": "affine", "slope": 2, "intercept": 1}'
    sha256 = blobs.put_manifest(line, format="recalibration", base_version="v1")

    scores = a_loader(blobs, classes=None).load(sha256).score(rows_of({"x": np.zeros(1)}))

    assert scores.answers.tolist() == scores.output.tolist() == [1.5]


def test_the_own_version_may_be_corrected_whatever_kind_of_estimator_it_is() -> None:
    blobs = Blobs()
    own = OwnScorer(LogisticRegression().fit(MATRIX, WORDS[LABELS.astype(int)]))
    line = b'{"method": "logistic", "slope": 1, "intercept": 0}'
    sha256 = blobs.put_manifest(line, format="recalibration", base_version="v1")
    rows = rows_of({"x0": MATRIX[:, 0], "x1": MATRIX[:, 1]})
    given = type(rows)(given=MATRIX, columns=rows.columns, count=rows.count)

    corrected = a_loader(blobs, own=own).load(sha256).score(given)

    assert np.allclose(corrected.output, own.score(given).output, atol=1e-6)


def test_a_correction_of_a_version_that_nobody_here_has_is_refused() -> None:
    blobs = Blobs()
    line = b'{"method": "affine", "slope": 2, "intercept": 1}'
    sha256 = blobs.put_manifest(line, format="recalibration", base_version="v0")

    with pytest.raises(MalformedManifest, match="'v0'"):
        a_loader(blobs, classes=None).load(sha256)
