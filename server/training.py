"""Jobs for workers: leased with a fencing token, kept alive by heartbeats, and taken in once."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Any

import orjson

from retraining.choice import choose
from retraining.scope import CHALLENGE
from server import following
from server.act import Caller
from server.desk import Desk
from server.errors import Invalid, ThingMissing
from server.reactions import challenge, remedy
from server.reactions.jobs import DONE, FAILED, LEASED, QUEUED
from server.reactions.scene import Scene
from server.requests import Completion
from server.results import checked, manifest_of
from server.views import JobView
from statemachine import commands as c
from statemachine.errors import Refused, StaleLease
from statemachine.health import ModelHealth
from statemachine.words import LEASED as PLACE_LEASED
from statemachine.words import RETIRED
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
        if lease is not None and lease.worker == worker and _is_held(desk, unit, job, lease.attempt):
            return _view(desk, unit, job, lease.attempt, lease.lease_until_us)
    for job in unit.jobs(status=QUEUED):
        if kinds and job.kind not in kinds:
            continue
        health = desk.health(unit, job.stream)
        if not _is_awaited(health, job):
            unit.put(replace(job, status=FAILED))
            continue
        last = unit.lease(job.job_id)
        attempt = (last.attempt if last else 0) + 1
        if job.kind != CHALLENGE:
            intake = desk.intake(unit, job.stream)
            try:
                desk.act(unit, job.stream, c.LeaseJob(job=job.job_id, worker=worker), intake.watermark_us, caller)
            except Refused:
                continue  # it awaits approval
            attempt = health.remediation.attempt + 1 if health.remediation else attempt
        return _lease(desk, unit, job, worker, attempt, now_us)
    return None


def heartbeat(
    desk: Desk, unit: Unit, job_id: str, attempt: int, progress_bp: int, message: str, now_us: int
) -> tuple[int, bool]:
    """Keep a lease alive: give its new deadline, and whether the worker should give up."""
    lease = unit.lease(job_id)
    job = unit.job(job_id)
    if lease is None or job is None or lease.attempt != attempt or job.status != LEASED:
        return now_us, True
    if not _is_held(desk, unit, job, attempt):
        return now_us, True
    progress = orjson.dumps({"progress_bp": progress_bp, "message": message})
    unit.put(replace(lease, lease_until_us=now_us + LEASE_US, heartbeat_us=now_us, progress=progress))
    return now_us + LEASE_US, False


def complete_job(desk: Desk, unit: Unit, completion: Completion, caller: Caller) -> bool:
    """Take a result in and follow it up; True when it was taken in before."""
    job = held(unit, completion.job, completion.attempt)
    if job is None:
        return True
    desk.touch(job.stream)
    scene = _scene(desk, unit, job.stream)
    report = checked(completion.report)
    _close(unit, job, DONE)
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
        if job is None or job.status != LEASED:
            continue
        if not _is_held(desk, unit, job, lease.attempt):
            _close(unit, job, FAILED)
        else:
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


def _is_awaited(health: ModelHealth, job: Job) -> bool:
    """Say whether the model still waits for *job*. Its remedy may have been stopped, or its watch ended."""
    if health.place == RETIRED:
        return False
    if job.kind == CHALLENGE:
        return health.challenge == job.job_id
    return health.remediation is not None and health.remediation.job == job.job_id


def _is_held(desk: Desk, unit: Unit, job: Job, attempt: int) -> bool:
    """Say whether what *attempt* hands in would be taken."""
    health = desk.health(unit, job.stream)
    if not _is_awaited(health, job):
        return False
    remedy = health.remediation
    return job.kind == CHALLENGE or (remedy is not None and remedy.attempt == attempt and health.place == PLACE_LEASED)


def _lease(desk: Desk, unit: Unit, job: Job, worker: str, attempt: int, now_us: int) -> JobView:
    unit.put(replace(job, status=LEASED))
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
    unit.put(replace(job, status=QUEUED if again else FAILED))
    if lease is not None:
        # The attempt number stays on record: the next one is fenced by it.
        unit.put(replace(lease, worker="", token="", lease_until_us=NEVER_US, progress=b""))
    following.move_on(desk, unit, job.stream)
    return again


def _take_candidate(scene: Scene, job: Job, completion: Completion, report: dict[str, Any], caller: Caller) -> None:
    choice = choose(report, scene.health.policy)
    if choice.name != report["chosen"]:
        raise Invalid(
            "report_json.chosen", f"{report['chosen']!r} is not what the report's own figures choose: {choice.name!r}"
        )
    manifest = manifest_of(scene, choice.name, choice.remedy, completion)
    scene.act(
        c.SubmitCandidate(
            job=job.job_id, attempt=completion.attempt, manifest=manifest, remedy=choice.remedy,
            entrant=choice.name, semantic_sha256=report["semantic_sha256"], isolation=completion.isolation,
            at_row=scene.at_row,
        ),
        caller,
    )  # fmt: skip
    remedy.judge(scene, report)


def _close(unit: Unit, job: Job, status: str) -> None:
    """End a job. Its lease stays on record, and never expires."""
    unit.put(replace(job, status=status))
    lease = unit.lease(job.job_id)
    if lease is not None:
        unit.put(replace(lease, lease_until_us=NEVER_US))


def _scene(desk: Desk, unit: Unit, model: str) -> Scene:
    return Scene(desk, unit, model, desk.watch(unit, model), desk.intake(unit, model).watermark_us)
