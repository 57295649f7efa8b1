"""Jobs for workers: leased with a fencing token, kept alive by heartbeats, and taken in once."""

from __future__ import annotations

import secrets
from typing import Any

import orjson

from retraining.artifact import Manifest, ManifestInvalid
from retraining.choice import NOTHING, choose
from retraining.scope import CHALLENGE
from server import following
from server.act import Caller
from server.desk import Desk
from server.errors import Invalid, ThingMissing
from server.reactions import challenge, remedy
from server.reactions.jobs import DONE, FAILED, LEASED, QUEUED
from server.reactions.scene import Scene
from server.requests import Completion
from server.views import JobView
from statemachine import commands as c
from statemachine.errors import Refused, StaleLease
from store.ports import Reader, Unit
from store.records import Job, Lease

LEASE_US = 60 * 1_000_000
HEARTBEAT_US = 15 * 1_000_000
NEVER_US = 1 << 62  #: the deadline of a lease that nobody holds
MOST_ATTEMPTS = 3  #: of a challenge; a remedy's are in its policy


def lease_job(
    desk: Desk, unit: Unit, worker: str, kinds: tuple[str, ...], now_us: int, caller: Caller
) -> JobView | None:
    """Give *worker* the oldest job that waits, under the next attempt number; None when there is none.

    A worker that asks while it holds a job gets that job again: the answer to its first question was lost.
    """
    for job in unit.jobs(status=LEASED):
        lease = unit.lease(job.job_id)
        if lease is not None and lease.worker == worker:
            return _view(desk, unit, job, lease.attempt, lease.lease_until_us)
    for job in unit.jobs(status=QUEUED):
        if kinds and job.kind not in kinds:
            continue
        health = desk.health(unit, job.stream)
        last = unit.lease(job.job_id)
        attempt = (last.attempt if last else 0) + 1
        if job.kind != CHALLENGE:
            intake = desk.intake(unit, job.stream)
            try:
                desk.act(unit, job.stream, c.LeaseJob(job=job.job_id, worker=worker), intake.watermark_us, caller)
            except Refused:
                if health.remediation is None or health.remediation.job != job.job_id:
                    unit.put(_with_status(job, FAILED))  # its remediation was stopped
                continue  # it awaits approval
            attempt = health.remediation.attempt + 1 if health.remediation else attempt
        return _lease(desk, unit, job, worker, attempt, now_us)
    return None


def heartbeat(unit: Unit, job_id: str, attempt: int, progress_bp: int, message: str, now_us: int) -> tuple[int, bool]:
    """Keep a lease alive: give its new deadline, and whether the worker should give up."""
    lease = unit.lease(job_id)
    job = unit.job(job_id)
    if lease is None or job is None or lease.attempt != attempt or job.status != LEASED:
        return now_us, True
    progress = orjson.dumps({"progress_bp": progress_bp, "message": message})
    unit.put(
        Lease(
            job_id=job_id, attempt=attempt, worker=lease.worker, token=lease.token,
            lease_until_us=now_us + LEASE_US, heartbeat_us=now_us, progress=progress,
        )
    )  # fmt: skip
    return now_us + LEASE_US, False


def complete_job(desk: Desk, unit: Unit, completion: Completion, caller: Caller) -> bool:
    """Take a result in and follow it up; True when it was taken in before."""
    job = held(unit, completion.job, completion.attempt)
    if job is None:
        return True
    desk.touch(job.stream)
    scene = _scene(desk, unit, job.stream)
    _close(unit, job, DONE)
    report = _report(completion.report)
    if job.kind == CHALLENGE:
        if scene.health.challenge == job.job_id:
            challenge.judge(scene, job.job_id, report)
    else:
        _take_candidate(scene, job, completion, report, caller)
    following.move_on(desk, unit, job.stream)
    return False


def fail_job(desk: Desk, unit: Unit, job_id: str, attempt: int, failure: str, note: str, caller: Caller) -> bool:
    """Note that a worker could not finish; True when the job will be tried again."""
    job = held(unit, job_id, attempt)
    if job is None:
        return False
    return _give_back(
        desk, unit, job, attempt, c.FailAttempt(job=job_id, attempt=attempt, failure=failure, note=note), caller
    )


def expire_leases(desk: Desk, unit: Unit, now_us: int) -> int:
    """Take jobs from workers that fell silent; give how many."""
    expired = unit.leases_expired(now_us)
    for lease in expired:
        job = unit.job(lease.job_id)
        if job is not None and job.status == LEASED:
            command = c.ExpireLease(job=job.job_id, attempt=lease.attempt)
            _give_back(desk, unit, job, lease.attempt, command, Caller())
    return len(expired)


def held(reader: Reader, job_id: str, attempt: int) -> Job | None:
    """Give the job that *attempt* holds; None when that attempt has handed it in already.

    Raises:
        ThingMissing: There is no such job.
        StaleLease: Another attempt holds it, or nobody does.
    """
    job, lease = reader.job(job_id), reader.lease(job_id)
    if job is None:
        raise ThingMissing("job_id", f"no job {job_id!r} was ever queued")
    if lease is not None and lease.attempt == attempt:
        if job.status == LEASED:
            return job
        if job.status == DONE:
            return None
    holder = f"attempt {lease.attempt}" if lease is not None and job.status == LEASED else "nobody"
    raise StaleLease("complete", job.status, f"attempt {attempt} of {job_id} does not hold the job; {holder} does")


