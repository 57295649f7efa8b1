"""Loading versions that were trained elsewhere: by hash, and from an allow-list.

A manifest is canonical JSON:

    {"format": "skops", "artifact_sha256": ..., "task": "binary", "template": ..., "trusted_types": [...],
     "features": [{"name": ..., "kind": "numeric" | "categorical", "categories": [...]}], "classes": [...]}

or, for a correction of another version's output,

    {"format": "recalibration", "artifact_sha256": ..., "base_version": ..., "base_manifest_sha256": ..., ...}

whose artefact is JSON too. An empty `base_manifest_sha256` says that the bytes of `base_version` were never kept: then
only a process that was started with that version can load the correction.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import skops.io
from numpy.typing import NDArray

from remission.columns import Floats, encode_words, to_floats
from remission.recalibration import Recalibration, parse_recalibration, recalibrate
from remission.scorers import Answers, Classifier, Columns, Estimator, Rows, Scorer, Scores, make_scores

# What the built-in templates need beyond what skops itself trusts. A manifest may name some of these and nothing else:
# whoever could write manifests could otherwise choose what is loaded here.
TRUSTED_TYPES = frozenset(
    {
        "functools.partial",
        "numpy.dtype",
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        "sklearn.tree._tree.Tree",
        "sklearn.utils.validation.check_array",
    }
)


class UntrustedArtifact(Exception):
    """The artefact holds types that are not on the allow-list."""

    def __init__(self, types: Sequence[str]) -> None:
        super().__init__(f"{type(self).__doc__} {', '.join(sorted(types))}.")
        self.types = tuple(sorted(types))


class MalformedManifest(Exception):
    """The manifest does not say what is needed to load the version."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{type(self).__doc__} {what}")


class ArtifactSource(Protocol):
    """Where bytes come from, verified by their hash; raises `CallError`."""

    def manifest(self, sha256: str, /) -> str:
        """Return a manifest."""
        ...

    def download(self, sha256: str, /) -> bytes:
        """Return an artefact."""
        ...


@dataclass(frozen=True, slots=True)
class Feature:
    """One feature, as the version was trained on it."""

    name: str
    categories: tuple[str, ...] | None  #: in code order; None for a numeric feature


class Loader:
    """Loads versions by the hash of their manifest.

    Args:
        source: Where bytes come from.
        own: The version that the process was started with.
        version: Its name.
        classes: Its class labels, in index order; None for values.
    """

    def __init__(self, source: ArtifactSource, own: Scorer, version: str, classes: Answers | None) -> None:
        self._source, self._own, self._version, self._classes = source, own, version, classes

    def load(self, manifest_sha256: str) -> Scorer:
        """Return the version whose manifest has this hash, ready to score.

        Raises:
            CallError: Its bytes cannot be had, or are not those that were promised.
            UntrustedArtifact: It holds more than the allow-list permits.
            MalformedManifest: The manifest lacks something, or describes a model of another task.
            MalformedRecalibration: The correction lacks something.
        """
        manifest = _parse(self._source.manifest(manifest_sha256))
        artifact = self._source.download(_text(manifest, "artifact_sha256"))
        match manifest.get("format"):
            case "skops":
                return self._trained(artifact, manifest)
            case "recalibration":
                return self._recalibrated(artifact, manifest)
            case other:
                raise MalformedManifest(f"Format {other!r} is not known.")

    def _trained(self, artifact: bytes, manifest: Mapping[str, object]) -> Scorer:
        features = _features(manifest)
        estimator = _load_skops(artifact, manifest)
        if self._classes is not None:
            _require_classes(estimator, len(self._classes))
        return _TrainedScorer(estimator, features, self._classes)

    def _recalibrated(self, artifact: bytes, manifest: Mapping[str, object]) -> Scorer:
        if self._classes is not None and len(self._classes) != 2:  # noqa: PLR2004 - two classes are what binary means
            raise MalformedManifest("Only values, and probabilities of two classes, can be corrected.")
        base = _text(manifest, "base_manifest_sha256", default="")
        scorer = self.load(base) if base else self._own_if(_text(manifest, "base_version"))
        return _RecalibratedScorer(scorer, parse_recalibration(artifact), self._classes)

    def _own_if(self, version: str) -> Scorer:
        if version != self._version:
            raise MalformedManifest(
                f"It corrects {version!r}, of which this process, with {self._version!r}, has no bytes."
            )
        return self._own


