"""What a worker hands in: a report that judges can read, and an artefact that its template allows to be served."""

from __future__ import annotations

import math
from typing import Any

from retraining.artifact import Manifest, ManifestInvalid
from retraining.choice import NOTHING, WEIGHT
from server.errors import Invalid, ThingMissing, one_of
from server.reactions.scene import Scene
from server.requests import Completion
from statemachine.words import Remedy

NEEDED = ("rows", "holdout", "champion", "entrants", "skipped", "chosen", "semantic_sha256")
OF_ENTRANT = ("name", "remedy", "rows", "lead", "calibration", "churn", "extreme")
SHARES = ("calibration", "churn", "extreme")
MOST_STEPS = 1 << 62
BLOCK_NUMBERS = 3


def checked(report: dict[str, Any]) -> dict[str, Any]:
    """Give *report* if judges can read it.

    Raises:
        Invalid: Something is missing, or of the wrong kind.
    """
    _has(report, NEEDED, "report_json")
    if not _whole(report["rows"]) or not _ranges([report["holdout"]]):
        raise Invalid("report_json.holdout", "rows and holdout are not whole numbers")
    if not isinstance(report["skipped"], dict) or not all(isinstance(v, str) for v in report["skipped"].values()):
        raise Invalid("report_json.skipped", "is no object of reasons")
    if not all(isinstance(report[name], str) for name in ("chosen", "semantic_sha256")):
        raise Invalid("report_json.chosen", "chosen and semantic_sha256 are not text")
    _blocks(report["champion"], "report_json.champion")
    if not isinstance(report["entrants"], list):
        raise Invalid("report_json.entrants", "is no list")
    for i, entry in enumerate(report["entrants"]):
        _entrant(entry, f"report_json.entrants[{i}]")
        if len(entry["lead"]) != len(report["champion"]):
            raise Invalid(f"report_json.entrants[{i}].lead", "has not as many blocks as the champion")
    return report


def manifest_of(scene: Scene, chosen: str, kind: str, completion: Completion) -> str:
    """Check that the winner's bytes are stored, and give their manifest; nothing and a restored version have none.

    Raises:
        Invalid: There is no manifest, or it asks for more than the model's template allows.
        ThingMissing: Bytes that are named were never uploaded.
    """
    if chosen == NOTHING or kind == Remedy.RESTORE:
        return ""
    if not completion.artifacts:
        raise Invalid("artifact_sha256s", f"{chosen!r} won, so its manifest and model are needed")
    sha = completion.artifacts[0]
    if not scene.desk.blobs.exists(sha):
        raise ThingMissing("artifact_sha256s[0]", f"no manifest {sha} was uploaded")
    try:
        manifest = Manifest.from_bytes(scene.desk.blobs.get(sha))
    except ManifestInvalid as error:
        raise Invalid("artifact_sha256s[0]", str(error)) from error
    misfit = _misfit(scene, kind, manifest)
    if misfit:
        raise Invalid("artifact_sha256s[0]", misfit)
    if not scene.desk.blobs.exists(manifest.artifact_sha256):
        raise ThingMissing("artifact_sha256s", f"no artefact {manifest.artifact_sha256} was uploaded")
    return sha


def _misfit(scene: Scene, kind: str, manifest: Manifest) -> str:
    """A worker says what was trained; what may be loaded is the template's to say."""
    wanted = "recalibration" if kind == Remedy.RECALIBRATE else "skops"
    if manifest.format != wanted:
        return f"format: {manifest.format!r} is not accepted for {kind}; {wanted!r} is"
    health = scene.health
    return manifest.misfit(health.task, scene.desk.templates[health.template].trusted_types)


def _entrant(entry: Any, where: str) -> None:  # noqa: ANN401 - whatever a worker sent
    if not isinstance(entry, dict):
        raise Invalid(where, "is no object")
    _has(entry, OF_ENTRANT, where)
    if not isinstance(entry["name"], str):
        raise Invalid(f"{where}.name", "is no text")
    if entry["remedy"] not in tuple(WEIGHT):
        raise one_of(f"{where}.remedy", entry["remedy"], list(WEIGHT))
    if not isinstance(entry["rows"], list) or not _ranges(entry["rows"]):
        raise Invalid(f"{where}.rows", "are no ranges of rows")
    for name in SHARES:
        if not isinstance(entry[name], int | float) or not math.isfinite(entry[name]):
            raise Invalid(f"{where}.{name}", f"{entry[name]!r} is not accepted; a finite number is")
    _blocks(entry["lead"], f"{where}.lead")


def _has(found: dict[str, Any], needed: tuple[str, ...], where: str) -> None:
    missing = sorted(set(needed) - set(found))
    if missing:
        raise Invalid(where, f"lacks {', '.join(missing)}")


def _blocks(found: Any, where: str) -> None:  # noqa: ANN401 - whatever a worker sent
    """Check a list of blocks: rows, sum, sum of squares."""
    if not isinstance(found, list) or not all(
        isinstance(one, list) and len(one) == BLOCK_NUMBERS and all(map(_whole, one)) and one[0] >= 0 and one[2] >= 0
        for one in found
    ):
        raise Invalid(where, "are no blocks of three whole numbers: rows, sum, sum of squares")


def _ranges(found: list[Any]) -> bool:
    return all(isinstance(one, list) and len(one) == 2 and all(map(_whole, one)) for one in found)  # noqa: PLR2004 - first and end


def _whole(value: Any) -> bool:  # noqa: ANN401 - whatever a worker sent
    return type(value) is int and abs(value) < MOST_STEPS
