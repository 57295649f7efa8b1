"""Finds changes of unit: a feature whose values are, from some window on, a known conversion of what they were.

A window is summed up by its levels, sixteen values that cut its rows into equal parts. Where they leave the bands that
the windows of the reference kept to, and lie in the bands as one conversion moves them, that conversion is put under
suspicion, and only later windows speak about it, as with codes. The sixteen levels stand for sixteen rows, however many
there are, since rows of one window have much in common; how many of them may stray is learned from the window of the
reference that strayed most from all the others. A change that the world itself makes, by just such a factor, looks the
same, and a policy must ask for units to be looked for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from monitoring.drift.evidence import log_mean_exp
from monitoring.drift.streams import HOPELESS, Thresholds
from monitoring.drift.suspicions import Suspecting, Suspicion, unsuspecting
from monitoring.quality.facts import LEVELS, Facts

Levels = tuple[float, ...]

LEAST_FIT = LEVELS - 2  #: levels that lie where a conversion puts them
MOST_OWN = LEVELS // 2  #: levels that lie where they always lay, beyond which nothing has changed its unit
#: How much wider than in the reference a band is, on either side: for what may have stayed where it was, since few
#: windows show less than many do; and for what a conversion explains, which is asked for more.
STAYED, EXPLAINED = 0.5, 0.1
CLOSE = 1e-9  #: of a value: what rounding makes of a conversion
MOST_EXPONENT = 300.0  #: beyond which no value is told from another
LEAST_WINDOWS = 5  #: of a reference, below which its bands tell little


@dataclass(frozen=True, slots=True)
class Conversion:
    """A conversion that keeps the order of values, given by the way back, and by the way there where bands lie."""

    name: str
    there: Callable[[float], float]
    back: Callable[[float], float]


def _affine(name: str, factor: float, shift: float = 0.0) -> Conversion:
    return Conversion(name, lambda value: value * factor + shift, lambda value: (value - shift) / factor)


def _log(value: float) -> float:
    return math.log(value) if value > 0 else math.nan


def _exp(value: float) -> float:
    return math.exp(value) if value < MOST_EXPONENT else math.inf


_FACTORS = (10.0, 100.0, 1_000.0, 1e6, 24.0, 60.0, 3_600.0)
#: In a fixed order: evidence names them by their place. Another list is another judge.
CONVERSIONS: tuple[Conversion, ...] = (
    *(_affine(f"times {factor:,g}", factor) for factor in _FACTORS),
    *(_affine(f"divided by {factor:,g}", 1 / factor) for factor in _FACTORS),
    _affine("degrees Celsius to Fahrenheit", 1.8, 32.0),
    _affine("degrees Fahrenheit to Celsius", 1 / 1.8, -32 / 1.8),
    _affine("degrees Celsius to kelvins", 1.0, 273.15),
    _affine("kelvins to degrees Celsius", 1.0, -273.15),
    _affine("metres to feet, times 3.28084", 1 / 0.3048),
    _affine("feet to metres, times 0.3048", 0.3048),
    _affine("kilometres to miles, times 0.621371", 1 / 1.609344),
    _affine("miles to kilometres, times 1.60934", 1.609344),
    _affine("kilograms to pounds, times 2.20462", 1 / 0.45359237),
    _affine("pounds to kilograms, times 0.453592", 0.45359237),
    _affine("inches to centimetres, times 2.54", 2.54),
    _affine("centimetres to inches, times 0.393701", 1 / 2.54),
    _affine("metres a second to kilometres an hour, times 3.6", 3.6),
    _affine("kilometres an hour to metres a second, divided by 3.6", 1 / 3.6),
    Conversion("the natural logarithm", _log, _exp),
    Conversion(
        "the logarithm to base 10", lambda value: _log(value) / math.log(10), lambda value: _exp(value * math.log(10))
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bands:
    """Where each level of one feature lay in the windows of the reference, and the share of levels that may stray.

    `spread` is how far apart the second level and the last but one lay, least and most: a world that moves keeps its
    spread, and what is converted does not. `stray` is 1, and nothing is judged, where too few windows had levels.
    """

    low: Levels
    high: Levels
    spread: tuple[float, float]
    stray: float

    def tolerated(self, policy: Thresholds) -> float:
        """Return the share of levels that may lie elsewhere."""
        return max(policy.extra_ratio * self.stray, self.stray + policy.extra_share)

    def within(self, levels: Levels, wider: float) -> list[bool]:
        """Say of each level whether it lies where it always did, in a band that is *wider* by this share."""
        return [_near(one, low, high, wider) for one, low, high in zip(levels, self.low, self.high, strict=True)]

    def explains(self, before: Levels) -> bool:
        """Say whether levels that were converted back are like those of the reference, in place and in spread."""
        placed = sum(self.within(before, EXPLAINED)) >= LEAST_FIT
        return placed and _near(_spread(before), *self.spread, EXPLAINED)

    def tells(self, conversion: Conversion) -> bool:
        """Say whether the conversion moves nearly every level out of its band: else it looks like any other change.

        That nothing is said of other conversions is the price of bands that a world which wanders makes wide.
        """
        pairs = zip(self.low, self.high, strict=True)
        return sum(conversion.there(low) > high or conversion.there(high) < low for low, high in pairs) >= LEAST_FIT

    def misfit(self, levels: Levels) -> float:
        """Return how far *levels* lie from the middles of their bands, all in all."""
        middles = ((low + high) / 2 for low, high in zip(self.low, self.high, strict=True))
        return math.fsum(abs(one - middle) for one, middle in zip(levels, middles, strict=True))

    def to_json(self) -> dict[str, Any]:
        """Return plain values, for canonical bytes."""
        return {
            "low": list(self.low),
            "high": list(self.high),
            "spread": list(self.spread),
            "stray": self.stray,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Undo `to_json`."""
        low, high = tuple(map(float, data["low"])), tuple(map(float, data["high"]))
        least, most = map(float, data["spread"])
        return cls(low=low, high=high, spread=(least, most), stray=float(data["stray"]))


