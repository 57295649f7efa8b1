"""Results of jobs: checked, taken in once, and followed up."""

from __future__ import annotations

from typing import Any

import orjson

from retraining.choice import choose
from retraining.scope import CHALLENGE, Spec
from retraining.template import ISOLATIONS
from server.act import Caller
from server.desk import Desk
from server.errors import Invalid
from server.following import consequences
from server.jobs import counted, manifests, reports
from server.jobs.counted import Counted
from server.jobs.holding import held
from server.jobs.leasing import close, give_back
from server.reactions import challenge, remedy
from server.reactions.jobs import DONE
from server.reactions.scene import Scene
from server.requests import Completion
from statemachine import commands as c
from store.ports import Unit


def complete_job(desk: Desk, unit: Unit, completion: Completion, ours: Counted | None, caller: Caller) -> bool:
    """Take a result in and follow it up; True when it was taken in before.

    *ours* is what was counted of the job's own rows; it is counted here where its caller did not hold the job before.
    """
    job = held(unit, completion.job, completion.attempt, "complete", caller)
    if job is None:
        return True
    desk.touch(job.stream)
    scene = Scene.of(desk, unit, job.stream, asked=True)
    spec = Spec.from_json(orjson.loads(job.spec))
    report = reports.checked(completion.report, spec)
    counted.check(report, ours or counted.of_job(job, desk.blobs))
    _check_isolation(completion.isolation, spec.limits["minimum_isolation"])
    close(unit, job, DONE)
    if job.kind == CHALLENGE:
        if scene.health.challenge == job.job_id:
            challenge.judge(scene, job.job_id, report)
    else:
        _take_candidate(scene, spec, completion, report, caller)
    consequences.move_on(desk, unit, job.stream)
    return False


def fail_job(desk: Desk, unit: Unit, job_id: str, attempt: int, failure: str, note: str, caller: Caller) -> bool:
    """Note that a worker could not finish; True when the job will be tried again."""
    job = held(unit, job_id, attempt, "fail", caller)
    if job is None:
        return False
    return give_back(
        desk, unit, job, attempt, c.FailAttempt(job=job_id, attempt=attempt, failure=failure, note=note), caller
    )


def _check_isolation(reached: str, least: str) -> None:
    """Refuse what was trained with less isolation than the job asks for, as its own worker says."""
    accepted = ISOLATIONS[ISOLATIONS.index(least) :]
    if reached not in accepted:
        raise Invalid("isolation", f"{reached!r} is not accepted; {', '.join(accepted)} is, as in the job")


def _take_candidate(scene: Scene, spec: Spec, completion: Completion, report: dict[str, Any], caller: Caller) -> None:
    choice = choose(report, scene.health.policy)
    if choice.name != report["chosen"]:
        raise Invalid(
            "report_json.chosen", f"{report['chosen']!r} is not what the report's own figures choose: {choice.name!r}"
        )
    manifest = manifests.of_winner(scene, spec, choice, completion.artifacts, report["semantic_sha256"])
    scene.act(
        c.SubmitCandidate(
            job=spec.job, attempt=completion.attempt, manifest=manifest, remedy=choice.remedy,
            entrant=choice.name, semantic_sha256=report["semantic_sha256"], isolation=completion.isolation,
            at_row=scene.at_row,
        ),
        caller,
    )  # fmt: skip
    remedy.judge(scene, report)
