"""External signals: series that others measure, as a model has declared them.

What a signal is measured in, and which way it gets worse, is for ever: its points are kept in that unit and judged in
that direction. Who measures it, and how often, may change.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from statemachine.units import ACCEPTED, UnitUnknown, read, same

NAME = re.compile(r"[a-z][a-z0-9_.]{0,62}")
PROVIDER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
DIRECTIONS = ("higher_is_worse", "lower_is_worse")
REFUSED, APART = OTHERS = ("refused", "apart")  #: what becomes of points of another provider
MOST_SIGNALS = 1_000
LEAST_INTERVAL, LONGEST_INTERVAL = 1.0, 1e8  #: seconds
MOST_MISSED = 1_000
SECOND_US = 1_000_000
#: What no later declaration may change.
LASTING = ("unit", "direction", "tolerance", "relative")


class SignalInvalid(ValueError):
    """A field of a declaration cannot be taken as it is."""

    def __init__(self, field: str, why: str) -> None:
        """Name the field, and say what is accepted."""
        super().__init__(f"{field}: {why}")
        self.field, self.why = field, why


class ExternalSignal(msgspec.Struct, frozen=True, kw_only=True):
    """One signal, as it was declared."""

    name: str
    unit: str = ""  #: empty: a bare number
    direction: str = DIRECTIONS[0]
    tolerance: float = 0.0  #: change for the worse that does not matter yet
    relative: bool = False  #: the tolerance is a share of the baseline, not an amount in the unit
    provider: str = ""  #: who measures it; empty: whoever names no provider
    others: str = REFUSED  #: points of other providers are refused, or kept apart as `name@provider`
    interval_seconds: float = 0.0  #: between two points; 0: not known
    silent_after: int = 0  #: intervals without a point after which silence is a finding; 0: never
    since_us: int = 0  #: when the silence could begin: that of its first declaration with such a limit
    withdrawn: bool = False  #: it is declared no longer

    @property
    def limit_us(self) -> int:
        """How long it may stay silent; 0: for ever."""
        return 0 if self.withdrawn else int(self.silent_after * self.interval_seconds * SECOND_US)

    def told(self) -> dict[str, Any]:
        """Give the declaration as it stands in an event."""
        return {name: getattr(self, name) for name in DECLARED}


#: The fields of a declaration; the others are folded.
DECLARED = tuple(name for name in ExternalSignal.__struct_fields__ if name not in ("since_us", "withdrawn"))


def check(signals: Iterable[ExternalSignal], where: str = "signals") -> None:
    """Refuse a list of declarations that cannot stand.

    Raises:
        SignalInvalid: A field is out of bounds, or a name stands twice.
    """
    seen: set[str] = set()
    for i, one in enumerate(signals):
        for field, wrong, accepted in _faults(one):
            if wrong:
                raise SignalInvalid(f"{where}[{i}].{field}", f"{getattr(one, field)!r} is not accepted; {accepted}")
        if one.name in seen:
            raise SignalInvalid(f"{where}[{i}].name", f"{one.name!r} stands twice; each name once is accepted")
        seen.add(one.name)
    if len(seen) > MOST_SIGNALS:
        raise SignalInvalid(where, f"{len(seen)} signals; at most {MOST_SIGNALS} are accepted")


def _faults(one: ExternalSignal) -> Iterable[tuple[str, bool, str]]:
    """Give each field with whether it is wrong, and what is accepted."""
    tolerable = math.isfinite(one.tolerance) and one.tolerance > 0
    paced = one.interval_seconds == 0 or LEAST_INTERVAL <= one.interval_seconds <= LONGEST_INTERVAL
    yield "name", not NAME.fullmatch(one.name), f"{NAME.pattern} is"
    yield "unit", bool(one.unit) and not _is_unit(one.unit), f"{ACCEPTED} is"
    yield "direction", one.direction not in DIRECTIONS, f"one of {', '.join(DIRECTIONS)} is"
    yield "tolerance", not tolerable, "a finite number above 0 is"
    yield "provider", bool(one.provider) and not PROVIDER.fullmatch(one.provider), f"{PROVIDER.pattern} or nothing is"
    yield "others", one.others not in OTHERS, f"one of {', '.join(OTHERS)} is"
    yield "interval_seconds", not paced, f"0, or {LEAST_INTERVAL:.0f} to {LONGEST_INTERVAL:.0f} is"
    yield "silent_after", not 0 <= one.silent_after <= MOST_MISSED, f"0 to {MOST_MISSED} is"
    lost = one.silent_after > 0 and one.interval_seconds == 0
    yield "silent_after", lost, "0 is where interval_seconds is 0: without an interval nothing is missed"


def _is_unit(unit: str) -> bool:
    try:
        read(unit)
    except UnitUnknown:
        return False
    return True


def changed(before: Mapping[str, ExternalSignal], after: Iterable[ExternalSignal]) -> str:
    """Say what of an earlier declaration *after* would change that must last; nothing: it may stand."""
    for one in after:
        old = before.get(one.name)
        for field in LASTING if old is not None else ():
            if not _lasts(field, getattr(old, field), getattr(one, field)):
                told = f"{one.name} has {field} {getattr(old, field)!r} for ever, not {getattr(one, field)!r}"
                return f"{told}; another name is accepted"
    return ""


def _lasts(field: str, old: object, new: object) -> bool:
    """Say whether points are kept and judged as before; a unit may be spelled otherwise."""
    return same(str(old), str(new)) if field == "unit" else old == new


def declared(
    before: Mapping[str, ExternalSignal], told: Iterable[Mapping[str, Any]], at_us: int
) -> dict[str, ExternalSignal]:
    """Fold a declaration made at *at_us*. What it does not name any more is withdrawn, and remembered."""
    now = {one["name"]: ExternalSignal(**one) for one in told}
    kept = {name: msgspec.structs.replace(old, withdrawn=True) for name, old in before.items() if name not in now}
    for name, one in now.items():
        old = before.get(name)
        waited = old is not None and old.limit_us > 0
        since_us = old.since_us if old is not None and waited else at_us
        kept[name] = msgspec.structs.replace(one, since_us=since_us)
    return dict(sorted(kept.items()))
