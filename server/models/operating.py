"""What people order. A stop needs no etag and always wins; everything else may carry one."""

from __future__ import annotations

from collections.abc import Callable

from server.act import Caller
from server.desk import Desk, check_etag
from server.errors import Invalid
from server.following import consequences
from server.privacy.actors import approver
from server.views import StateView, state_of
from statemachine import commands as c
from statemachine.words import Reason, Remedy
from store.ports import Reader, Unit

APPROVE = "approve"
Order = Callable[[str, str, int], c.Command]

ORDERS: dict[str, Order] = {
    APPROVE: lambda actor, note, _: c.Approve(actor=actor, note=note),
    "reject": lambda actor, note, _: c.Reject(actor=actor, note=note),
    "hold": lambda _, note, __: c.Hold(note=note),
    "release": lambda _, note, __: c.Release(note=note),
    "freeze": lambda _, note, row: c.Freeze(note=note, at_row=row),
    "unfreeze": lambda _, note, __: c.Unfreeze(note=note),
    "abort": lambda _, note, row: c.Abort(note=note, at_row=row),
    "roll_back": lambda _, note, row: c.RollBack(note=note, at_row=row),
}
#: By the names of the client's methods, as people are told what they can order; those that stop something come last.
BY_CALL: dict[str, Order] = {
    **{order: ORDERS[order] for order in (APPROVE, "reject", "release", "unfreeze")},
    "start_retraining": lambda actor, _, __: c.StartRetraining(requested_by=actor, reason=Reason.REQUESTED),
    **{order: ORDERS[order] for order in ("roll_back", "abort", "hold", "freeze")},
}
SOMEBODY = "somebody"  #: who gave an order that is only asked about
STOPS = frozenset({"freeze", "abort", "hold", "roll_back"})
#: What a person can ask for: a kind of remedy, or one entrant of the bake-off by its name.
REMEDIES = (Remedy.RECALIBRATE, Remedy.RESTORE, Remedy.REFIT, "since_change", "half", "recent", "all")


def operate(desk: Desk, unit: Unit, order: str, model: str, etag: str, note: str, caller: Caller) -> StateView:
    """Carry out *order* on *model*."""
    health = desk.health(unit, model)
    if order not in STOPS:
        check_etag(health, etag)
    head = unit.feed_head(model)
    who = approver(desk.sealer.vault, health, caller) if order == APPROVE else caller.actor
    command = ORDERS[order](who, note, head.next_row)
    desk.act(unit, model, command, head.watermark_us, caller)
    return state_of(desk.health(unit, model), row=head.next_row)


def taken(desk: Desk, reader: Reader, model: str) -> list[str]:
    """Name the orders that would change something now."""
    head = reader.feed_head(model)
    commands = {order: make(SOMEBODY, "", head.next_row) for order, make in BY_CALL.items()}
    return [order for order, command in commands.items() if desk.act.would(reader, model, command, head.watermark_us)]


def start_retraining(
    desk: Desk, unit: Unit, model: str, etag: str, note: str, remedies: list[str], caller: Caller
) -> StateView:
    """Begin a remedy because a person asks."""
    health = desk.health(unit, model)
    check_etag(health, etag)
    if len(remedies) > 1 or any(remedy not in REMEDIES for remedy in remedies):
        raise Invalid("remedies", f"{remedies} is not accepted; at most one of {', '.join(REMEDIES)} is")
    remedy = remedies[0] if remedies else ""
    if remedy == Remedy.RESTORE and not health.rollback_target:
        raise Invalid("remedies[0]", "there is no earlier version to restore")
    head = unit.feed_head(model)
    command = c.StartRetraining(
        requested_by=caller.actor if caller.actor != "service" else "operator",
        reason=Reason.REQUESTED,
        remedy=remedy,
        note=note,
    )
    desk.act(unit, model, command, head.watermark_us, caller)
    consequences.move_on(desk, unit, model, asked=True)
    return state_of(desk.health(unit, model), row=head.next_row)
