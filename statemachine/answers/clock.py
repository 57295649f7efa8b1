"""What happens by itself when the live timer of a place runs out."""

from __future__ import annotations

from statemachine import events as e
from statemachine import timers
from statemachine.answers.canary import finish_abort, turn_back
from statemachine.commands import FireTimer
from statemachine.draft import Draft
from statemachine.words import (
    ABORTING,
    CANARY,
    DEGRADED,
    HEALTHY,
    RETRAINING,
    ROLLED_BACK,
    SUSPECT,
    Phase,
    Reason,
    Signal,
)

OVERDUE = {
    Phase.SCOPING: Reason.OVERDUE,
    Phase.AWAITING_APPROVAL: Reason.NOBODY_ANSWERED,
    Phase.QUEUED: Reason.NO_WORKER,
    Phase.LEASED: Reason.OVERDUE,
    Phase.VALIDATING: Reason.OVERDUE,
}


def fire_timer(draft: Draft, command: FireTimer) -> None:
    """Do what the place's timer stands for. A timer of an earlier visit does nothing."""
    live = timers.live(draft.health)
    early = live is None or command.name != live.name or command.visit != live.visit or draft.now_us < live.due_us
    if early:
        return
    place = draft.health.place
    if timers.waits_for_a_person(draft.health):
        draft.add(e.Notified(reason=draft.health.reason, note=f"{draft.health.automation} in {place}"))
    elif place == HEALTHY:
        _fall_silent(draft, command)
    elif place == SUSPECT:
        _give_up_waiting(draft)
    elif place == DEGRADED:
        _escalate(draft, command)
    elif place in RETRAINING:
        draft.move("abandon", OVERDUE[place.phase], command.note)
    elif place in CANARY:
        turn_back(draft, _unfinished(draft, command), command.at_row, command.note)
    elif place == ABORTING:
        finish_abort(draft, Reason.ROUTE_EXPIRED)
    elif place == ROLLED_BACK:
        _judge_again(draft)


def _fall_silent(draft: Draft, command: FireTimer) -> None:
    reason = Reason.LABELS_STALE if command.note == "labels" else Reason.NO_DATA
    draft.move("fall_silent", reason, command.note)
    draft.add(
        e.AlarmRaised(
            signal=Signal.SILENCE,
            detector="silence@1",
            log_evidence=0.0,
            onset_row=command.at_row,
            at_row=command.at_row,
            subject=command.note,
            evidence=command.evidence,
        )
    )


def _give_up_waiting(draft: Draft) -> None:
    if draft.health.policy.tier <= 1:
        draft.move("give_up_waiting", Reason.UNRESOLVED, "confirmed = false")
    else:
        draft.add(e.Held(reason=Reason.UNRESOLVED, note="neither confirmed nor cleared in time"))
        draft.add(e.Escalated(level=1, reason=Reason.UNRESOLVED, note="a person decides"))


def _escalate(draft: Draft, command: FireTimer) -> None:
    health = draft.health
    level = health.escalation + 1
    if level <= health.policy.escalation_levels:
        draft.add(e.Escalated(level=level, reason=health.cause or health.reason, note="degraded and not remedied"))
    elif health.policy.fallback == "previous_version" and health.rollback_target:
        draft.move("fall_back", Reason.FALLBACK, health.rollback_target)
        draft.add(
            e.RolledBack(
                reason=Reason.FALLBACK, version=health.rollback_target, cooldown_until_us=health.cooldown_until_us
            )
        )
        draft.route(0, command.at_row)
    else:
        draft.add(e.Held(reason=Reason.UNRESOLVED, note="the escalation ladder has ended; no fallback is declared"))


def _unfinished(draft: Draft, command: FireTimer) -> Reason:
    """Say what was missing: a router's word, labelled rows of this rung, or proof from them."""
    route = draft.health.route
    if not route.acknowledged:
        return Reason.ROUTER_SILENT
    if command.at_row <= route.since_row:
        return Reason.NO_TRAFFIC
    return Reason.INCONCLUSIVE


def _judge_again(draft: Draft) -> None:
    remedy = draft.health.remediation
    was_healthy = remedy is None or remedy.returns_to == HEALTHY
    draft.move("settle" if was_healthy else "relapse", Reason.WELL_AGAIN if was_healthy else Reason.STILL_ILL)
