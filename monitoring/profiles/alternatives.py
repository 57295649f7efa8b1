"""The dictionary of alternatives: ways in which a feature's distribution may change, as integer tables.

The log-likelihood ratio of all rows of a window depends on their counts only, so nothing is lost by binning. Tilts and
contaminations of the reference. How the indifference zone is kept depends on the rule: the first one takes an offset
off the ratio, the second one cuts it (`zone.py`) and takes off what the reference's own error asks for, the third one
does the same on few levels, so that a table is a byte a slot. Evidence is derived by the rule that it was judged by.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import mul
from statistics import NormalDist

import numpy as np

from monitoring.profiles.reference import (
    FAR_OVER,
    FAR_UNDER,
    FIRST_BIN,
    MISSING,
    NEW,
    OVER,
    UNDER,
    Feature,
    Floats,
    Ints,
)
from monitoring.profiles.zone import all_ratios, highest_means

NATS = 1 << 20  #: Evidence is kept in units of 2^-20 nats, so that sums are integers.
TOP_CATEGORIES = 8
#: The first rule keeps an alternative only if the reference is large enough that its own sampling error (3.5 standard
#: errors) cannot pass for that alternative.
ERRORS = 3.5
#: A reference is off by a few of its standard errors in some direction. Up to ASTRAY of them, evidence keeps FORCE of
#: its force: that power of it is an e-value still. Of 50 directions, one is off so far in one reference of four.
ASTRAY, FORCE = 2.5, 0.64
LEVELS = 127  #: The third rule tells a slot so many steps up or down from the middle of an alternative, at most.
WORTH = 0.5  #: An alternative that loses more than this part of its growth to that is left out.
#: Rows of a reference that a share may stand for and yet not be seen there: what is rarer is tolerated at any rate.
#: A value beyond all of N is as likely as 5 / N in one reference of 150.
RARE = 5

Shares = list[float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spacing:
    """How far apart alternatives of one kind stand, and what each weighs."""

    locations: Mapping[float, int]  #: standard deviations
    scales: Mapping[float, int]
    mixes: Mapping[float, int]  #: shares that come in addition
    fading: Mapping[float, int]  #: what is left of a share, of 1

    def weight(self, name: str) -> int:
        """Return what an alternative weighs, by its name."""
        first, step = name.split(" ", maxsplit=1)[0], name.rsplit(" ", maxsplit=1)[-1]
        if first == "shift":
            return self.locations[abs(float(step))]
        if first == "scale":
            return next(weight for scale, weight in self.scales.items() if f"{scale:.2f}" == step)
        if step.startswith("x"):
            return self.fading[float(step[1:])]
        return self.mixes[float(step)] if step.startswith("+") else 1


FIRST = Spacing(
    locations=dict.fromkeys((0.1, 0.25, 0.5, 1.0, 2.0), 1), scales=dict.fromkeys((1.3, 2.0, 1 / 1.3, 0.5), 1),
    mixes=dict.fromkeys((0.02, 0.2), 1), fading={},
)  # fmt: skip
#: One step of each kind of the first, in their order: scores of one kind are in proportion.
SINGLE = Spacing(locations={0.1: 1}, scales={1.3: 1}, mixes={0.02: 1}, fading={})
#: Shifts are the commonest change, and detectors of single values look for nothing else. A small change takes many rows
#: to show, and each nat of weight more of them; a large one shows in a few rows whatever it weighs. On sixty simulated
#: references, at equal run length, such weights showed shifts, scales and missing values a twentieth sooner than when
#: all steps of a kind weighed the same and a shift sixteen times the others.
FINER = Spacing(
    locations={0.1: 120, 0.2: 120, 0.4: 30, 0.8: 6, 1.6: 2},
    scales={1.1: 4, 1.3: 2, 2.0: 1, 1 / 1.1: 4, 1 / 1.3: 2, 0.5: 1},
    mixes={0.01: 2, 0.02: 4, 0.07: 2, 0.2: 1}, fading={0.25: 2},
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Alternative:
    """A way to change, `log(q / p)` for each slot, and the tolerated mean of it in nats a row."""

    name: str
    ratios: tuple[float, ...]
    offset: float


def shares(feature: Feature) -> Shares:
    """Return the reference probability of each slot, each count raised by a half so that none is 0."""
    total = sum(feature.counts) + 0.5 * feature.slots
    return [(count + 0.5) / total for count in feature.counts]


def ladder(feature: Feature, steps: Spacing = FIRST, law: Shares | None = None) -> list[tuple[str, Shares]]:
    """Return every alternative of *feature*, its name and the probability of each slot: changes of *law*, if given."""
    p, mixes = law or shares(feature), _mixes(feature).values()
    if feature.kind == "categorical":
        tilts = [_normed([math.sqrt(x) for x in p]), _normed([x * x for x in p])]
    else:
        tilts = _tilts(feature, p, steps)
    mixed = [_mixed(p, slots, w) for slots in mixes for w in steps.mixes]
    faded = [_faded(p, slots, left) for slots in mixes for left in steps.fading]
    return list(zip(names(feature, steps), tilts + mixed + faded, strict=True))


def names(feature: Feature, steps: Spacing = FIRST) -> list[str]:
    """Return the names of the alternatives of `ladder`, which take no law to tell."""
    tilts, mixes = ["flatter", "sharper"], _mixes(feature)
    if feature.kind != "categorical":
        tilts = [f"shift {d * s:+}" for d in steps.locations for s in (1, -1)] if _tilting(feature) else []
        tilts += [f"scale {s:.2f}" for s in steps.scales] if _tilting(feature) else []
    mixed = [f"{name} +{w}" for name in mixes for w in steps.mixes]
    return tilts + mixed + [f"{name} x{left}" for name in mixes for left in steps.fading]


def _mixes(feature: Feature) -> dict[str, list[int]]:
    """Return the slots of what may come in addition, by name."""
    if feature.kind != "categorical":
        return {"missing": [MISSING], "below": [FAR_UNDER, UNDER], "above": [OVER, FAR_OVER]}
    ranked = sorted(range(FIRST_BIN, feature.slots), key=lambda slot: (-feature.counts[slot], slot))
    most = {f"category {slot - FIRST_BIN}": [slot] for slot in ranked[:TOP_CATEGORIES]}
    return {"missing": [MISSING], "new": [NEW], **most}


def kind(name: str) -> str:
    """Return an alternative's name without its step, which is its last word."""
    words = name.split(" ")
    return name if len(words) == 1 else " ".join(words[:-1])


