"""Alarms, blips, declines, causes and challengers."""

from __future__ import annotations

from dataclasses import asdict

from statemachine import events as e
from statemachine.commands import (
    AbandonChallenge,
    ClearAlarm,
    ConfirmDecline,
    JudgeChallenge,
    NoteDrift,
    NoteFault,
    NoteLoss,
    QueueChallenge,
    RaiseAlarm,
    RecordDiagnosis,
    ShowRecovery,
)
from statemachine.draft import Draft
from statemachine.errors import Refused
from statemachine.health import ModelHealth
from statemachine.unexplained import unexplained
from statemachine.words import DEGRADED, HEALTHY, SUSPECT, Automation, Reason, Signal

#: Suspicions that must not shut out a loss that rises: of few rows, they take long to settle.
NARROWER = frozenset({Signal.REGRET, Signal.SEGMENT})


def raise_alarm(draft: Draft, command: RaiseAlarm) -> None:
    """Suspect a healthy model; where it is asked for, people are told at once.

    A rise of the loss takes the place of a regret, or of a segment, that is looked into: it shows on more rows, and is
    settled by fewer.
    """
    beside = _takes_over(draft.health, command.signal)
    draft.add(
        e.AlarmRaised(
            signal=command.signal,
            detector=command.detector,
            log_evidence=command.log_evidence,
            onset_row=command.onset_row,
            at_row=command.at_row,
            subject=command.subject,
            evidence=command.evidence,
        )
    )
    about = _about(command.signal, command.subject)
    if not beside:
        draft.move("raise_alarm", Reason.ALARM, about)
    if command.escalate:
        draft.add(e.Escalated(level=1, reason=Reason.ALARM, note=about))


def note_fault(draft: Draft, command: NoteFault) -> None:
    """Note that single rows are faulty. It moves nothing, and lays nothing to rest."""
    draft.add(e.FaultNoted(**asdict(command)))


def note_drift(draft: Draft, command: NoteDrift) -> None:
    """Note that rows are other than they were, wherever the model stands. It moves nothing."""
    draft.add(e.DriftNoted(**asdict(command)))


def note_loss(draft: Draft, command: NoteLoss) -> None:
    """Note that a loss has moved anew, wherever the model stands. It moves nothing."""
    draft.add(e.LossNoted(**asdict(command)))


def clear_alarm(draft: Draft, command: ClearAlarm) -> None:
    """Call it a blip, or a rise that the policy accepts. Challenges go on, but where they were under suspicion."""
    alarm, shown = draft.health.alarm, draft.health.challenge_evidence
    draft.add(
        e.AlarmCleared(
            signal=command.signal,
            log_evidence=command.log_evidence,
            at_row=command.at_row,
            evidence=command.evidence,
        )
    )
    if command.accepted_by:
        draft.move("clear_as_blip", Reason.ACCEPTED, f"{command.signal}, by the condition {command.accepted_by}")
    else:
        draft.move("clear_as_blip", Reason.BLIP, command.signal)
    if shown and alarm is not None and alarm.signal != Signal.REGRET:
        draft.add(e.ChallengesKept(evidence=shown))


def confirm_decline(draft: Draft, command: ConfirmDecline) -> None:
    """Call it a decline."""
    draft.add(
        e.DeclineConfirmed(
            signal=command.signal,
            log_evidence=command.log_evidence,
            at_row=command.at_row,
            evidence=command.evidence,
        )
    )
    draft.move("confirm_decline", Reason.CONFIRMED, command.signal)


def record_diagnosis(draft: Draft, command: RecordDiagnosis) -> None:
    """Keep the ranked causes. Where none is found, and nothing can be learned, people are told at once."""
    if draft.health.place not in (SUSPECT, DEGRADED):
        raise Refused("diagnose", str(draft.health.place), "there is nothing to explain", ("suspect", "degraded"))
    draft.add(
        e.DiagnosisMade(
            cause=command.cause, causes=command.causes, onset_row=command.onset_row, evidence=command.evidence,
            at_row=command.at_row, instead_of=command.instead_of,
        )
    )  # fmt: skip
    health = draft.health
    alone = health.place == DEGRADED and health.automation == Automation.AUTO and not health.escalation
    if alone and health.alarm is not None and unexplained(health):
        about = _about(health.alarm.signal, health.alarm.subject)
        draft.add(e.Escalated(level=1, reason=health.cause, note=f"{about} is not explained; nothing is trained"))


def show_recovery(draft: Draft, command: ShowRecovery) -> None:
    """Let a degraded model be healthy again without a remedy."""
    draft.add(e.RecoveryShown(log_evidence=command.log_evidence, at_row=command.at_row, evidence=command.evidence))
    draft.move("recover", Reason.RECOVERED)


def queue_challenge(draft: Draft, command: QueueChallenge) -> None:
    """Open a challenger's job; one at a time."""
    health = draft.health
    if health.place not in (HEALTHY, SUSPECT):
        raise Refused(
            "challenge", str(health.place), "a champion under repair is not challenged", ("healthy", "suspect")
        )
    if health.challenge:
        raise Refused("challenge", str(health.place), f"{health.challenge} is under way")
    draft.add(e.ChallengeQueued(job=command.job, spec=command.spec, at_row=command.at_row))


def judge_challenge(draft: Draft, command: JudgeChallenge) -> None:
    """Keep the finding; lasting regret is an alarm, an improvement may schedule a refresh."""
    if draft.health.challenge != command.job:
        raise Refused("judge_challenge", str(draft.health.place), f"{command.job} is not the challenge under way")
    draft.add(
        e.ChallengeJudged(
            job=command.job,
            finding=command.finding,
            log_evidence=command.log_evidence,
            at_row=command.at_row,
            evidence=command.evidence,
        )
    )


def abandon_challenge(draft: Draft, command: AbandonChallenge) -> None:
    """Forget a challenge; nothing follows from it."""
    if draft.health.challenge != command.job:
        raise Refused("abandon_challenge", str(draft.health.place), f"{command.job} is not the challenge under way")
    draft.add(e.ChallengeFailed(job=command.job, failure=command.failure))


def _takes_over(health: ModelHealth, signal: str) -> bool:
    """Say whether an alarm of *signal* takes the place of the one that stands, for a service that may act."""
    narrower = health.alarmed_by in NARROWER
    watched = health.place == SUSPECT and health.automation == Automation.AUTO
    return watched and narrower and signal == Signal.LOSS


def _about(signal: str, subject: str) -> str:
    return f"{signal} of {subject}" if subject and signal != Signal.LOSS else signal
