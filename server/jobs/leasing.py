"""Leases: a job goes to one worker at a time, under an attempt number that fences off those who held it before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import msgspec
import orjson

from retraining.scope import CHALLENGE
from server.act import Caller
from server.desk import Desk
from server.following import consequences
from server.history.unreadable import OF_ONE_MODEL
from server.jobs import allowance, holding, vigil
from server.jobs.vigil import Sign, sign_of
from server.reactions.jobs import FAILED, LEASED, QUEUED
from server.reactions.scene import Scene
from server.views import JobView
from statemachine import commands as c
from statemachine import words
from statemachine.errors import Refused
from statemachine.events import JobLeased
from statemachine.health import ModelHealth
from store.ports import Reader, Unit
from store.records import NEVER_US, Job, Lease

HEARTBEAT_US = 15 * 1_000_000
MOST_ATTEMPTS = 3  #: of a challenge; a remedy's are in its policy


def lease_job(
    desk: Desk, unit: Unit, worker: str, kinds: tuple[str, ...], now_us: int, caller: Caller
) -> JobView | None:
    """Give *worker* the oldest job that waits, under the next attempt number; None when there is none.

    A worker that asks while it holds a job gets that job again: the answer to its first question was lost. It is known
    by its own name and by that of its *caller*, so nobody gets another's by calling itself the same.

    Raises:
        Refused: A job waits and nothing stands in its way, but the table of moves does not let it be leased.
    """
    again = _held_by(desk, unit, worker, caller)
    if again is not None:
        return again
    refusal: Refused | None = None
    for job in _waiting(desk, unit, kinds):
        try:
            return _lease(desk, unit, job, worker, now_us, caller)
        except Refused as error:
            refusal = refusal or error  # the job of another model may do
    if refusal is not None:
        raise refusal
    return None


def _held_by(desk: Desk, unit: Unit, worker: str, caller: Caller) -> JobView | None:
    for lease in unit.leases(status=LEASED):
        mine = lease.worker == worker and holding.may(lease, caller)
        job = unit.job(lease.job_id) if mine else None
        health = _readable(desk, unit, job.stream) if job else None
        if job is None or health is None:
            continue
        if wanted(health, job):
            unit.put(holding.bound(lease, caller))
            return _view(desk, unit, job, lease.attempt, lease.lease_until_us)
        close(unit, job, FAILED)
    return None


def _waiting(desk: Desk, unit: Unit, kinds: tuple[str, ...]) -> Iterator[Job]:
    """Give the jobs that can be leased, the oldest first; those that nobody wants any more are closed."""
    for job in unit.jobs(status=QUEUED):
        health = _readable(desk, unit, job.stream)
        if health is None:
            continue
        if not wanted(health, job):
            unit.put(replace(job, status=FAILED))
        elif (job.kind in kinds or not kinds) and (job.kind == CHALLENGE or _may_begin(health)):
            yield job


def _readable(desk: Desk, unit: Unit, model: str) -> ModelHealth | None:
    """Fold the log of *model*; None where that cannot be done here, which keeps no other model's job from a worker."""
    try:
        return desk.health(unit, model)
    except OF_ONE_MODEL:
        return None


def _may_begin(health: ModelHealth) -> bool:
    """Say whether a remedy is past its approval, and nobody holds the model."""
    return health.place == words.QUEUED and health.automation == words.Automation.AUTO


def wanted(health: ModelHealth, job: Job) -> bool:
    """Say whether the result of *job* would still be taken in: its remedy or challenge is under way."""
    if health.place == words.RETIRED:
        return False
    if job.kind == CHALLENGE:
        return health.challenge == job.job_id
    remedy = health.remediation
    return remedy is not None and remedy.job == job.job_id and health.place in words.RETRAINING


def heartbeat(
    desk: Desk, unit: Unit, job_id: str, attempt: int, progress_bp: int, message: str, now_us: int, caller: Caller
) -> tuple[int, bool]:
    """Keep a lease alive: give its new deadline, and whether the worker should give up.

    Raises:
        NotTheHolder: That attempt is another caller's.
    """
    lease = unit.lease(job_id)
    job = unit.job(job_id)
    if lease is None or job is None or lease.attempt != attempt or job.status != LEASED:
        return now_us, True
    holding.check(lease, caller, "heartbeat")
    if not wanted(desk.health(unit, job.stream), job):
        return now_us, True
    until_us = now_us + vigil.LEASE_US
    told = msgspec.structs.replace(allowance.progress_of(lease), progress_bp=progress_bp, message=message)
    kept = allowance.with_progress(holding.bound(lease, caller), told)
    unit.put(replace(kept, lease_until_us=until_us, heartbeat_us=now_us))
    return until_us, False


def leases_held(reader: Reader) -> tuple[Lease, ...]:
    """Give the leases that somebody holds: those of jobs that are over stay on record, and are not looked at."""
    return reader.leases(status=LEASED)


def models_of(reader: Reader, signs: Iterable[Sign]) -> list[str]:
    """Name the model of each job whose worker gave these signs of life; nothing for one that is gone."""
    jobs = [reader.job(job_id) for job_id, _, _ in signs]
    return [job.stream if job else "" for job in jobs]


def expire_lease(desk: Desk, unit: Unit, sign: Sign) -> bool:
    """Take a job from a worker whose last sign of life is *sign*; say whether it was taken."""
    job_id, *_ = sign
    job, lease = unit.job(job_id), unit.take_lease(job_id)
    if job is None or job.status != LEASED or lease is None or sign_of(lease) != sign:
        return False
    if not wanted(desk.health(unit, job.stream), job):
        close(unit, job, FAILED)
        return True
    try:
        give_back(desk, unit, job, lease.attempt, c.ExpireLease(job=job.job_id, attempt=lease.attempt), Caller())
    except Refused:
        return False
    return True


def give_back(
    desk: Desk, unit: Unit, job: Job, attempt: int, command: c.FailAttempt | c.ExpireLease, caller: Caller
) -> bool:
    """Put a job back into the queue, or give it up; say whether it will be tried again."""
    desk.touch(job.stream)
    scene = Scene.of(desk, unit, job.stream)
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
    consequences.move_on(desk, unit, job.stream)
    return again


def close(unit: Unit, job: Job, status: str) -> None:
    """End a job, done or failed, and let its lease never run out."""
    unit.put(replace(job, status=status))
    lease = unit.lease(job.job_id)
    if lease is not None:
        unit.put(replace(lease, lease_until_us=NEVER_US))


def _lease(desk: Desk, unit: Unit, job: Job, worker: str, now_us: int, caller: Caller) -> JobView:
    if job.kind == CHALLENGE:
        last = unit.lease(job.job_id)
        attempt = (last.attempt if last else 0) + 1
    else:
        command = c.LeaseJob(job=job.job_id, worker=worker)
        facts = desk.act(unit, job.stream, command, unit.feed_head(job.stream).watermark_us, caller)
        attempt = next(fact.attempt for fact in facts if isinstance(fact, JobLeased))
    unit.put(replace(job, status=LEASED))
    unit.put(
        Lease(
            job_id=job.job_id, attempt=attempt, worker=worker, token=holding.holder(caller),
            lease_until_us=now_us + vigil.LEASE_US, heartbeat_us=now_us,
        )
    )  # fmt: skip
    return _view(desk, unit, job, attempt, now_us + vigil.LEASE_US)


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