def _lease(desk: Desk, unit: Unit, job: Job, worker: str, attempt: int, now_us: int) -> JobView:
    unit.put(_with_status(job, LEASED))
    unit.put(
        Lease(
            job_id=job.job_id, attempt=attempt, worker=worker, token=secrets.token_hex(16),
            lease_until_us=now_us + LEASE_US, heartbeat_us=now_us,
        )
    )  # fmt: skip
    return _view(desk, unit, job, attempt, now_us + LEASE_US)


def _view(desk: Desk, unit: Unit, job: Job, attempt: int, deadline_us: int) -> JobView:
    health = desk.health(unit, job.stream)
    spec: dict[str, Any] = orjson.loads(job.spec)
    return JobView(
        job=job.job_id, kind=job.kind, model=job.stream, attempt=attempt, lease_deadline_us=deadline_us,
        heartbeat_period_us=HEARTBEAT_US, datasets=(spec["dataset"],),
        spec={
            "spec": spec,
            "policy": health.policy.to_json(),
            "base_manifest": health.manifests.get(health.champion, ""),
        },
    )  # fmt: skip


def _give_back(
    desk: Desk, unit: Unit, job: Job, attempt: int, command: c.FailAttempt | c.ExpireLease, caller: Caller
) -> bool:
    desk.touch(job.stream)
    scene = _scene(desk, unit, job.stream)
    if job.kind == CHALLENGE:
        again = attempt < MOST_ATTEMPTS
        if not again and scene.health.challenge == job.job_id:
            scene.act(c.AbandonChallenge(job=job.job_id, failure=type(command).__name__), caller)
    else:
        scene.act(command, caller)
        again = scene.health.place.phase == "queued"
    lease = unit.lease(job.job_id)
    unit.put(_with_status(job, QUEUED if again else FAILED))
    if lease is not None:
        # The attempt number stays on record: the next one is fenced by it.
        unit.put(
            Lease(
                job_id=job.job_id, attempt=lease.attempt, worker="", token="",
                lease_until_us=NEVER_US, heartbeat_us=lease.heartbeat_us,
            )
        )  # fmt: skip
    following.move_on(desk, unit, job.stream)
    return again


def _take_candidate(scene: Scene, job: Job, completion: Completion, report: dict[str, Any], caller: Caller) -> None:
    choice = choose(report, scene.health.policy)
    if choice.name != report["chosen"]:
        raise Invalid(
            "report_json.chosen", f"{report['chosen']!r} is not what the report's own figures choose: {choice.name!r}"
        )
    manifest = _manifest(scene, choice.name, choice.remedy, completion)
    scene.act(
        c.SubmitCandidate(
            job=job.job_id, attempt=completion.attempt, manifest=manifest, remedy=choice.remedy,
            entrant=choice.name, semantic_sha256=report["semantic_sha256"], isolation=completion.isolation,
            at_row=scene.at_row,
        ),
        caller,
    )  # fmt: skip
    remedy.judge(scene, report)


def _manifest(scene: Scene, chosen: str, kind: str, completion: Completion) -> str:
    """Check that the winner's bytes are stored, and give their manifest; nothing and a restored version have none."""
    if chosen == NOTHING or kind == "restore":
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
    if not scene.desk.blobs.exists(manifest.artifact_sha256):
        raise ThingMissing("artifact_sha256s", f"no artefact {manifest.artifact_sha256} was uploaded")
    return sha


def _report(report: dict[str, Any]) -> dict[str, Any]:
    """Check that a report has what judges read."""
    needed = {"rows", "holdout", "champion", "entrants", "skipped", "chosen", "semantic_sha256"}
    missing = needed - set(report)
    if missing:
        raise Invalid("report_json", f"lacks {', '.join(sorted(missing))}")
    for i, entry in enumerate(report["entrants"]):
        lacking = {"name", "remedy", "lead", "calibration", "churn", "extreme"} - set(entry)
        if lacking:
            raise Invalid(f"report_json.entrants[{i}]", f"lacks {', '.join(sorted(lacking))}")
    return report


def _close(unit: Unit, job: Job, status: str) -> None:
    unit.put(_with_status(job, status))
    lease = unit.lease(job.job_id)
    if lease is not None:
        unit.put(
            Lease(
                job_id=job.job_id, attempt=lease.attempt, worker=lease.worker, token=lease.token,
                lease_until_us=NEVER_US, heartbeat_us=lease.heartbeat_us, progress=lease.progress,
            )
        )  # fmt: skip


def _with_status(job: Job, status: str) -> Job:
    return Job(
        job_id=job.job_id, stream=job.stream, kind=job.kind, status=status, spec=job.spec,
        created_us=job.created_us, visit=job.visit,
    )  # fmt: skip


def _scene(desk: Desk, unit: Unit, model: str) -> Scene:
    return Scene(desk, unit, model, desk.watch(unit, model), desk.intake(unit, model).watermark_us)