def _near(one: float, low: float, high: float, wider: float) -> bool:
    more = wider * (high - low) + CLOSE * max(abs(low), abs(high))
    return low - more <= one <= high + more


def _spread(levels: Levels) -> float:
    return levels[-2] - levels[1]


def learn_bands(seen: Sequence[Levels]) -> Bands:
    """Learn the bands of one feature from the levels of the reference's windows."""
    known = [levels for levels in seen if levels]
    if len(known) < LEAST_WINDOWS:
        return Bands(low=(), high=(), spread=(0.0, 0.0), stray=1.0)
    others = (
        _bands([*known[:i], *known[i + 1 :]]).within(levels, STAYED).count(False) for i, levels in enumerate(known)
    )
    return replace(_bands(known), stray=max(others) / LEVELS)


def _bands(known: Sequence[Levels]) -> Bands:
    each = list(zip(*known, strict=True))
    spreads = [_spread(levels) for levels in known]
    return Bands(low=tuple(map(min, each)), high=tuple(map(max, each)), spread=(min(spreads), max(spreads)), stray=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Converted:
    """A finding: which conversion of which feature, in which share of the levels, since when, evidence in nats."""

    feature: int
    conversion: Conversion
    share: float
    tolerated: float
    log_evidence: float
    onset_row: int  #: the first row of the window that raised suspicion


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitWatch(Suspecting):
    """The state of a watch; `observe` returns its next self. The value of a suspicion is the place of a conversion."""

    bands: tuple[Bands, ...]

    @classmethod
    def start(cls, bands: tuple[Bands, ...], policy: Thresholds, beside: int = 0) -> Self:
        """Return the watch that has seen nothing; its features share the threshold with *beside* other streams."""
        return cls(bands=bands, **unsuspecting(len(bands), policy, beside))

    def observe(self, start_row: int, window: Facts) -> tuple[UnitWatch, tuple[Converted, ...]]:
        """Take the facts of the window of rows that begins at *start_row*; without levels they tell nothing."""
        kept, found = list(self.suspicions), []
        for k, (one, levels) in enumerate(zip(self.suspicions, window.levels, strict=True)):
            if not levels:
                continue
            moved = one.after(self._converted(k, one, levels), LEVELS, self.cap) if one else None
            found += self._finding(k, moved, levels) if moved else []
            kept[k] = moved if moved and max(moved.sums) > 0 else self._suspect(k, start_row, levels)
        return replace(self, suspicions=tuple(kept)), tuple(found)

    def _converted(self, k: int, one: Suspicion, levels: Levels) -> int:
        """Count the levels that are not where they were, but were before the conversion."""
        own, before = self.bands[k].within(levels, STAYED), self.bands[k].within(_back(one, levels), EXPLAINED)
        return sum(new and not old for new, old in zip(before, own, strict=True))

    def _suspect(self, k: int, start_row: int, levels: Levels) -> Suspicion | None:
        bands = self.bands[k]
        rate = bands.tolerated(self.policy)
        if rate >= HOPELESS or sum(bands.within(levels, STAYED)) > MOST_OWN:
            return None
        each = [Suspicion(value=float(i), tolerated=rate, since=start_row) for i in range(len(CONVERSIONS))]
        fits = [
            (bands.misfit(before), one.value, one)
            for one, before in ((one, _back(one, levels)) for one in each)
            if bands.explains(before) and bands.tells(CONVERSIONS[int(one.value)])
        ]
        return min(fits)[2] if fits else None

    def _finding(self, k: int, one: Suspicion, levels: Levels) -> list[Converted]:
        count, log_e = self._converted(k, one, levels), log_mean_exp(one.sums)
        if log_e < self.threshold or not self.bands[k].explains(_back(one, levels)):
            return []
        return [
            Converted(
                feature=k, conversion=CONVERSIONS[int(one.value)], share=round(count / LEVELS, 6),
                tolerated=round(one.tolerated, 6), log_evidence=log_e, onset_row=one.since,
            )
        ]  # fmt: skip


def _back(one: Suspicion, levels: Levels) -> Levels:
    return tuple(map(CONVERSIONS[int(one.value)].back, levels))