def _tilting(feature: Feature) -> bool:
    return feature.slots > FIRST_BIN + 1


def _tilts(feature: Feature, p: Shares, steps: Spacing) -> list[Shares]:
    """Location and scale, on the normal scores of the ordered slots; missing and the like keep their share."""
    if not _tilting(feature):
        return []
    order = [FAR_UNDER, UNDER, *range(FIRST_BIN, feature.slots), OVER, FAR_OVER]
    total, below, z, normal = math.fsum(p[slot] for slot in order), 0.0, list[float](), NormalDist()
    for slot in order:
        z.append(normal.inv_cdf((below + p[slot] / 2) / total))
        below += p[slot]
    scores, squares = np.array(z), np.array([x**2 for x in z])
    moves = [d * s * scores for d in steps.locations for s in (1, -1)]
    moves += [squares * (1 - s**-2) / 2 for s in steps.scales]
    return [_tilted(p, order, by, total) for by in moves]


def _tilted(p: Shares, order: list[int], by: Floats, total: float) -> Shares:
    found = np.array(p)
    raised = found[order] * np.array(list(map(math.exp, np.minimum(by, 30.0).tolist())))
    found[order] = raised * (total / math.fsum(raised.tolist()))
    return list(found.tolist())


def _mixed(p: Shares, slots: list[int], weight: float) -> Shares:
    mass = math.fsum(p[slot] for slot in slots)
    return [(1 - weight) * x + (weight * x / mass if slot in slots else 0.0) for slot, x in enumerate(p)]


def _faded(p: Shares, slots: list[int], left: float) -> Shares:
    mass = math.fsum(p[slot] for slot in slots)
    others = (1 - left * mass) / (1 - mass)
    return [x * (left if slot in slots else others) for slot, x in enumerate(p)]


def _normed(p: Shares) -> Shares:
    total = math.fsum(p)
    return [x / total for x in p]


def alternative(name: str, p: Shares, q: Shares, tolerance: float) -> Alternative:
    """Return the log ratios of *q* to *p*, and the log of the most that E[q/p] is within *tolerance* of *p*.

    The supremum over a total-variation ball moves mass from where q/p is least to where it is most.
    """
    ratio = [b / a for a, b in zip(p, q, strict=True)]
    left, gain, top = tolerance, 0.0, max(ratio)
    for slot in sorted(range(len(p)), key=lambda k: (ratio[k], k)):
        moved = min(left, p[slot])
        gain += moved * (top - ratio[slot])
        left -= moved
    return Alternative(name, tuple(map(math.log, ratio)), math.log1p(gain))


def kept(feature: Feature, tolerance: float, rule: int) -> list[tuple[Alternative, float]]:
    """Return the alternatives that this reference can tell from itself, each with its dispersion."""
    return list(RULES[rule](feature, tolerance))


def _by_offset(feature: Feature, tolerance: float) -> Iterator[tuple[Alternative, float]]:
    p, rows = shares(feature), max(sum(feature.counts), 1)
    for (name, q), spread in zip(ladder(feature), feature.dispersion, strict=True):
        each = alternative(name, p, q, tolerance)
        mean, variance = _moments(p, each.ratios)
        if ERRORS * math.sqrt(variance * spread / rows) <= each.offset - mean:
            yield each, spread


