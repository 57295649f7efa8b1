"""Deciding: what happens when a command meets a model's health. Pure; asked, it never acts."""

from __future__ import annotations

from statemachine import commands as c
from statemachine.answers import canary, clock, control, keeping, outside, remedy, suspicion
from statemachine.draft import Draft
from statemachine.errors import NotRegistered, Refused
from statemachine.health import ModelHealth
from statemachine.kinds import Event
from statemachine.machine import GATEKEEPER, Gatekeeper
from statemachine.words import RETIRED

#: What is known of a model is kept, held and erased also when nobody watches it any more.
ALWAYS = (c.Erase, c.PlaceLegalHold, c.LiftLegalHold)


def decide(
    health: ModelHealth, command: c.Command, now_us: int, gatekeeper: Gatekeeper = GATEKEEPER
) -> tuple[Event, ...]:
    """Say what happens when *command* meets *health* at *now_us*.

    Raises:
        Refused: The table has no such move, or its guard says no.
    """
    if not health.registered and not isinstance(command, c.Register):
        raise NotRegistered(type(command).__name__, "nowhere", "the model is not under watch", ("CreateModel",))
    if health.place == RETIRED and not isinstance(command, ALWAYS):
        raise Refused(type(command).__name__, str(RETIRED), "the model is retired", ("CreateModel under another name",))
    draft = Draft(health, command, now_us, gatekeeper)
    _answer(draft, command)
    return tuple(draft.facts)


def _answer(draft: Draft, command: c.Command) -> None:  # noqa: C901, PLR0912, PLR0915 - one line a command
    match command:
        case c.Register():
            control.register(draft, command)
        case c.RegisterArtifact():
            control.register_artifact(draft, command)
        case c.ChangePolicy():
            control.change_policy(draft, command)
        case c.DeclareSignals():
            outside.declare_signals(draft, command)
        case c.NoteSilence():
            outside.note_silence(draft, command)
        case c.NoteReturn():
            outside.note_return(draft, command)
        case c.RaiseAlarm():
            suspicion.raise_alarm(draft, command)
        case c.NoteFault():
            suspicion.note_fault(draft, command)
        case c.NoteDrift():
            suspicion.note_drift(draft, command)
        case c.NoteLoss():
            suspicion.note_loss(draft, command)
        case c.ClearAlarm():
            suspicion.clear_alarm(draft, command)
        case c.ConfirmDecline():
            suspicion.confirm_decline(draft, command)
        case c.RecordDiagnosis():
            suspicion.record_diagnosis(draft, command)
        case c.ShowRecovery():
            suspicion.show_recovery(draft, command)
        case c.QueueChallenge():
            suspicion.queue_challenge(draft, command)
        case c.JudgeChallenge():
            suspicion.judge_challenge(draft, command)
        case c.AbandonChallenge():
            suspicion.abandon_challenge(draft, command)
        case c.StartRetraining():
            remedy.start_retraining(draft, command)
        case c.ProposeScope():
            remedy.propose_scope(draft, command)
        case c.AbandonRemedy():
            remedy.abandon(draft, command)
        case c.Approve():
            remedy.approve(draft, command)
        case c.Reject():
            remedy.reject(draft, command)
        case c.LeaseJob():
            remedy.lease_job(draft, command)
        case c.ExpireLease():
            remedy.expire_lease(draft, command)
        case c.FailAttempt():
            remedy.fail_attempt(draft, command)
        case c.SubmitCandidate():
            remedy.submit_candidate(draft, command)
        case c.JudgeGates():
            remedy.judge_gates(draft, command)
        case c.AcknowledgeRoute():
            canary.acknowledge_route(draft, command)
        case c.JudgeCanary():
            canary.judge_canary(draft, command)
        case c.FireTimer():
            clock.fire_timer(draft, command)
        case c.Hold():
            control.hold(draft, command)
        case c.Release():
            control.release(draft, command)
        case c.Freeze():
            control.freeze(draft, command)
        case c.Unfreeze():
            control.unfreeze(draft, command)
        case c.Abort():
            control.abort(draft, command)
        case c.RollBack():
            control.roll_back(draft, command)
        case c.Retire():
            control.retire(draft, command)
        case c.Erase():
            keeping.erase(draft, command)
        case c.PlaceLegalHold():
            keeping.place_legal_hold(draft, command)
        case c.LiftLegalHold():
            keeping.lift_legal_hold(draft, command)
        case _:
            raise Refused(type(command).__name__, str(draft.health.place), "no such command is known")
