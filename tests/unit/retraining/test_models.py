"""Claims about models as bytes: what comes back, and what is never loaded."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from skops.io.exceptions import UntrustedTypesFoundException

from retraining.artifact import Manifest
from retraining.estimators import fit, predict
from retraining.models import dump, libraries, load, log_odds, recalibrate, semantic_sha256
from retraining.template import TEMPLATES
from statemachine.record.canonical import canonical, digest

CHANCE = np.random.default_rng(0)
ROWS = CHANCE.normal(size=(200, 3))
LABELS = (ROWS[:, 0] > 0).astype(float)


def a_manifest(data: bytes, template: str = "linear", **changes: Any) -> Manifest:
    known = {
        "format": "skops", "artifact_sha256": digest(data), "task": "binary", "template": TEMPLATES[template].reference,
        "features": [], "classes": [], "trusted_types": list(TEMPLATES[template].trusted_types),
        "semantic_sha256": "s" * 64,
    }  # fmt: skip
    return Manifest(**{**known, **changes})


class Hostile:
    """Runs a command when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, (f"touch {self.path}",)


@pytest.mark.parametrize("template", sorted(TEMPLATES))
@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_a_model_comes_back_as_it_was_trained(template: str, task: str) -> None:
    estimator = fit(TEMPLATES[template], task, ROWS, LABELS, seed=0)
    data = dump(estimator)

    again = load(a_manifest(data, template, task=task), data)

    np.testing.assert_array_equal(again(ROWS), predict(task, estimator, ROWS))


def test_bytes_that_the_manifest_does_not_name_are_refused() -> None:
    data = dump(fit(TEMPLATES["linear"], "binary", ROWS, LABELS, seed=0))

    with pytest.raises(ValueError, match="not those that its manifest names"):
        load(a_manifest(data), data + b"x")


def test_a_function_in_an_artefact_is_never_called(tmp_path: Path) -> None:
    trap = tmp_path / "sprung"
    hostile = FunctionTransformer(func=os.system, kw_args={"command": f"touch {trap}"})
    data = skops.io.dumps(make_pipeline(hostile, StandardScaler()))

    with pytest.raises(UntrustedTypesFoundException, match="system"):
        load(a_manifest(data), data)
    assert not trap.exists()


def test_an_object_of_another_kind_is_refused_by_name(tmp_path: Path) -> None:
    data = skops.io.dumps({"model": Hostile(tmp_path / "sprung")})

    with pytest.raises(UntrustedTypesFoundException):
        load(a_manifest(data), data)
    assert not (tmp_path / "sprung").exists()


def test_pickled_bytes_are_not_read(tmp_path: Path) -> None:
    import pickle  # noqa: PLC0415 - beside its only use: the bytes that must not be read

    data = pickle.dumps(Hostile(tmp_path / "sprung"))

    with pytest.raises(Exception, match="zip"):
        load(a_manifest(data), data)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("template", sorted(TEMPLATES))
def test_what_a_template_trusts_is_what_its_models_need(template: str) -> None:
    found: set[str] = set()
    for task in ("binary", "multiclass", "regression"):
        found |= set(skops.io.get_untrusted_types(data=dump(fit(TEMPLATES[template], task, ROWS, LABELS, seed=0))))

    assert found <= set(TEMPLATES[template].trusted_types)


@pytest.mark.parametrize(
    ("task", "outputs", "corrected"),
    [
        ("binary", [0.5, 0.9], [1 / (1 + np.exp(-1)), 1 / (1 + np.exp(-(2 * np.log(9) + 1)))]),
        ("regression", [0.5, -3.0], [2.0, -5.0]),
    ],
)
def test_a_recalibration_corrects_its_base_by_a_line(task: str, outputs: list[float], corrected: list[float]) -> None:
    data = canonical({"method": "logistic", "slope": 2.0, "intercept": 1.0})
    manifest = a_manifest(data, format="recalibration", task=task)

    found = load(manifest, data, lambda _: np.array(outputs))(ROWS)

    np.testing.assert_allclose(found, corrected)


def test_a_recalibration_alone_is_no_model() -> None:
    data = canonical({"slope": 1.0, "intercept": 0.0})

    with pytest.raises(ValueError, match="version that it corrects"):
        load(a_manifest(data, format="recalibration"), data)


def test_certain_answers_stay_chances_when_they_are_corrected() -> None:
    found = recalibrate("binary", np.array([0.0, 1.0, 0.5]), 3.0, -1.0)

    assert np.isfinite(found).all()
    assert ((found >= 0) & (found <= 1)).all()


def test_nothing_is_surer_than_a_million_to_one() -> None:
    np.testing.assert_allclose(log_odds(np.array([0.0, 1e-7, 0.5, 1.0])), np.log([1e-6, 1e-6, 1.0, 1e6]), rtol=1e-6)


def test_models_that_answer_alike_to_nine_decimals_are_equal_whatever_their_bytes() -> None:
    answers = np.array([0.1, 0.2])

    assert semantic_sha256(answers) == semantic_sha256(answers + 4e-10)
    assert semantic_sha256(answers) != semantic_sha256(answers + 1e-9)


def test_the_libraries_that_load_a_model_are_on_record() -> None:
    assert set(libraries()) == {"numpy", "scikit-learn", "skops"}
    assert libraries()["skops"] == skops.__version__