class _TrainedScorer:
    """A model that was trained on rows as the service keeps them: numbers, and codes of the categories."""

    def __init__(self, estimator: Estimator, features: Sequence[Feature], classes: Answers | None) -> None:
        self._estimator, self._features, self._classes = estimator, features, classes

    def score(self, rows: Rows) -> Scores:
        """Return the model's answers, with class labels as the caller knows them."""
        matrix = make_matrix(rows.columns, self._features)
        answers = np.asarray(self._estimator.predict(matrix))
        scores = make_scores(self._estimator, answers, matrix)
        return scores if self._classes is None else self._relabel(scores, self._classes)

    def _relabel(self, scores: Scores, classes: Answers) -> Scores:
        # It was trained on class indices, and may have seen only some of them.
        seen = np.asarray(self._estimator.classes_ if isinstance(self._estimator, Classifier) else (), dtype=np.int64)
        index = np.asarray(scores.answers, dtype=np.int64)
        probabilities = None
        if scores.probabilities is not None:
            probabilities = np.zeros((len(index), len(classes)))
            probabilities[:, seen] = scores.probabilities
        binary = len(classes) == 2 and probabilities is not None  # noqa: PLR2004 - two classes are what binary means
        output = probabilities[:, 1] if binary and probabilities is not None else index.astype(np.float64)
        return Scores(classes[index], output, probabilities)


class _RecalibratedScorer:
    """Another version with its output corrected."""

    def __init__(self, base: Scorer, how: Recalibration, classes: Answers | None) -> None:
        self._base, self._how, self._classes = base, how, classes

    def score(self, rows: Rows) -> Scores:
        """Return the corrected output; a class follows from its probability."""
        output = recalibrate(self._how, self._base.score(rows).output)
        if self._classes is None:
            return Scores(output, output)
        chosen = (output >= 0.5).astype(np.int64)  # noqa: PLR2004 - the likelier of two
        return Scores(self._classes[chosen], output, np.column_stack([1 - output, output]))


def make_matrix(columns: Columns, features: Sequence[Feature]) -> Floats:
    """Return (rows, features) float64: numbers, codes of known categories, and NaN for what is missing or new.

    Raises:
        KeyError: A feature is not among the columns.
        NotNumericError: A numeric feature holds something else.
    """
    return np.column_stack([_column(columns[feature.name], feature) for feature in features])


def _column(values: NDArray[np.generic], feature: Feature) -> Floats:
    if feature.categories is None:
        return to_floats(feature.name, values)
    known = {word: float(code) for code, word in enumerate(feature.categories)}
    words, codes = encode_words(values.tolist())
    # The last place is that of code -1, missing.
    return np.array([*(known.get(word, np.nan) for word in words), np.nan])[codes]


def _load_skops(artifact: bytes, manifest: Mapping[str, object]) -> Estimator:
    asked = manifest.get("trusted_types")
    trusted = {str(name) for name in asked} if isinstance(asked, list) else set()
    surplus = (trusted | set(skops.io.get_untrusted_types(data=artifact))) - TRUSTED_TYPES
    if surplus:
        raise UntrustedArtifact(sorted(surplus))
    estimator: Estimator = skops.io.loads(artifact, trusted=sorted(trusted))
    return estimator


def _require_classes(estimator: Estimator, count: int) -> None:
    # It was trained on class indices; any other number would pick a wrong class, or the last one.
    known = np.asarray(estimator.classes_) if isinstance(estimator, Classifier) else np.array([np.nan])
    if known.ndim != 1 or not np.isin(known, np.arange(count)).all():
        raise MalformedManifest(f"Its classes are {known.tolist()!r}, expected some of 0 to {count - 1}.")


def _parse(document: str) -> Mapping[str, object]:
    try:
        manifest = json.loads(document)
    except ValueError as error:
        raise MalformedManifest("It is no JSON.") from error
    if not isinstance(manifest, dict):
        raise MalformedManifest("It is no object.")
    return manifest


def _features(manifest: Mapping[str, object]) -> list[Feature]:
    listed = manifest.get("features")
    if not isinstance(listed, list) or not listed:
        raise MalformedManifest("It has no features.")
    return [_feature(one) for one in listed]


def _feature(described: object) -> Feature:
    match described:
        case {"name": str(name), "kind": "numeric"}:
            return Feature(name, None)
        case {"name": str(name), "kind": "categorical", "categories": list(categories)}:
            return Feature(name, tuple(map(str, categories)))
        case other:
            raise MalformedManifest(f"{other!r} is no feature.")


def _text(manifest: Mapping[str, object], field: str, default: str | None = None) -> str:
    value = manifest.get(field, default)
    if not isinstance(value, str):
        raise MalformedManifest(f"It has no {field}.")
    return value
