"""Declaring the series that others measure for a model."""

from __future__ import annotations

from collections.abc import Sequence

from server.act import Caller
from server.desk import Desk
from server.errors import Invalid
from server.intake.points import Heard
from statemachine import commands as c
from statemachine.externals import ExternalSignal, SignalInvalid, check
from store.ports import Unit


def checked(signals: Sequence[ExternalSignal], where: str) -> None:
    """Refuse declarations that cannot stand, by field."""
    try:
        check(signals, where)
    except SignalInvalid as error:
        raise Invalid(error.field, error.why) from error


def declare(desk: Desk, unit: Unit, model: str, signals: Sequence[ExternalSignal], where: str, caller: Caller) -> None:
    """Let *signals* be those of *model*; what they do not name any more is withdrawn.

    Raises:
        Invalid: One cannot stand, or its series has told something else before it was declared.
        Refused: What must last of an earlier declaration would change.
    """
    checked(signals, where)
    intake = desk.intake(unit, model)
    for i, one in enumerate(signals):
        _fits(one, intake.series.get(one.name), f"{where}[{i}]")
    command = c.DeclareSignals(signals=[one.told() for one in signals])
    desk.act(unit, model, command, intake.watermark_us, caller)


def _fits(one: ExternalSignal, heard: Heard | None, where: str) -> None:
    """Refuse a declaration that points from before it would contradict."""
    if heard is None:
        return
    before = {"direction": heard.direction, "tolerance": heard.tolerance, "relative": heard.relative}
    for field, value in before.items():
        if getattr(one, field) != value:
            told = f"{getattr(one, field)!r}, but points of {one.name!r} have come with {value!r}; that is accepted"
            raise Invalid(f"{where}.{field}", told)
