"""What speaks against a champion or for it, why, and what challengers show."""

from __future__ import annotations

from msgspec.structs import replace

from statemachine import events as e
from statemachine.folds.fold import Folds
from statemachine.health import Alarm, ModelHealth
from statemachine.words import HEALTHY


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
    named = replace(health, cause=fact.cause, causes=tuple(fact.causes), onset_row=fact.onset_row)
    return replace(named, diagnosed_row=fact.at_row)


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


FOLDS: Folds = {
    e.AlarmRaised: _alarm_raised,
    e.LossNoted: _loss_noted,
    e.AlarmCleared: _calmed,
    e.RecoveryShown: _calmed,
    e.DiagnosisMade: _diagnosis_made,
    e.ChallengeQueued: _challenge_queued,
    e.ChallengeJudged: _challenge_judged,
    e.ChallengeFailed: _challenge_failed,
    e.ChallengesKept: _challenges_kept,
}
