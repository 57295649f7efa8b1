"""The units that signals are measured in: a short list in the manner of UCUM, and quotients of two of them.

A number goes from one unit to another exactly: its shortest decimal form is scaled as a fraction, and rounded once.
"""

from __future__ import annotations

import re
from fractions import Fraction

NANO, MICRO, MILLI, PERCENT = (Fraction(1, 10**digits) for digits in (9, 6, 3, 2))

#: By unit: what it measures, and how much of that quantity's first unit it is.
SCALES: dict[str, tuple[str, Fraction]] = {
    "s": ("time", Fraction(1)), "ms": ("time", MILLI), "us": ("time", MICRO), "ns": ("time", NANO),
    "min": ("time", Fraction(60)), "h": ("time", Fraction(3_600)), "d": ("time", Fraction(86_400)),
    "1": ("ratio", Fraction(1)), "%": ("ratio", PERCENT),
    "By": ("bytes", Fraction(1)), "kBy": ("bytes", Fraction(10**3)), "MBy": ("bytes", Fraction(10**6)),
    "GBy": ("bytes", Fraction(10**9)), "KiBy": ("bytes", Fraction(2**10)), "MiBy": ("bytes", Fraction(2**20)),
    "GiBy": ("bytes", Fraction(2**30)), "bit": ("bytes", Fraction(1, 8)),
}  # fmt: skip
LONGEST = 63
#: What somebody counts, `{requests}`, and currencies, `EUR`: each measures itself alone.
OPAQUE = re.compile(r"\{[A-Za-z0-9_.-]{1,60}\}|[A-Z]{3}")
ACCEPTED = f"one of {', '.join(SCALES)}; {{what_is_counted}}; a currency such as EUR; or a quotient of two such as By/s"


class UnitUnknown(ValueError):
    """The unit is none that is known."""

    def __init__(self, unit: str) -> None:
        """Name it, and say what is accepted."""
        super().__init__(f"unit {unit[:LONGEST]!r} is not accepted; accepted is {ACCEPTED}")


class Incommensurable(ValueError):
    """The units measure different things."""

    def __init__(self, unit: str, wanted: str) -> None:
        """Name both."""
        super().__init__(f"what is in {unit!r} cannot be told in {wanted!r}: they measure different things")


def converted(value: float, unit: str, wanted: str) -> float:
    """Give a finite *value* in *unit* as one in *wanted*.

    >>> converted(12.5, "ms", "s"), converted(0.1, "%", "1"), converted(3.0, "By/ms", "kBy/s")
    (0.0125, 0.001, 3.0)

    Raises:
        UnitUnknown: One of the units is none.
        Incommensurable: They measure different things.
        OverflowError: The value has no place among the numbers of a computer in that unit.
    """
    if unit == wanted:
        return value
    (here, scale), (there, least) = read(unit), read(wanted)
    if here != there:
        raise Incommensurable(unit, wanted)
    return float(Fraction(repr(value)) * scale / least)


def read(unit: str) -> tuple[str, Fraction]:
    """Say what *unit* measures, and how much it is of the first unit of that.

    Raises:
        UnitUnknown: It is no unit.
    """
    above, slash, below = unit.partition("/")
    if len(unit) > LONGEST:
        raise UnitUnknown(unit)
    kind, scale = _part(above, unit)
    if not slash:
        return kind, scale
    under, share = _part(below, unit)
    return f"{kind}/{under}", scale / share


def _part(part: str, whole: str) -> tuple[str, Fraction]:
    if part in SCALES:
        return SCALES[part]
    if OPAQUE.fullmatch(part):
        return part, Fraction(1)
    raise UnitUnknown(whole)
