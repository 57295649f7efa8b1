"""Manifests of candidates: held against the job, its winner and what may be loaded, before anybody may serve them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from retraining.artifact import Manifest, ManifestInvalid
from retraining.choice import NOTHING, Choice
from retraining.scope import Entrant, Spec, with_holdout
from server.errors import Invalid, ThingMissing, TooLarge
from server.reactions.scene import Scene
from statemachine.words import Remedy

MOST_MANIFEST_BYTES = 32 << 20
MOST_TOLD = 200  #: characters of a value in a refusal


def of_winner(scene: Scene, spec: Spec, choice: Choice, artifacts: Sequence[str], answers: str) -> str:
    """Give the manifest of the winner, whose *answers* on the probe the report names; nothing new has none.

    Raises:
        Invalid: There is no manifest, or it is not that of the winner of this job.
        TooLarge: No manifest has as many bytes.
        ThingMissing: Bytes that are named were never uploaded.
    """
    if choice.name == NOTHING or choice.remedy == Remedy.RESTORE:
        if answers:
            raise Invalid(
                "report_json.semantic_sha256", f"{answers!r} is not accepted; nothing was trained, so none is"
            )
        return ""
    if not artifacts:
        raise Invalid("artifact_sha256s", f"{choice.name!r} won, so its manifest and model are needed")
    sha, blobs = artifacts[0], scene.desk.blobs
    if not blobs.exists(sha):
        raise ThingMissing("artifact_sha256s[0]", f"no manifest {sha} was uploaded")
    size = blobs.size(sha)
    if size > MOST_MANIFEST_BYTES:
        raise TooLarge("artifact_sha256s[0]", size, MOST_MANIFEST_BYTES)
    manifest = _read(blobs.get(sha))
    misfit = _not_loaded(scene, spec, choice, manifest) or _not_of(spec, choice, manifest)
    if misfit:
        raise Invalid("artifact_sha256s[0]", misfit)
    if not answers or answers != manifest.semantic_sha256:
        told = f"{answers!r} is not accepted; that of the manifest, {manifest.semantic_sha256!r}, is"
        raise Invalid("report_json.semantic_sha256", told)
    if not blobs.exists(manifest.artifact_sha256):
        raise ThingMissing("artifact_sha256s", f"no artefact {manifest.artifact_sha256} was uploaded")
    return sha


def _read(data: bytes) -> Manifest:
    try:
        return Manifest.from_bytes(data)
    except ManifestInvalid as error:
        raise Invalid("artifact_sha256s[0]", str(error)) from error


def _not_loaded(scene: Scene, spec: Spec, choice: Choice, manifest: Manifest) -> str:
    """A worker says what was trained; what may be loaded is the template's to say, and what is corrected the job's."""
    wanted = "recalibration" if choice.remedy == Remedy.RECALIBRATE else "skops"
    if manifest.format != wanted:
        return f"format: {manifest.format!r} is not accepted for {choice.remedy}; {wanted!r} is"
    health = scene.health
    champion = spec.champion if choice.remedy == Remedy.RECALIBRATE else ""
    template = scene.desk.templates[spec.template]
    wrong = {"template": template.reference, "params": template.params}
    return (
        manifest.astray(champion, health.manifests.get(champion, ""))
        or manifest.misfit(health.task, template.trusted_types)
        or _other(manifest, wrong)
    )


def _not_of(spec: Spec, choice: Choice, manifest: Manifest) -> str:
    """Say what in a manifest is not of the winner of this job; empty when all is."""
    entrant = next(one for one in spec.entrants if one.name == choice.name)
    learned = [[list(part) for part in rows] for rows in _learned(entrant, spec)]
    if manifest.rows not in learned:
        return f"rows: {_short(manifest.rows)} is not accepted; {_short(learned[0])} is"
    wanted = {
        "entrant": entrant.name, "dataset_sha256": spec.dataset, "seed": spec.seed, "features": spec.features,
        "classes": spec.classes,
    }  # fmt: skip
    return _other(manifest, wanted)


def _learned(entrant: Entrant, spec: Spec) -> Iterator[tuple[tuple[int, int], ...]]:
    """Give the rows that the winner has learned in the end, and those where a worker of release 0.1.0 trained it.

    That one lets the window since a change move on, as it does all others.
    """
    yield with_holdout(entrant, spec.holdout).rows
    yield with_holdout(replace(entrant, name=""), spec.holdout).rows


def _other(manifest: Manifest, wanted: dict[str, Any]) -> str:
    """Name a field that is not as it is *wanted*; empty when all are."""
    for name, value in wanted.items():
        found = getattr(manifest, name)
        if found != value:
            return f"{name}: {_short(found)} is not accepted; {_short(value)} as in the job is"
    return ""


def _short(value: object) -> str:
    told = repr(value)
    return told if len(told) <= MOST_TOLD else f"{told[:MOST_TOLD]}…"
