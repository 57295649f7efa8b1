from __future__ import annotations

import json
import os
import pickle
import re
from typing import Any

import numpy as np
import pytest
import skops.io
from remission.errors import NotFoundError
from remission.loading import (
    TRUSTED_TYPES,
    MalformedManifest,
    UntrustedArtifact,
)
from remission.recalibration import MalformedRecalibration, UnknownRecalibration
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from tests.fixtures.clients import Blobs, skops_manifest
from tests.unit.client.versions import FEATURES, LABELS, MATRIX, a_loader, a_manifest


def shout(rows: Any) -> Any:
    """Stand in for code that an artefact brings along."""
    raise AssertionError(f"the artefact's own code was run on {rows}")


FOREIGN: list[Any] = [FunctionTransformer(shout), FunctionTransformer(os.system), FunctionTransformer(eval)]


@pytest.mark.parametrize("foreign", FOREIGN, ids=["its own", "os.system", "eval"])
@pytest.mark.parametrize("named", [True, False], ids=["listed in the manifest", "not listed"])
def test_an_artefact_with_code_of_its_own_is_refused_whatever_its_manifest_trusts(foreign: Any, *, named: bool) -> None:
    estimator = make_pipeline(foreign, LogisticRegression().fit(MATRIX, LABELS))
    types = skops.io.get_untrusted_types(data=skops.io.dumps(estimator))
    blobs = Blobs()
    sha256 = skops_manifest(blobs, estimator, FEATURES, trusted_types=types if named else [])

    with pytest.raises(UntrustedArtifact) as caught:
        a_loader(blobs).load(sha256)

    assert caught.value.types
    assert set(caught.value.types).isdisjoint(TRUSTED_TYPES)


def test_a_manifest_that_trusts_more_than_the_allow_list_is_refused_though_the_artefact_needs_it_not() -> None:
    blobs = Blobs()
    sha256 = a_manifest(blobs, trusted_types=["numpy.dtype", "os.system"])

    with pytest.raises(UntrustedArtifact) as caught:
        a_loader(blobs).load(sha256)

    assert caught.value.types == ("os.system",)


class Dangerous:
    """Runs a command when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return shout, (None,)


def test_a_pickle_is_never_opened() -> None:
    blobs = Blobs()
    sha256 = blobs.put_manifest(pickle.dumps(Dangerous()), format="skops", features=FEATURES)

    with pytest.raises(Exception, match=re.compile("zip", re.IGNORECASE)):
        a_loader(blobs).load(sha256)


@pytest.mark.parametrize("document", ["", "{", "[]", "7", "null", '"text"', "nul\0"])
def test_a_manifest_that_is_no_object_is_refused(document: str) -> None:
    blobs = Blobs()

    with pytest.raises(MalformedManifest):
        a_loader(blobs).load(blobs.put(document.encode()))


@pytest.mark.parametrize("format_", ["pickle", "joblib", "", None, 7, ["skops"]])
def test_a_format_that_is_not_known_is_refused(format_: object) -> None:
    blobs = Blobs()

    with pytest.raises(MalformedManifest, match="Format"):
        a_loader(blobs).load(a_manifest(blobs, format=format_))


@pytest.mark.parametrize(
    "features",
    [
        None, [], {}, "x", [7], [None], [{}], [{"name": "x"}], [{"kind": "numeric"}], [{"name": 7, "kind": "numeric"}],
        [{"name": "x", "kind": "text"}], [{"name": "c", "kind": "categorical"}],
        [{"name": "c", "kind": "categorical", "categories": "red"}],
    ],
)  # fmt: skip
def test_features_that_are_not_described_are_refused(features: Any) -> None:
    blobs = Blobs()

    with pytest.raises(MalformedManifest):
        a_loader(blobs).load(skops_manifest(blobs, LogisticRegression().fit(MATRIX, LABELS), features))


@pytest.mark.parametrize("artifact", [None, 7, ["a"]])
def test_a_manifest_that_names_no_artefact_is_refused(artifact: object) -> None:
    blobs = Blobs()

    with pytest.raises(MalformedManifest, match="artifact_sha256"):
        a_loader(blobs).load(blobs.put(json.dumps({"format": "skops", "artifact_sha256": artifact}).encode()))


def test_bytes_that_are_not_there_are_missing() -> None:
    blobs = Blobs()
    manifest = {"format": "skops", "artifact_sha256": "0" * 64, "features": FEATURES}

    with pytest.raises(NotFoundError):
        a_loader(blobs).load(blobs.put(json.dumps(manifest).encode()))


@pytest.mark.parametrize("labels", [LABELS + 1, LABELS - 1, LABELS + 0.5, np.array(["no", "yes"])[LABELS.astype(int)]])
def test_a_model_that_was_trained_on_other_classes_is_refused(labels: Any) -> None:
    blobs = Blobs()
    estimator = LogisticRegression().fit(MATRIX, (labels * 2).astype(int) if labels.dtype == float else labels)

    with pytest.raises(MalformedManifest, match="classes"):
        a_loader(blobs).load(skops_manifest(blobs, estimator, FEATURES))


def test_a_regressor_in_the_place_of_a_classifier_is_refused() -> None:
    blobs = Blobs()
    sha256 = skops_manifest(blobs, LinearRegression().fit(MATRIX, LABELS), FEATURES)

    with pytest.raises(MalformedManifest, match="classes"):
        a_loader(blobs).load(sha256)


def test_a_correction_of_three_classes_is_refused() -> None:
    blobs = Blobs()
    sha256 = blobs.put_manifest(
        b'{"method": "affine", "slope": 1, "intercept": 0}', format="recalibration", base_version="v1"
    )

    with pytest.raises(MalformedManifest, match="two classes"):
        a_loader(blobs, np.array(["a", "b", "c"])).load(sha256)


@pytest.mark.parametrize(
    ("line", "error"),
    [(b"{", MalformedRecalibration), (b'{"method": "exec"}', UnknownRecalibration)],
)
def test_a_correction_that_cannot_be_read_is_refused(line: bytes, error: type[Exception]) -> None:
    blobs = Blobs()

    with pytest.raises(error):
        a_loader(blobs).load(blobs.put_manifest(line, format="recalibration", base_version="v1"))


def test_a_correction_whose_base_is_no_hash_is_refused() -> None:
    blobs = Blobs()
    sha256 = blobs.put_manifest(b"{}", format="recalibration", base_manifest_sha256=7)

    with pytest.raises(MalformedManifest, match="base_manifest_sha256"):
        a_loader(blobs).load(sha256)
