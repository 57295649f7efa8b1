"""The units that signals are measured in: a short list in the manner of UCUM, and quotients of two of them.

What stands in braces is an annotation, as in UCUM: it tells people what is counted or meant, and changes no number.
`{request}/s` is `1/s`, and `ms{p99}` is `ms`.

A number goes from one unit to another exactly: its shortest decimal form is scaled as a fraction, and rounded once.
"""

from __future__ import annotations

import re
from fractions import Fraction

NANO, MICRO, MILLI, PERCENT = (Fraction(1, 10**digits) for digits in (9, 6, 3, 2))

RATIO = "ratio"
#: By unit: what it measures, and how much of that quantity's first unit it is.
SCALES: dict[str, tuple[str, Fraction]] = {
    "s": ("time", Fraction(1)), "ms": ("time", MILLI), "us": ("time", MICRO), "ns": ("time", NANO),
    "min": ("time", Fraction(60)), "h": ("time", Fraction(3_600)), "d": ("time", Fraction(86_400)),
    "1": (RATIO, Fraction(1)), "%": (RATIO, PERCENT),
    "By": ("bytes", Fraction(1)), "kBy": ("bytes", Fraction(10**3)), "MBy": ("bytes", Fraction(10**6)),
    "GBy": ("bytes", Fraction(10**9)), "KiBy": ("bytes", Fraction(2**10)), "MiBy": ("bytes", Fraction(2**20)),
    "GiBy": ("bytes", Fraction(2**30)), "bit": ("bytes", Fraction(1, 8)),
}  # fmt: skip
LONGEST = 63
#: A unit and its annotation; either may stand alone.
ANNOTATED = re.compile(r"(?P<unit>[^{}]*)(?P<annotation>\{[A-Za-z0-9_.-]{1,60}\})?")
#: Currencies, `EUR`: each measures itself alone.
OPAQUE = re.compile(r"[A-Z]{3}")
ACCEPTED = (
    f"one of {', '.join(SCALES)}; a currency such as EUR; either with an {{annotation}}, which changes nothing and "
    "alone is 1; or a quotient of two such as By/s"
)


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
    >>> converted(7.0, "{request}/s", "1/min")
    420.0

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
    return kind if under == RATIO else f"{kind}/{under}", scale / share


def same(one: str, other: str) -> bool:
    """Say whether a number in either unit means the same; no unit is the same as no unit alone.

    >>> same("{requests}/s", "1/s"), same("ms", "s"), same("", "1")
    (True, False, False)

    Raises:
        UnitUnknown: One of them is no unit, and they are not spelled alike.
    """
    return one == other or bool(one and other and read(one) == read(other))


def _part(part: str, whole: str) -> tuple[str, Fraction]:
    found = ANNOTATED.fullmatch(part)
    if not part or found is None:
        raise UnitUnknown(whole)
    unit = found["unit"] or "1"
    if unit in SCALES:
        return SCALES[unit]
    if OPAQUE.fullmatch(unit):
        return unit, Fraction(1)
    raise UnitUnknown(whole)
