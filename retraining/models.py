"""Models as bytes and back, in sandboxes and serving processes: skops with a fixed list of types, never pickle."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable
from typing import Any

import numpy as np
import orjson
import skops.io

from retraining.artifact import Manifest
from retraining.estimators import Floats, predict
from statemachine.record.canonical import canonical, digest

Predictor = Callable[[Floats], Floats]
LEAST_CHANCE = 1e-6
PROBE_DECIMALS = 9
LIBRARIES = ("numpy", "scikit-learn", "skops")


def dump(estimator: Any) -> bytes:  # noqa: ANN401 - an estimator
    """Write a fitted estimator."""
    made: bytes = skops.io.dumps(estimator)
    return made


def load(manifest: Manifest, data: bytes, base: Predictor | None = None) -> Predictor:
    """Make a predictor of an artefact's bytes, checked against its manifest.

    Raises:
        ValueError: The bytes are not those of the manifest, or a recalibration has no base.
        skops.exceptions.UntrustedTypesFoundException: The bytes hold a type that the template does not trust.
    """
    if digest(data) != manifest.artifact_sha256:
        raise ValueError("the artefact's bytes are not those that its manifest names")
    if manifest.format == "skops":
        estimator = skops.io.loads(data, trusted=manifest.trusted_types)
        return lambda rows: predict(manifest.task, estimator, rows)
    if base is None:
        raise ValueError("a recalibration needs the version that it corrects")
    line = orjson.loads(data)
    return lambda rows: recalibrate(manifest.task, base(rows), line["slope"], line["intercept"])


def recalibrate(task: str, outputs: Floats, slope: float, offset: float) -> Floats:
    """Correct outputs by a line: on the log-odds of chances, else on the values."""
    if task == "binary":
        return 1 / (1 + np.exp(-(slope * log_odds(outputs) + offset)))
    return slope * outputs + offset


def log_odds(chances: Floats) -> Floats:
    """Give log-odds, kept finite."""
    kept = np.clip(chances, LEAST_CHANCE, 1 - LEAST_CHANCE)
    return np.log(kept / (1 - kept))


def semantic_sha256(outputs: Floats) -> str:
    """Hash what a model answers on its probe rows: models that answer alike are equal, whatever their bytes."""
    return digest(canonical(np.round(outputs, PROBE_DECIMALS).tolist()))


def libraries() -> dict[str, str]:
    """Name the versions that trained and will load the model."""
    return {name: importlib.metadata.version(name) for name in LIBRARIES}
