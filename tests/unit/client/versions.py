"""Versions to load, and who loads them."""

from __future__ import annotations

from typing import Any

import numpy as np
from remission.loading import (
    Loader,
)
from remission.scorers import Answers, Scorer
from sklearn.linear_model import LogisticRegression

from tests.fixtures.clients import Blobs, Saying, skops_manifest

CHANCE = np.random.default_rng(3)
MATRIX = np.column_stack([CHANCE.normal(size=200), CHANCE.integers(0, 2, 200).astype(float)])
LABELS = (MATRIX[:, 0] + MATRIX[:, 1] > 0.5).astype(float)
FEATURES: list[dict[str, Any]] = [
    {"name": "x", "kind": "numeric", "categories": []},
    {"name": "colour", "kind": "categorical", "categories": ["red", "green"]},
]
COLUMNS = {"x": MATRIX[:, 0], "colour": np.array(["red", "green"])[MATRIX[:, 1].astype(int)]}
WORDS = np.array(["no", "yes"])


def a_loader(blobs: Blobs, classes: Answers | None = WORDS, own: Scorer | None = None) -> Loader:
    return Loader(blobs, own or Saying(0.25), "v1", classes)


def a_manifest(blobs: Blobs, **fields: Any) -> str:
    return skops_manifest(blobs, LogisticRegression().fit(MATRIX, LABELS), FEATURES, **fields)
