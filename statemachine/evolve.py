"""Folding: what a model's health is after a fact. It happened, so this never refuses."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import orjson
from msgspec.structs import replace

from statemachine import events as e
from statemachine import externals
from statemachine.health import Alarm, ModelHealth, Remediation, Route
from statemachine.kinds import Event
from statemachine.policy import Policy
from statemachine.words import ABORTING, CANARY, DEGRADED, HEALTHY, Automation, Place, Reason

MOST_POLICIES = 256  #: that are kept as they were read

Fold = Callable[[ModelHealth, Any, int], ModelHealth]


def evolve(health: ModelHealth, fact: Event, occurred_us: int) -> ModelHealth:
    """Return *health* after *fact*, which happened at *occurred_us*."""
    fold = _FOLDS.get(type(fact))
    after = fold(health, fact, occurred_us) if fold else health
    return replace(after, version=health.version + 1)


def _registered(_: ModelHealth, fact: e.ModelRegistered, at_us: int) -> ModelHealth:
    return ModelHealth(
        model=fact.model,
        owner=fact.owner,
        purpose=fact.purpose,
        task=fact.task,
        metric=fact.metric,
        outcomes=fact.outcomes,
        template=fact.template,
        champion=fact.champion,
        features_sha256=fact.features_sha256,
        reference_sha256=fact.reference_sha256,
        reference_rows=fact.reference_rows,
        label_delay_rows=fact.label_delay_rows,
        seconds_per_row=fact.seconds_per_row,
        seed=fact.seed,
        policy=_policy(fact.policy),
        policy_version=1,
        entered_us=at_us,
        armed_us=at_us,
    )


def _policy(told: dict[str, Any]) -> Policy:
    return _read_policy(orjson.dumps(told))


# Most models have the policy of others, and a fold meets it again with each look back: to read it costs as much as to
# fold a hundred events.
@lru_cache(MOST_POLICIES)
def _read_policy(told: bytes) -> Policy:
    return Policy.from_json(orjson.loads(told))


def _artifact_registered(health: ModelHealth, fact: e.ArtifactRegistered, _: int) -> ModelHealth:
    return replace(health, manifests={**health.manifests, fact.version: fact.manifest})


def _policy_changed(health: ModelHealth, fact: e.PolicyChanged, _: int) -> ModelHealth:
    return replace(
        health,
        policy=_policy(fact.policy),
        policy_version=health.policy_version + 1,
        owner=fact.owner,
        purpose=fact.purpose,
    )


def _signals_declared(health: ModelHealth, fact: e.SignalsDeclared, at_us: int) -> ModelHealth:
    signals = externals.declared(health.signals, fact.signals, at_us)
    return replace(health, signals=signals, silent=tuple(name for name in health.silent if signals[name].limit_us))


def _signal_silenced(health: ModelHealth, fact: e.SignalSilenced, _: int) -> ModelHealth:
    return replace(health, silent=tuple(sorted({*health.silent, fact.subject})))


def _signal_heard(health: ModelHealth, fact: e.SignalHeard, _: int) -> ModelHealth:
    return replace(health, silent=tuple(name for name in health.silent if name != fact.subject))


def _state_changed(health: ModelHealth, fact: e.StateChanged, at_us: int) -> ModelHealth:
    dest = Place.named(fact.dest)
    moved = replace(
        health, place=dest, visit=health.visit + 1, entered_us=at_us, armed_us=at_us, reason=fact.reason, escalation=0
    )
    if dest == HEALTHY:
        moved = replace(moved, alarm=None, cause="", causes=(), onset_row=-1, moved_row=0)
    if dest in (HEALTHY, DEGRADED):
        moved = replace(moved, remediation=None, candidate="", challenge_evidence="")
    if fact.trigger == "abandon":
        moved = _failed(moved, at_us)
    return moved


def _failed(health: ModelHealth, at_us: int) -> ModelHealth:
    until_us = at_us + health.cooldown_us()
    return replace(health, failures=health.failures + 1, cooldown_until_us=until_us, improvement=False)


def _alarm_raised(health: ModelHealth, fact: e.AlarmRaised, _: int) -> ModelHealth:
    return replace(
        health,
        alarm=Alarm(
            signal=fact.signal,
            subject=fact.subject,
            onset_row=fact.onset_row,
            at_row=fact.at_row,
            log_evidence=fact.log_evidence,
            evidence=fact.evidence,
        ),
        onset_row=fact.onset_row,
    )


def _loss_noted(health: ModelHealth, fact: e.LossNoted, _: int) -> ModelHealth:
    told = replace(health, loss_told_row=fact.at_row)
    return told if health.place == HEALTHY else replace(told, moved_row=fact.onset_row)


def _calmed(health: ModelHealth, fact: e.AlarmCleared | e.RecoveryShown, _: int) -> ModelHealth:
    return replace(health, calm_row=fact.at_row, judged_row=max(health.judged_row, fact.at_row))


def _diagnosis_made(health: ModelHealth, fact: e.DiagnosisMade, _: int) -> ModelHealth:
    return replace(health, cause=fact.cause, causes=tuple(fact.causes), onset_row=fact.onset_row)


def _challenge_queued(health: ModelHealth, fact: e.ChallengeQueued, _: int) -> ModelHealth:
    return replace(health, challenge=fact.job, jobs_opened=health.jobs_opened + 1)


def _challenge_judged(health: ModelHealth, fact: e.ChallengeJudged, _: int) -> ModelHealth:
    kept = fact.evidence if fact.finding in ("none", "regret", "improvement") else health.challenge_evidence
    return replace(
        health,
        challenge="",
        improvement=fact.finding == "improvement",
        judged_row=fact.at_row,
        challenge_evidence=kept,
    )


def _challenge_failed(health: ModelHealth, _: e.ChallengeFailed, __: int) -> ModelHealth:
    return replace(health, challenge="")


def _challenges_kept(health: ModelHealth, fact: e.ChallengesKept, _: int) -> ModelHealth:
    return replace(health, challenge_evidence=fact.evidence)


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


def _route_intended(health: ModelHealth, fact: e.RouteIntended, at_us: int) -> ModelHealth:
    opens = not health.route.candidate and bool(fact.candidate)
    return replace(
        health,
        shadows=tuple(fact.shadows),
        canary_row=fact.at_row if opens else health.canary_row,
        exposures=(*(() if opens else health.exposures), (fact.generation, fact.exposure_bp)),
        route=Route(
            generation=fact.generation,
            candidate=fact.candidate,
            exposure_bp=fact.exposure_bp,
            issued_us=at_us,
            since_row=fact.at_row,
            ttl_seconds=fact.ttl_seconds,
            salt=fact.salt,
        ),
    )


def _route_acknowledged(health: ModelHealth, fact: e.RouteAcknowledged, _: int) -> ModelHealth:
    if fact.generation != health.route.generation:
        return health
    return replace(health, route=replace(health.route, acknowledged=True))


def _canary_judged(health: ModelHealth, fact: e.CanaryJudged, _: int) -> ModelHealth:
    return replace(health, judged_row=fact.at_row)


def _promotion_confirmed(health: ModelHealth, fact: e.PromotionConfirmed, _: int) -> ModelHealth:
    return replace(
        health,
        champion=fact.champion,
        rollback_target=fact.rollback_target,
        epoch=health.epoch + 1,
        epoch_row=fact.at_row,
        failures=0,
        cooldown_until_us=0,
        judged_row=health.route.since_row,  # from there on it served alone, so challengers may be tried on these rows
    )


def _rolled_back(health: ModelHealth, fact: e.RolledBack, _: int) -> ModelHealth:
    after = replace(health, cooldown_until_us=fact.cooldown_until_us, failures=health.failures + 1, improvement=False)
    if fact.version and fact.version != health.champion:
        after = replace(after, champion=fact.version, rollback_target=health.champion, epoch=health.epoch + 1)
    return after


def _escalated(health: ModelHealth, fact: e.Escalated, at_us: int) -> ModelHealth:
    if fact.reason == Reason.ROWS_ERASED:
        return health  # it concerns what a model has learned, not how it does: no timer is wound up again
    return replace(health, escalation=fact.level, armed_us=at_us)


def _erased(health: ModelHealth, _: e.Erased, __: int) -> ModelHealth:
    return replace(health, erasures=health.erasures + 1)


def _hold_placed(health: ModelHealth, _: e.LegalHoldPlaced, __: int) -> ModelHealth:
    return replace(health, legal_hold=True)


def _hold_lifted(health: ModelHealth, _: e.LegalHoldLifted, __: int) -> ModelHealth:
    return replace(health, legal_hold=False)


def _notified(health: ModelHealth, _: e.Notified, at_us: int) -> ModelHealth:
    return replace(health, armed_us=at_us)


def _put_in_charge(who: Automation) -> Fold:
    def fold(health: ModelHealth, _: Event, at_us: int) -> ModelHealth:
        return replace(
            health, automation=who, armed_us=at_us if health.place not in (*CANARY, ABORTING) else health.armed_us
        )

    return fold


def _remedy(health: ModelHealth, **changes: Any) -> ModelHealth:  # noqa: ANN401 - fields of Remediation
    if health.remediation is None:
        return health
    return replace(health, remediation=replace(health.remediation, **changes))


def _is_remedy(health: ModelHealth, job: str) -> bool:
    return health.remediation is not None and health.remediation.job == job


_FOLDS: dict[type[Event], Fold] = {
    e.ModelRegistered: _registered,
    e.ArtifactRegistered: _artifact_registered,
    e.PolicyChanged: _policy_changed,
    e.SignalsDeclared: _signals_declared,
    e.SignalSilenced: _signal_silenced,
    e.SignalHeard: _signal_heard,
    e.StateChanged: _state_changed,
    e.AlarmRaised: _alarm_raised,
    e.LossNoted: _loss_noted,
    e.AlarmCleared: _calmed,
    e.RecoveryShown: _calmed,
    e.DiagnosisMade: _diagnosis_made,
    e.ChallengeQueued: _challenge_queued,
    e.ChallengeJudged: _challenge_judged,
    e.ChallengeFailed: _challenge_failed,
    e.ChallengesKept: _challenges_kept,
    e.RemediationStarted: _remediation_started,
    e.ScopeProposed: _scope_proposed,
    e.JobLeased: _job_leased,
    e.LeaseExpired: _attempt_over,
    e.AttemptFailed: _attempt_over,
    e.CandidateTrained: _candidate_trained,
    e.GatesJudged: _gates_judged,
    e.RouteIntended: _route_intended,
    e.RouteAcknowledged: _route_acknowledged,
    e.CanaryJudged: _canary_judged,
    e.PromotionConfirmed: _promotion_confirmed,
    e.RolledBack: _rolled_back,
    e.Escalated: _escalated,
    e.Notified: _notified,
    e.Erased: _erased,
    e.LegalHoldPlaced: _hold_placed,
    e.LegalHoldLifted: _hold_lifted,
    e.Held: _put_in_charge(Automation.HELD),
    e.Released: _put_in_charge(Automation.AUTO),
    e.Frozen: _put_in_charge(Automation.FROZEN),
    e.Unfrozen: _put_in_charge(Automation.HELD),
}
