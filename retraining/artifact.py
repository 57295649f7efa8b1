"""Artefacts: a model's bytes, and the manifest that says where they come from and what may be loaded.

The manifest is canonical JSON; its SHA-256 names the version's bytes for routers. `format` is `skops` (a scikit-learn
estimator, loaded with `trusted_types` and nothing else), or `recalibration` (`{"method": "logistic"|"affine",
"slope", "intercept"}` as JSON, applied to the output of `base_manifest_sha256`: to the log-odds, or to the value).
An estimator takes a float64 matrix with `features` as columns: numbers, or the index of a category in its list;
missing and unseen categories are NaN. It is never a pickle.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from typing import Any, get_origin, get_type_hints

import msgspec
import orjson

from statemachine.record.canonical import canonical, digest

FORMATS = ("skops", "recalibration")
_SHA256 = re.compile(r"[0-9a-f]{64}")


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
    base_version: str = ""  #: what a recalibration corrects
    base_manifest_sha256: str = ""  #: of that version; empty where its bytes were never kept
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

    def misfit(self, task: str, trusted: Collection[str]) -> str:
        """Say why this may not serve a model of *task* whose template trusts *trusted*; empty when it may."""
        strangers = sorted(set(self.trusted_types) - set(trusted))
        if strangers:
            return f"trusted_types: {', '.join(strangers)} is not accepted; {', '.join(trusted) or 'nothing'} is"
        return "" if self.task == task else f"task: {self.task!r} is not accepted; {task!r} is"

    def astray(self, version: str, manifest_sha256: str) -> str:
        """Say why this does not correct *version*, whose manifest is *manifest_sha256*; empty when it does.

        It may name no manifest: that of *version* may have come when the job was under way. No version, no base.
        """
        if self.base_version != version:
            return f"base_version: {self.base_version!r} is not accepted; {repr(version) if version else 'none'} is"
        if self.base_manifest_sha256 in {"", manifest_sha256}:
            return ""
        told = f"that of {version!r}, {manifest_sha256!r}," if manifest_sha256 else "none"
        return f"base_manifest_sha256: {self.base_manifest_sha256!r} is not accepted; {told} is"

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
        _check(raw, get_type_hints(cls))
        try:
            return msgspec.convert(raw, cls)
        except msgspec.ValidationError as error:
            raise ManifestInvalid(str(error)) from error


def _check(raw: Any, hints: dict[str, Any]) -> None:  # noqa: ANN401 - whatever the bytes hold
    if not isinstance(raw, dict) or set(raw) - set(hints) or not {"format", "artifact_sha256", "task"} <= set(raw):
        raise ManifestInvalid(f"a manifest has the fields {', '.join(sorted(hints))}")
    for name, value in raw.items():
        kind = get_origin(hints[name]) or hints[name]
        if type(value) is not kind:
            raise ManifestInvalid(f"{name}: {value!r} is not accepted; a {kind.__name__} is")
    if raw["format"] not in FORMATS:
        raise ManifestInvalid(f"format {raw['format']!r} is not accepted; one of {', '.join(FORMATS)} is")
    for name in ("artifact_sha256", *(["base_manifest_sha256"] if raw.get("base_manifest_sha256") else [])):
        if not _SHA256.fullmatch(raw[name]):
            raise ManifestInvalid(f"{name}: {raw[name]!r} is not accepted; a SHA-256 in hexadecimal is")
    for part in raw.get("rows", ()):
        match part:
            case [int(first), int(end)] if 0 <= first <= end:
                continue
        raise ManifestInvalid(f"rows: {part!r} is not accepted; a row and one past the last, as [0, 9], are")
