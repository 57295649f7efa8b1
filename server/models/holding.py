"""Legal holds: what is kept of a model is kept, whoever asks for its erasure, until the hold is lifted."""

from __future__ import annotations

from server.act import Caller
from server.desk import Desk
from server.views import StateView, state_of
from statemachine import commands as c
from store.ports import Unit


def place(desk: Desk, unit: Unit, model: str, note: str, caller: Caller) -> StateView:
    """Let nothing of *model* be erased. Placing it twice is placing it once."""
    return _order(desk, unit, model, c.PlaceLegalHold(note=note), caller)


def lift(desk: Desk, unit: Unit, model: str, note: str, caller: Caller) -> StateView:
    """Let what was kept be erased again.

    Raises:
        Refused: No hold is placed.
    """
    return _order(desk, unit, model, c.LiftLegalHold(note=note), caller)


def _order(desk: Desk, unit: Unit, model: str, command: c.Command, caller: Caller) -> StateView:
    desk.health(unit, model)  # a model that is not here is refused by its name
    head = unit.feed_head(model)
    desk.act(unit, model, command, head.watermark_us, caller)
    return state_of(desk.health(unit, model), row=head.next_row)
