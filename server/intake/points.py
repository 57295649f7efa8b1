"""Points of series, reconciled by name, unit and time with what a model has declared and has heard before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from server.errors import Invalid
from server.intake.checks import FUTURE_US
from server.requests import MetricsBatch, Point
from statemachine.externals import APART, DIRECTIONS, ExternalSignal
from statemachine.units import Incommensurable, UnitUnknown, converted, same

REMEMBERED = 1_000  #: points of a series among which a repeated one is known again
MOST_SERIES = 1_000
BARE = "1"  #: the unit of a bare number, as OpenTelemetry's metrics say it

_FUTURE = "lies in the future; up to five minutes ahead of the server is accepted"

Kept = dict[str, Any]  #: a point as the feed has it


@dataclass(slots=True)
class Heard:
    """What a series has told so far, as far as the next point must be held against it."""

    direction: str
    tolerance: float
    relative: bool
    values: dict[int, float] = field(default_factory=dict)  #: the latest, by time, in order of time

    def take(self, point: Kept) -> None:
        """Remember a point that was accepted."""
        self.values[int(point["time_us"])] = point["value"]
        if len(self.values) > REMEMBERED:
            del self.values[next(iter(self.values))]

    @property
    def reached_us(self) -> int:
        """The time of the newest point."""
        return next(reversed(self.values), -1)


def heard(series: dict[str, Heard], point: Kept) -> None:
    """Remember *point* among all that was heard."""
    known = series.get(point["name"])
    if known is None:
        known = series[point["name"]] = Heard(direction_of(point), point["tolerance"], point.get("relative", True))
    known.take(point)


def direction_of(point: Kept) -> str:
    """Say in which direction the series of a point gets worse."""
    return DIRECTIONS[not point["higher_is_worse"]]


def reconciled(
    batch: MetricsBatch, signals: Mapping[str, ExternalSignal], series: Mapping[str, Heard], limit_us: int | None
) -> list[Kept]:
    """Give the points of *batch* that are new, in order of time, each in its series' own name and unit.

    Raises:
        Invalid: One of them cannot be taken as it is; the first that cannot is named.
    """
    kept: list[tuple[int, Kept]] = []
    for i, point in enumerate(batch.points):
        if limit_us is not None and point.time_us > limit_us + FUTURE_US:
            raise Invalid(f"points[{i}].time_us", _FUTURE)
        signal = signals.get(point.name)
        made = _undeclared(i, point, batch) if signal is None else _declared(i, point, batch, signal)
        kept.append((i, made))
    kept.sort(key=lambda each: each[1]["time_us"])
    return _fresh(kept, series)


def _undeclared(i: int, point: Point, batch: MetricsBatch) -> Kept:
    """Take a point at its own word for direction and tolerance, which is a share of the baseline."""
    for name, told in (("unit", point.unit), ("provider", batch.provider)):
        if told:
            where = f"points[{i}].unit" if name == "unit" else name
            raise Invalid(
                where, f"{told!r}, but {point.name!r} is not declared; a declared signal, or none, is accepted"
            )
    if point.higher_is_worse is None:
        raise Invalid(f"points[{i}].direction", f"is not given, and {point.name!r} is not declared; one is needed")
    if point.tolerance is None:
        raise Invalid(
            f"points[{i}].tolerance", f"is not given, and {point.name!r} is not declared; one above 0 is needed"
        )
    return point.to_json()


def _declared(i: int, point: Point, batch: MetricsBatch, signal: ExternalSignal) -> Kept:
    if signal.withdrawn:
        raise Invalid(f"points[{i}].name", f"{point.name!r} was withdrawn; a signal that is declared is accepted")
    worse = signal.direction == DIRECTIONS[0]
    if point.higher_is_worse not in (None, worse):
        raise Invalid(f"points[{i}].direction", f"{point.name!r} is declared as {signal.direction}; that, or none, is")
    if point.tolerance not in (None, signal.tolerance):
        told = f"{point.tolerance} is not {signal.tolerance}, as {point.name!r} is declared; that, or none, is accepted"
        raise Invalid(f"points[{i}].tolerance", told)
    made: Kept = {
        "name": _series(batch.provider, signal), "time_us": point.time_us, "value": _value(i, point, signal),
        "higher_is_worse": worse, "tolerance": signal.tolerance, "relative": signal.relative,
    }  # fmt: skip
    if point.unit not in ("", signal.unit):
        made["sent"] = {"value": point.value, "unit": point.unit}
    return made


def _series(provider: str, signal: ExternalSignal) -> str:
    """Name the series of a point: the signal for its own provider, one apart for others where that is declared."""
    if provider == signal.provider:
        return signal.name
    if signal.others == APART:
        return f"{signal.name}@{provider}"
    who = repr(signal.provider) if signal.provider else "whoever names no provider"
    raise Invalid("provider", f"{provider!r} does not measure {signal.name!r}; {who} does, and is accepted")


def _value(i: int, point: Point, signal: ExternalSignal) -> float:
    """Give the value in the declared unit. A point that names none is in it."""
    if not point.unit:
        return point.value
    if not signal.unit:
        if _is_bare(point.unit):
            return point.value
        told = f"{point.unit!r}, but {signal.name!r} is declared as a bare number; no unit, or {BARE!r}, is accepted"
        raise Invalid(f"points[{i}].unit", told)
    try:
        return converted(point.value, point.unit, signal.unit)
    except (UnitUnknown, Incommensurable, OverflowError) as error:
        raise Invalid(f"points[{i}].unit", f"{signal.name!r} is declared in {signal.unit!r}: {error}") from error


def _is_bare(unit: str) -> bool:
    try:
        return same(unit, BARE)
    except UnitUnknown:
        return False


def _fresh(kept: list[tuple[int, Kept]], series: Mapping[str, Heard]) -> list[Kept]:
    """Leave out points that were heard before; refuse what comes too late, or says otherwise."""
    here: dict[str, dict[int, float]] = {}
    fresh: list[Kept] = []
    for i, point in kept:
        name, time_us = point["name"], point["time_us"]
        known, mine = series.get(name), here.setdefault(name, {})
        if known is not None:
            _same_series(i, point, known)
        before = mine.get(time_us, known.values.get(time_us) if known else None)
        if before is not None:
            if before != point["value"]:
                told = f"{name!r} was {before!r} at {time_us}, not {point['value']!r}; a point does not change"
                raise Invalid(f"points[{i}].value", told)
            continue
        if known is not None and time_us < known.reached_us:
            told = f"{time_us} comes too late: series {name!r} has reached {known.reached_us}; a later time is accepted"
            raise Invalid(f"points[{i}].time_us", told)
        mine[time_us] = point["value"]
        fresh.append(point)
    return fresh


def _same_series(i: int, point: Kept, known: Heard) -> None:
    """Refuse a point that would be judged otherwise than the series that it belongs to."""
    if direction_of(point) != known.direction:
        told = f"differs from that of earlier points of {point['name']!r}; {known.direction} is accepted"
        raise Invalid(f"points[{i}].direction", told)
