"""Erasing: what is to go is written down first, then its keys are destroyed, then the log says so.

A process that ends in between finds the intent when it starts again, and carries it out. What is destroyed cannot be
brought back by an old copy of the vault either: whoever starts on one destroys again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from server.act import Caller
from server.desk import Desk
from server.history.unreadable import OF_ONE_MODEL
from server.intake.sealing import ROWS
from server.privacy.erasures import (
    DONE,
    Asked,
    ErasureView,
    finished,
    intended,
    keep,
    keys_of,
    view,
    wanted,
    was_asked,
)
from server.privacy.losses import Loss, of_rows, tell
from server.privacy.scopes import scope_of
from statemachine.errors import LegallyHeld
from store.ports import Reader, Unit
from store.vault import Vault


def intend(desk: Desk, unit: Unit, request: Asked) -> str:
    """Write down that everything about a subject is to go; give the erasure's id, the first one to a repeated request.

    Raises:
        LegallyHeld: A model that holds rows of the subject may not lose any.
        RequestIdReused: The id stands for another erasure.
    """
    vault = desk.sealer.vault
    if was_asked(vault, unit, request):
        return request.erasure
    pseudonym = vault.pseudonym("subject", request.subject)
    holders = {key.model for key in vault.find(ROWS, pseudonym=pseudonym) if key.destroyed_us is None}
    _refuse_held(desk, unit, holders, "rows")
    return intended(vault, unit, wanted(vault, request, pseudonym))


def carry_out(desk: Desk, unit: Unit, erasure: str, now_us: int, caller: Caller) -> ErasureView:
    """Destroy the keys of an erasure that was intended, and say so in each model's log. Once done it is never redone.

    Raises:
        LegallyHeld: A hold was placed since it was intended. It stays so until that is lifted.
        ScopeUnknown: A later release has intended it.
    """
    asked = view(unit, erasure)
    if asked.status == DONE:
        return asked
    scope, keys = scope_of(erasure, asked.scope), keys_of(desk.sealer.vault, asked)
    by_model = scope.told(unit, asked.span, keys)
    alive = [key for key in keys if key.destroyed_us is None]
    if alive or not keys:  # a hold keeps what is there; what a process destroyed before it ended is told all the same
        _refuse_held(desk, unit, scope.told(unit, asked.span, alive), scope.held)
    losses = [
        of_rows(desk, unit, model, [key.key_id for key in mine]) if scope.of_rows else Loss(model)
        for model, mine in by_model.items()
    ]
    datasets = [one for loss in losses for one in loss.dataset_keys]
    desk.sealer.vault.destroy([key.key_id for key in keys] + datasets)
    touched = [tell(desk, unit, asked, loss, caller) for loss in losses]
    done = replace(asked, status=DONE, models=touched, done_us=now_us)
    keep(unit, done)
    return done


def unreadable(desk: Desk, reader: Reader, erasure: str) -> dict[str, Exception]:
    """Tell which models that an erasure is about cannot be read, and why: a legal hold may keep what is theirs."""
    asked, found = view(reader, erasure), dict[str, Exception]()
    keys = keys_of(desk.sealer.vault, asked)
    for model in scope_of(erasure, asked.scope).told(reader, asked.span, keys):
        try:
            desk.readers.health(reader, model)
        except OF_ONE_MODEL as error:
            found[model] = error
    return found


def destroy_again(vault: Vault, reader: Reader) -> int:
    """Destroy what was erased and is alive again, as after an old copy of the vault came back; give how many keys."""
    count = 0
    for done in finished(reader):
        alive = [key.key_id for key in keys_of(vault, done) if key.destroyed_us is None]
        if alive:
            vault.destroy(alive)
            count += len(alive)
    return count


def _refuse_held(desk: Desk, unit: Unit, models: Iterable[str], what: str) -> None:
    held = sorted(model for model in models if desk.health(unit, model).legal_hold)
    if held:
        health = desk.health(unit, held[0])
        raise LegallyHeld(
            "erase", str(health.place), f"a legal hold keeps the {what} of {', '.join(held)}", ("LiftLegalHold",)
        )
