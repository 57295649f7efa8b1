"""Results of jobs: checked, taken in once, and followed up."""

from __future__ import annotations

from typing import Any

import orjson

from retraining.artifact import Manifest, ManifestInvalid
from retraining.choice import NOTHING, Choice, choose
from retraining.scope import CHALLENGE, Spec
from server.act import Caller
from server.desk import Desk
from server.errors import Invalid, ThingMissing
from server.following import consequences
from server.jobs import reports
from server.jobs.leasing import close, give_back, held
from server.reactions import challenge, remedy
from server.reactions.jobs import DONE
from server.reactions.scene import Scene
from server.requests import Completion
from statemachine import commands as c
from statemachine.words import Remedy
from store.ports import Unit
from store.records import Job


def complete_job(desk: Desk, unit: Unit, completion: Completion, caller: Caller) -> bool:
    """Take a result in and follow it up; True when it was taken in before."""
    job = held(unit, completion.job, completion.attempt)
    if job is None:
        return True
    desk.touch(job.stream)
    scene = Scene.of(desk, unit, job.stream, asked=True)
    spec = Spec.from_json(orjson.loads(job.spec))
    report = reports.checked(completion.report, spec)
    close(unit, job, DONE)
    if job.kind == CHALLENGE:
        if scene.health.challenge == job.job_id:
            challenge.judge(scene, job.job_id, report)
    else:
        _take_candidate(scene, job, completion, report, caller)
    consequences.move_on(desk, unit, job.stream)
    return False


def fail_job(desk: Desk, unit: Unit, job_id: str, attempt: int, failure: str, note: str, caller: Caller) -> bool:
    """Note that a worker could not finish; True when the job will be tried again."""
    job = held(unit, job_id, attempt)
    if job is None:
        return False
    return give_back(
        desk, unit, job, attempt, c.FailAttempt(job=job_id, attempt=attempt, failure=failure, note=note), caller
    )


def _take_candidate(scene: Scene, job: Job, completion: Completion, report: dict[str, Any], caller: Caller) -> None:
    choice = choose(report, scene.health.policy)
    if choice.name != report["chosen"]:
        raise Invalid(
            "report_json.chosen", f"{report['chosen']!r} is not what the report's own figures choose: {choice.name!r}"
        )
    manifest = _manifest(scene, job, choice, completion)
    scene.act(
        c.SubmitCandidate(
            job=job.job_id, attempt=completion.attempt, manifest=manifest, remedy=choice.remedy,
            entrant=choice.name, semantic_sha256=report["semantic_sha256"], isolation=completion.isolation,
            at_row=scene.at_row,
        ),
        caller,
    )  # fmt: skip
    remedy.judge(scene, report)


def _manifest(scene: Scene, job: Job, choice: Choice, completion: Completion) -> str:
    """Check that the winner's bytes are stored, and give their manifest; nothing and a restored version have none.

    Raises:
        Invalid: There is no manifest, it asks for more than the model's template allows, or its base is not the job's.
        ThingMissing: Bytes that are named were never uploaded.
    """
    if choice.name == NOTHING or choice.remedy == Remedy.RESTORE:
        return ""
    if not completion.artifacts:
        raise Invalid("artifact_sha256s", f"{choice.name!r} won, so its manifest and model are needed")
    sha = completion.artifacts[0]
    if not scene.desk.blobs.exists(sha):
        raise ThingMissing("artifact_sha256s[0]", f"no manifest {sha} was uploaded")
    try:
        manifest = Manifest.from_bytes(scene.desk.blobs.get(sha))
    except ManifestInvalid as error:
        raise Invalid("artifact_sha256s[0]", str(error)) from error
    misfit = _misfit(scene, job, choice.remedy, manifest)
    if misfit:
        raise Invalid("artifact_sha256s[0]", misfit)
    if not scene.desk.blobs.exists(manifest.artifact_sha256):
        raise ThingMissing("artifact_sha256s", f"no artefact {manifest.artifact_sha256} was uploaded")
    return sha


def _misfit(scene: Scene, job: Job, kind: str, manifest: Manifest) -> str:
    """A worker says what was trained; what may be loaded is the template's to say, and what is corrected the job's."""
    wanted = "recalibration" if kind == Remedy.RECALIBRATE else "skops"
    if manifest.format != wanted:
        return f"format: {manifest.format!r} is not accepted for {kind}; {wanted!r} is"
    health = scene.health
    champion = str(orjson.loads(job.spec)["champion"]) if kind == Remedy.RECALIBRATE else ""
    return manifest.astray(champion, health.manifests.get(champion, "")) or manifest.misfit(
        health.task, scene.desk.templates[health.template].trusted_types
    )