def _by_cuts(feature: Feature, tolerance: float) -> Iterator[tuple[Alternative, float]]:
    """Steps of one kind have scores in proportion, so the spread that was measured of one is that of all."""
    p, rows, spreads = shares(feature), max(sum(feature.counts), 1), dict[str, float]()
    for name, spread in zip(names(feature), feature.dispersion, strict=True):
        spreads[kind(name)] = max(spreads.get(kind(name), 1.0), spread)
    steps = ladder(feature, FINER)
    cuts = all_ratios(p, [q for _, q in steps], max(tolerance, RARE / (RARE + rows)))
    for (name, q), found in zip(steps, cuts, strict=True):
        if found is not None:
            spread, logs = spreads[kind(name)], tuple(map(math.log, found))
            offset = astray(p, found, rows / spread)
            if offset <= WORTH * math.fsum(map(mul, q, logs)):
                yield Alternative(name, logs, offset), spread


def _by_levels(feature: Feature, tolerance: float) -> Iterator[tuple[Alternative, float]]:
    """Tell each slot the level next to what the second rule tells it; levels of an alternative are equally far apart.

    Ratios are of mean 1 again under the law of the zone where that is highest, whatever rounding did; what is given up
    for the reference's error is found anew, and steps and offsets are of whole units of evidence.
    """
    p, rows, found = shares(feature), max(sum(feature.counts), 1), list(_by_cuts(feature, tolerance))
    ratios = np.array([each.ratios for each, _ in found]).reshape(len(found), feature.slots)
    units = np.array([[spread / NATS] for _, spread in found]).reshape(-1, 1)
    low, high = (end(axis=1, keepdims=True) for end in (ratios.min, ratios.max))
    steps = np.ceil((high - low) / units / (2 * LEVELS)) * units
    logs = steps * np.rint((ratios - (low + high) / 2) / steps)
    raised = np.array(list(map(math.exp, logs.ravel().tolist()))).reshape(logs.shape)
    highest = highest_means(p, raised, max(tolerance, RARE / (RARE + rows)))
    even, overs = (raised / highest).tolist(), map(math.log, highest[:, 0].tolist())
    for (each, spread), line, ratio, over in zip(found, logs.tolist(), even, overs, strict=True):
        given = astray(p, ratio, rows / spread)
        offset = math.ceil((over + given) / spread * NATS) / NATS * spread - over
        yield Alternative(each.name, tuple(one - over for one in line), offset), spread


def astray(p: Shares, found: Sequence[float], rows: float) -> float:
    """Return what evidence of the ratios *found* must give up a row, so that its power FORCE has mean at most 1.

    Under each law whose chi-square distance from *p*, learned from *rows* independent rows, is at most ASTRAY^2 / rows:
    there a mean is off by at most ASTRAY of its standard errors (Cauchy and Schwarz).
    """
    mean, variance = _moments(p, [each**FORCE for each in found])
    return max(0.0, math.log(mean + ASTRAY * math.sqrt(variance / rows)) / FORCE)


def _moments(p: Shares, values: Sequence[float]) -> tuple[float, float]:
    mean = math.fsum(map(mul, p, values))
    return mean, math.fsum([x * (value - mean) ** 2 for x, value in zip(p, values, strict=True)])


#: How alternatives become ratios; what was judged by one rule is derived by it again.
RULES = {1: _by_offset, 2: _by_cuts, 3: _by_levels}
_STEPS = {1: FIRST, 2: FINER, 3: FINER}
RULE = 3  #: the one in use


def priors(names: Sequence[str], rule: int) -> list[int]:
    """Return what each alternative of a feature weighs, as the log of its share of their number, in `NATS`.

    With it the mean of e-values is a weighted one, which is an e-value too. Rounded down, so that no weight is added.
    """
    weights = [_STEPS[rule].weight(name) for name in names]
    return [math.floor(math.log(weight * len(weights) / sum(weights)) * NATS) for weight in weights]


def evened_out(numbers: Sequence[int], rule: int) -> list[int]:
    """Return what makes every feature weigh the same, whatever the *numbers* of their alternatives, as `priors` does.

    The first rule lets features weigh what they have alternatives.

    >>> [round(each / NATS, 2) for each in evened_out([10, 30, 0], rule=2)]
    [0.69, -0.41, 0.0]
    """
    present = sum(number > 0 for number in numbers)
    even = [math.log(sum(numbers) / (present * number)) if number and rule > 1 else 0.0 for number in numbers]
    return [math.floor(each * NATS) for each in even]


def quantised(each: Alternative, spread: float) -> list[int]:
    """Return evidence per row for each slot, in `NATS`, the offset taken off and tempered by the dispersion.

    A power below 1 of a likelihood ratio still has mean at most 1, and is right for dependent rows whose sums vary
    *spread* times as much.
    """
    found = np.rint((np.array(each.ratios) - each.offset) / spread * NATS)
    return list(found.astype(np.int64).tolist())


def stacked(tables: list[list[int]], slots: int) -> Ints:
    """Return *tables* as one (alternatives, slots) array."""
    return np.array(tables, dtype=np.int64).reshape(-1, slots)
