"""Remedies: scoped, approved, trained, judged, or abandoned."""

from __future__ import annotations

from statemachine import events as e
from statemachine.commands import (
    AbandonRemedy,
    Approve,
    ExpireLease,
    FailAttempt,
    JudgeGates,
    LeaseJob,
    ProposeScope,
    Reject,
    StartRetraining,
    SubmitCandidate,
)
from statemachine.draft import Draft
from statemachine.errors import Refused, StaleLease
from statemachine.guards import attempts_are_left
from statemachine.health import Remediation
from statemachine.words import AWAITING_APPROVAL, DEGRADED, HEALTHY, LEASED, Reason, Remedy

SERVICE = "service"


def start_retraining(draft: Draft, command: StartRetraining) -> None:
    """Begin to look for a remedy, for a decline or as a refresh."""
    health = draft.health
    if health.place not in (HEALTHY, DEGRADED):
        raise Refused("start_retraining", str(health.place), "no remedy begins here", (str(HEALTHY), str(DEGRADED)))
    reason = Reason.REQUESTED if command.requested_by != SERVICE else Reason(command.reason)
    trigger = "refresh" if health.place == HEALTHY else "start_retraining"
    draft.move(trigger, reason, command.note)
    draft.add(
        e.RemediationStarted(
            number=health.remediations + 1,
            returns_to=str(health.place),
            requested_by=command.requested_by,
            remedy=command.remedy,
            version=command.version or (health.rollback_target if command.remedy == Remedy.RESTORE else ""),
        )
    )


def propose_scope(draft: Draft, command: ProposeScope) -> None:
    """Queue the bake-off, ask a person first, or skip what trains nothing."""
    draft.add(e.ScopeProposed(job=command.job, spec=command.spec, entrants=command.entrants, at_row=command.at_row))
    remedy = _remedy(draft, "propose_scope")
    if remedy.remedy == Remedy.RESTORE:
        draft.move("skip_training", Reason.NOTHING_TO_TRAIN, remedy.version)
        draft.add(
            e.CandidateTrained(
                job=command.job,
                remedy=Remedy.RESTORE,
                entrant=remedy.version,
                semantic_sha256="",
                at_row=command.at_row,
                version=remedy.version,
            )
        )
    elif draft.health.policy.approvals.required:
        draft.move("request_approval", Reason.APPROVAL_NEEDED)
        draft.add(e.ApprovalRequested(job=command.job, requested_by=remedy.requested_by))
    else:
        draft.move("queue_job", Reason.SCOPED)


def abandon(draft: Draft, command: AbandonRemedy) -> None:
    """Give the remedy up and go back to where it came from."""
    draft.move("abandon", Reason(command.reason), command.note)


def approve(draft: Draft, command: Approve) -> None:
    """Let the job run."""
    job = _awaiting_approval(draft, "approve").job
    draft.move("approve", Reason.APPROVED, command.note)
    draft.add(e.ApprovalGiven(job=job, note=command.note))


def reject(draft: Draft, command: Reject) -> None:
    """Refuse the remedy."""
    job = _awaiting_approval(draft, "reject").job
    draft.add(e.ApprovalRefused(job=job, note=command.note))
    draft.move("abandon", Reason.REJECTED, command.note)


def lease_job(draft: Draft, command: LeaseJob) -> None:
    """Give the job to a worker, under the next attempt number."""
    remedy = _remedy(draft, "lease_job")
    if remedy.job != command.job:
        raise Refused("lease_job", str(draft.health.place), f"{command.job} is not the job under way", (remedy.job,))
    draft.move("lease_job", Reason.LEASED)
    draft.add(e.JobLeased(job=command.job, attempt=remedy.attempt + 1, worker=command.worker))


def expire_lease(draft: Draft, command: ExpireLease) -> None:
    """Take the job from a silent worker."""
    _require_attempt(draft, "expire", command.job, command.attempt)
    draft.add(e.LeaseExpired(job=command.job, attempt=command.attempt))
    _again_or_never(draft, Reason.LEASE_LOST, "the worker fell silent")


def fail_attempt(draft: Draft, command: FailAttempt) -> None:
    """Try again, or give up when the attempts are used."""
    _require_attempt(draft, "fail", command.job, command.attempt)
    draft.add(e.AttemptFailed(job=command.job, attempt=command.attempt, failure=command.failure, note=command.note))
    _again_or_never(draft, Reason.TRAIN_FAILED, command.failure)


def submit_candidate(draft: Draft, command: SubmitCandidate) -> None:
    """Take the winner of the bake-off to its gates."""
    _require_attempt(draft, "complete", command.job, command.attempt)
    draft.move("submit_candidate", Reason.TRAINED, command.entrant)
    if command.remedy == Remedy.NOTHING:
        return  # the champion won: there is no candidate, and the gates will say so
    number = _remedy(draft, "submit_candidate").number
    draft.add(
        e.CandidateTrained(
            job=command.job,
            remedy=command.remedy,
            entrant=command.entrant,
            semantic_sha256=command.semantic_sha256,
            at_row=command.at_row,
            version=_restored(draft, command) or f"remedy-{number}",
            manifest=command.manifest,
            isolation=command.isolation,
        )
    )


def judge_gates(draft: Draft, command: JudgeGates) -> None:
    """Let the candidate into the canary, or turn it away."""
    draft.add(
        e.GatesJudged(
            passed=command.passed,
            chosen=command.chosen,
            remedy=command.remedy,
            gates=command.gates,
            evidence=command.evidence,
            measured=command.measured,
        )
    )
    if not command.passed:
        draft.move("abandon", Reason.GATES_FAILED, command.note)
        return
    draft.move("pass_gates", Reason.GATES_PASSED, command.chosen)
    draft.route(0, command.at_row)


def _restored(draft: Draft, command: SubmitCandidate) -> str:
    """Name the archived version when that is what won; anything else is a new version."""
    return draft.health.rollback_target if command.remedy == Remedy.RESTORE else ""


def _again_or_never(draft: Draft, reason: Reason, note: str) -> None:
    if attempts_are_left(draft.health, draft.command, draft.now_us):
        draft.move("lose_lease", reason, note)
    else:
        draft.move("abandon", Reason.TRAIN_FAILED, note)


def _require_attempt(draft: Draft, asked: str, job: str, attempt: int) -> None:
    remedy = draft.health.remediation
    place = draft.health.place
    if remedy is None or remedy.job != job or remedy.attempt != attempt or place != LEASED:
        holder = f"attempt {remedy.attempt} of {remedy.job}" if remedy and place == LEASED else "nobody"
        raise StaleLease(asked, str(place), f"attempt {attempt} of {job} does not hold the job; {holder} does")


def _awaiting_approval(draft: Draft, order: str) -> Remediation:
    remedy = _remedy(draft, order)
    if draft.health.place != AWAITING_APPROVAL:
        raise Refused(order, str(draft.health.place), "no approval is asked for", (str(AWAITING_APPROVAL),))
    return remedy


def _remedy(draft: Draft, command: str) -> Remediation:
    if draft.health.remediation is None:
        raise Refused(command, str(draft.health.place), "no remediation is under way", ("retraining",))
    return draft.health.remediation
