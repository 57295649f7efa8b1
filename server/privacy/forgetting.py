"""Forgetting who an actor is: the id stays wherever it stands, and the name behind it is destroyed, on record."""

from __future__ import annotations

from server.desk import Desk
from server.history.folding import PAGE
from server.history.reading import names
from server.privacy.actors import name_of
from server.privacy.erasures import Asked, intended, wanted, was_asked
from statemachine.errors import LegallyHeld
from statemachine.health import ModelHealth
from store.ports import Reader, Unit


def check(desk: Desk, reader: Reader, request: Asked) -> None:
    """Let a request pass that can be carried out, or was.

    Raises:
        ThingMissing: The id was never given here.
        LegallyHeld: It stands in the log of a model that must be kept.
        RequestIdReused: The request id stands for another erasure.
    """
    if was_asked(desk.sealer.vault, reader, request):
        return
    name_of(desk.sealer.vault, request.subject, "actor_id")
    held = [health for health in _held(desk, reader) if _stands_in(reader, health, request.subject)]
    if held:
        why = f"a legal hold keeps who acted on {', '.join(health.model for health in held)}"
        raise LegallyHeld("forget", str(held[0].place), why, ("LiftLegalHold",))


def intend(desk: Desk, unit: Unit, request: Asked) -> str:
    """Write down that the name behind an id is to go; give the erasure's id, the first one to a repeated request.

    Raises:
        RequestIdReused: The request id stands for another erasure.
    """
    vault = desk.sealer.vault
    if was_asked(vault, unit, request):
        return request.erasure
    return intended(vault, unit, wanted(vault, request, request.subject))


def _held(desk: Desk, reader: Reader) -> list[ModelHealth]:
    return [health for name in names(reader) if (health := desk.readers.health(reader, name)).legal_hold]


def _stands_in(reader: Reader, health: ModelHealth, actor: str) -> bool:
    """Say whether an actor has acted on a model, or an event of it tells of the actor."""
    for after in range(0, health.version, PAGE):
        for event in reader.events(health.model, after, min(after + PAGE, health.version)):
            if event.actor == actor or actor.encode() in (event.payload or b""):
                return True
    return False
