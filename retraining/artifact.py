"""Artefacts: a model's bytes, and the manifest that says where they come from and what may be loaded.

The manifest is canonical JSON; its SHA-256 names the version's bytes for routers. `format` is `skops` (a scikit-learn
estimator, loaded with `trusted_types` and nothing else), or `recalibration` (`{"method": "logistic"|"affine",
"slope", "intercept"}` as JSON, applied to the output of `base_manifest_sha256`: to the log-odds, or to the value).
An estimator takes a float64 matrix with `features` as columns: numbers, or the index of a category in its list;
missing and unseen categories are NaN. It is never a pickle.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any

import msgspec
import orjson

from statemachine.canonical import canonical, digest

FORMATS = ("skops", "recalibration")


class ManifestInvalid(ValueError):
    """The bytes are not a manifest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """Lineage and loading instructions of one artefact."""

    format: str
    artifact_sha256: str
    task: str
    template: str
    features: list[dict[str, Any]]
    classes: list[str]
    trusted_types: list[str]
    semantic_sha256: str
    base_manifest_sha256: str = ""
    entrant: str = ""
    dataset_sha256: str = ""
    rows: list[list[int]] = field(default_factory=list)
    seed: int = 0
    params: dict[str, Any] = field(default_factory=dict)
    libraries: dict[str, str] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """Write the manifest canonically."""
        return canonical(asdict(self))

    @property
    def sha256(self) -> str:
        """The hash that names it."""
        return digest(self.to_bytes())

    @classmethod
    def from_bytes(cls, data: bytes) -> Manifest:
        """Read a manifest.

        Raises:
            ManifestInvalid: The bytes are no manifest, or of an unknown format.
        """
        try:
            raw = orjson.loads(data)
        except orjson.JSONDecodeError as error:
            raise ManifestInvalid(f"a manifest is canonical JSON: {error}") from error
        known = {f.name for f in fields(cls)}
        if not isinstance(raw, dict) or set(raw) - known or not {"format", "artifact_sha256", "task"} <= set(raw):
            raise ManifestInvalid(f"a manifest has the fields {', '.join(sorted(known))}")
        if raw["format"] not in FORMATS:
            raise ManifestInvalid(f"format {raw['format']!r} is not accepted; one of {', '.join(FORMATS)} is")
        try:
            return msgspec.convert(raw, cls)
        except msgspec.ValidationError as error:
            raise ManifestInvalid(str(error)) from error
