"""What people order: hold, release, freeze, abort, roll back, retire."""

from __future__ import annotations

from statemachine import events as e
from statemachine.answers.canary import turn_back
from statemachine.commands import (
    Abort,
    ChangePolicy,
    Freeze,
    Hold,
    Register,
    RegisterArtifact,
    Release,
    Retire,
    RollBack,
    Unfreeze,
)
from statemachine.draft import Draft
from statemachine.errors import AlreadyRegistered, Refused
from statemachine.policies.policy import Policy
from statemachine.words import ABORTING, CANARY, RETRAINING, Automation, Reason


def register(draft: Draft, command: Register) -> None:
    """Put the model under watch, with a first route to its champion."""
    if draft.health.registered:
        raise AlreadyRegistered("register", str(draft.health.place), f"{draft.health.model} is under watch already")
    draft.add(command.registration)
    draft.route(0, 0)


def register_artifact(draft: Draft, command: RegisterArtifact) -> None:
    """Keep the first champion's bytes; once."""
    if command.version != draft.health.champion or command.version in draft.health.manifests:
        raise Refused(
            "register_artifact", str(draft.health.place),
            f"{command.version} has its bytes or is not the champion", (draft.health.champion,),
        )  # fmt: skip
    draft.add(e.ArtifactRegistered(version=command.version, manifest=command.manifest))


def change_policy(draft: Draft, command: ChangePolicy) -> None:
    """Let another policy hold, unless a remediation is bound to this one; owner and purpose may change at any time."""
    if draft.health.remediation is not None and Policy.from_json(command.policy) != draft.health.policy:
        raise Refused(
            "change_policy", str(draft.health.place),
            "the remediation under way is bound to its policy", ("healthy", "suspect", "degraded"),
        )  # fmt: skip
    Policy.from_json(command.policy)
    draft.add(e.PolicyChanged(policy=command.policy, owner=command.owner, purpose=command.purpose))


def hold(draft: Draft, command: Hold) -> None:
    """Give the wheel to a person. Repeating it changes nothing."""
    if draft.health.automation == Automation.AUTO:
        draft.add(e.Held(reason=Reason.OPERATOR, note=command.note))


def release(draft: Draft, command: Release) -> None:
    """Give the wheel back."""
    if draft.health.automation != Automation.HELD:
        raise Refused("release", str(draft.health.place), f"the model is {draft.health.automation}", ("held",))
    draft.add(e.Released(note=command.note))


def freeze(draft: Draft, command: Freeze) -> None:
    """Stop everything; always allowed, and it wins."""
    if draft.health.automation != Automation.FROZEN:
        draft.add(e.Frozen(note=command.note))
    stop(draft, Reason.OPERATOR, command.at_row, command.note)


def unfreeze(draft: Draft, command: Unfreeze) -> None:
    """Lift the kill switch; the model stays held."""
    if draft.health.automation != Automation.FROZEN:
        raise Refused("unfreeze", str(draft.health.place), f"the model is {draft.health.automation}", ("frozen",))
    draft.add(e.Unfrozen(note=command.note))


def abort(draft: Draft, command: Abort) -> None:
    """Stop the remedy that is under way; repeating it changes nothing."""
    if draft.health.place not in (*RETRAINING, *CANARY, ABORTING):
        raise Refused("abort", str(draft.health.place), "no remedy is under way", ("retraining", "canary"))
    stop(draft, Reason.OPERATOR, command.at_row, command.note)


def roll_back(draft: Draft, command: RollBack) -> None:
    """Turn the candidate of a canary back. An earlier version comes back as a remedy, through gates and canary."""
    health = draft.health
    if health.place in CANARY:
        turn_back(draft, Reason.OPERATOR, command.at_row, command.note)
        return
    raise Refused(
        "roll_back", str(health.place), "no candidate is exposed",
        ("canary", "StartRetraining with remedy restore"),
    )  # fmt: skip


def retire(draft: Draft, command: Retire) -> None:
    """End the watch; nothing but the champion is served."""
    if draft.health.place in (*CANARY, ABORTING):
        raise Refused("retire", str(draft.health.place), "a candidate is exposed; abort first", ("healthy", "degraded"))
    draft.move("retire", Reason.RETIRED, command.note)


def stop(draft: Draft, reason: Reason, at_row: int, note: str) -> None:
    """Take back whatever is moving forward."""
    if draft.health.place in CANARY:
        turn_back(draft, reason, at_row, note)
    elif draft.health.place in RETRAINING:
        draft.move("abandon", reason, note)
