"""What is kept of a model, and what is erased of it. None of this moves the model."""

from __future__ import annotations

from statemachine import events as e
from statemachine.commands import Erase, LiftLegalHold, PlaceLegalHold
from statemachine.draft import Draft
from statemachine.errors import Refused
from statemachine.words import Reason


def erase(draft: Draft, command: Erase) -> None:
    """Note an erasure, and ask people to look at versions that have learned from what is gone. They stay."""
    draft.add(
        e.Erased(
            erasure=command.erasure, scope=command.scope, pseudonym=command.pseudonym, rows=command.rows,
            labels=command.labels, versions=command.versions, jobs=command.jobs, note=command.note,
        )
    )  # fmt: skip
    if command.versions:
        note = f"trained on rows that are erased: {', '.join(command.versions)}"
        draft.add(e.Escalated(level=draft.health.escalation, reason=Reason.ROWS_ERASED, note=note))


def place_legal_hold(draft: Draft, command: PlaceLegalHold) -> None:
    """Let nothing be erased. Repeating it changes nothing."""
    if not draft.health.legal_hold:
        draft.add(e.LegalHoldPlaced(note=command.note))


def lift_legal_hold(draft: Draft, command: LiftLegalHold) -> None:
    """Let things be erased again."""
    if not draft.health.legal_hold:
        raise Refused("lift_legal_hold", str(draft.health.place), "no legal hold is placed", ("PlaceLegalHold",))
    draft.add(e.LegalHoldLifted(note=command.note))
