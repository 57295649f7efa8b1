"""A remedy is under way: its rows, its work, its candidate and its gates."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from statemachine import events as e
from statemachine.folds.fold import Folds
from statemachine.health import ModelHealth, Remediation
from statemachine.words import Place


def _remediation_started(health: ModelHealth, fact: e.RemediationStarted, at_us: int) -> ModelHealth:
    return replace(
        health,
        remediation=Remediation(
            number=fact.number,
            returns_to=Place.named(fact.returns_to),
            requested_by=fact.requested_by,
            remedy=fact.remedy,
            version=fact.version,
            started_us=at_us,
        ),
        remediations=fact.number,
        started_us=(*health.started_us, at_us),
        improvement=False,
    )


def _scope_proposed(health: ModelHealth, fact: e.ScopeProposed, _: int) -> ModelHealth:
    after = replace(health, jobs_opened=health.jobs_opened + 1, judged_row=fact.at_row)
    return _remedy(after, job=fact.job)


def _job_leased(health: ModelHealth, fact: e.JobLeased, _: int) -> ModelHealth:
    return _remedy(health, attempt=fact.attempt) if _is_remedy(health, fact.job) else health


def _attempt_over(health: ModelHealth, fact: e.LeaseExpired | e.AttemptFailed, _: int) -> ModelHealth:
    if not _is_remedy(health, fact.job) or health.remediation is None:
        return health
    return _remedy(health, attempts_failed=health.remediation.attempts_failed + 1)


def _candidate_trained(health: ModelHealth, fact: e.CandidateTrained, _: int) -> ModelHealth:
    kept = {fact.version: fact.manifest} if fact.manifest else {}
    after = replace(health, candidate=fact.version, manifests={**health.manifests, **kept})
    return _remedy(after, remedy=fact.remedy)


def _gates_judged(health: ModelHealth, fact: e.GatesJudged, _: int) -> ModelHealth:
    return _remedy(health, gates_passed=fact.passed)


def _remedy(health: ModelHealth, **changes: Any) -> ModelHealth:  # noqa: ANN401 - fields of Remediation
    if health.remediation is None:
        return health
    return replace(health, remediation=replace(health.remediation, **changes))


def _is_remedy(health: ModelHealth, job: str) -> bool:
    return health.remediation is not None and health.remediation.job == job


FOLDS: Folds = {
    e.RemediationStarted: _remediation_started,
    e.ScopeProposed: _scope_proposed,
    e.JobLeased: _job_leased,
    e.LeaseExpired: _attempt_over,
    e.AttemptFailed: _attempt_over,
    e.CandidateTrained: _candidate_trained,
    e.GatesJudged: _gates_judged,
}
