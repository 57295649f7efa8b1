"""Together: whether rows of each label look other than they did of late, by all features and all labels at once.

A law to hold rows against must be learned from many of them, and a world that moves again meanwhile is not seen. What
can be asked without one is whether rows of late look like those before, as `performance.shifts` asks of a loss. One
feature in rows of one label shows little in the few rows between two changes; where many move by a little, all of them
together show it. For that they must not say the same thing twice, so each feature counts by what those before it do not
tell: the axes of a group, learned from its rows of the reference.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from measures.sums import MOST_NATS
from monitoring.profiles.reference import (
    FAR_OVER,
    FAR_UNDER,
    FIRST_BIN,
    INVALID,
    MISSING,
    NEW,
    OVER,
    UNDER,
    Feature,
    Floats,
    Ints,
)
from statemachine.policies.policy import Policy

One = TypeVar("One")

RANKS = 1 << 12  #: scores are ranks in the reference, from 0 to this
TURN, FINE = 26, 12  #: bits behind the point: of what turns scores into axes, and of a value on an axis
COARSE, FAR = 6, 16  #: bits behind the point, and the most, of a value whose fourth power is taken
MOST_AXES = 32
ROWS_PER_AXIS = 8  #: rows of the reference that a group has for each of its axes, at least
LEAST_SPREAD = 4096.0  #: variance of scores; what varies less is a constant, but for what is rarely other
LEAST_OWN = 0.02  #: share of a feature's variance that those before it do not tell; with less it has no axis
MOST_FOURTH = 6.0  #: mean of the fourth power of values on an axis, of a normal law 3; one value in eight has 6
LEAST_ROWS = 5  #: of a group on each side of a place
DESIGN_WINDOWS = 4  #: where many axes are asked at once, each may have moved by little
MOST_WINDOWS = 20  #: that a change may have begun back
MOST_NAMED = 3


@dataclass(frozen=True, slots=True, eq=False)
class Axes:
    """What the features of a group say one behind the other: each by what those before it do not tell."""

    features: tuple[int, ...]  #: by which each axis is named
    mean: Ints  #: (all features,) of scores
    turn: Ints  #: (all features, axes), with `TURN` bits behind the point

    def values(self, scored: Ints) -> Ints:
        """Give rows of scores (n, all features) on the axes, (n, axes), of variance 1, with `FINE` bits."""
        return np.asarray(((scored - self.mean) @ self.turn) >> (TURN - FINE), dtype=np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """Since when rows look other than before, and which features of which groups show it best."""

    log_evidence: float  #: nats; of the e-detector, so its exponential is compared with a run length
    onset_row: int
    shown: tuple[tuple[str, str], ...]  #: features and their groups, the loudest first
    told: bool


def scores(feature: Feature) -> Ints:
    """Give the score of each slot: the middle rank of its rows in the reference; what is no value is in the middle.

    Ranks are bounded, so that no tail and no unit counts for more than it is.
    """
    counts, bins = np.array(feature.counts, dtype=np.int64), range(FIRST_BIN, feature.slots)
    order = [FAR_UNDER, UNDER, *bins, OVER, FAR_OVER]
    ranked = counts[order]
    found = np.full(feature.slots, RANKS // 2, dtype=np.int64)
    if ranked.sum():
        found[order] = RANKS * (2 * np.cumsum(ranked) - ranked) // (2 * int(ranked.sum()))
    found[[MISSING, INVALID, NEW]] = RANKS // 2
    return found


def axes(scored: Ints) -> Axes:
    """Learn the axes of a group from the scores (n, features) of its rows of the reference.

    Gram and Schmidt's, in the order of the features, with sums of integers, so that they have the same bits anywhere.
    """
    rows, mean = len(scored), scored.sum(axis=0) // max(len(scored), 1)
    centred = scored - mean
    shared = (centred.T @ centred).tolist()
    features, found = list[int](), list[list[float]]()
    for j, row in enumerate(shared):
        if len(found) == min(MOST_AXES, rows // ROWS_PER_AXIS):
            break
        told = [math.fsum(x * y for x, y in zip(row, axis, strict=True)) / rows for axis in found]
        whole = row[j] / rows
        own = whole - math.fsum(one * one for one in told)
        if whole >= LEAST_SPREAD and own >= LEAST_OWN * whole:
            found.append(_axis(j, told, found, math.sqrt(own), len(shared)))
            features.append(j)
    turn = np.array([[round(x * (1 << TURN)) for x in axis] for axis in found], dtype=np.int64)
    made = Axes(tuple(features), mean, turn.reshape(-1, len(shared)).T)
    return _plain(made, made.values(scored))


def _axis(feature: int, told: list[float], before: list[list[float]], size: float, features: int) -> list[float]:
    """Give the weights of a feature's own part, less what the axes before it tell of it."""
    less = [math.fsum(part * axis[i] for part, axis in zip(told, before, strict=True)) for i in range(features)]
    return [((i == feature) - less[i]) / size for i in range(features)]


def _plain(made: Axes, values: Ints) -> Axes:
    """Leave out axes with a tail: sums of few of their values are far from normal, as of what is rarely other."""
    coarse = np.minimum(np.abs(values) >> (FINE - COARSE), FAR << COARSE)
    most = MOST_FOURTH * len(values) * (1 << 4 * COARSE)
    kept = [k for k, fourth in enumerate((coarse**4).sum(axis=0).tolist()) if fourth <= most]
    return Axes(tuple(made.features[k] for k in kept), made.mean, made.turn[:, kept])


def dispersions(parts: Sequence[tuple[Axes, Ints, Ints]]) -> list[tuple[float, ...]]:
    """Say of each axis by how much sums over windows vary more than those of independent rows would; 1 or more.

    Of each group there are its axes, its values on them, and their windows. What moves all groups at once must not
    count as often as there are groups: so all values on axes of one feature are held against each other as well.
    """
    every = {feature for one, _, _ in parts for feature in one.features}
    together = {
        feature: _dispersion(*(np.concatenate(some) for some in zip(*_of_feature(parts, feature), strict=True)))
        for feature in sorted(every)
    }
    return [
        tuple(
            max(_dispersion(column, windows), together[feature], 1.0)
            for feature, column in zip(one.features, values.T, strict=True)
        )
        for one, values, windows in parts
    ]


def _of_feature(parts: Sequence[tuple[Axes, Ints, Ints]], feature: int) -> list[tuple[Ints, Ints]]:
    return [
        (values[:, one.features.index(feature)], windows) for one, values, windows in parts if feature in one.features
    ]


def _dispersion(values: Ints, windows: Ints) -> float:
    _, of_window = np.unique(windows, return_inverse=True)
    counts = np.bincount(of_window)
    sums = np.zeros(len(counts), dtype=np.int64)
    np.add.at(sums, of_window, values)
    found = math.fsum(s * s / n for s, n in zip(sums.tolist(), counts.tolist(), strict=True))
    return round(found / (max(len(counts) - 1, 1) * (1 << 2 * FINE)), 6)


def judge(inputs: dict[str, Any], policy: Policy) -> Move | None:
    """Ask whether rows have moved at any place between two blocks; None where too few have come.

    `inputs`: the first of the `rows` of each block, the `told_row` before which no place is looked at, and of each of
    `groups` its `name`, its `axes` by the names of their features and their `dispersion`, how many of its rows are in a
    `window`, and of each block its `counts` and `sums` on the axes, and the `squares` of all. At each place each axis
    has a two-sample t-test as a Bayes factor, as in `performance.shifts`; of axes that have nothing to do with each
    other, the product. Of all places a Shiryaev-Roberts sum (Shin, Ramdas and Rinaldo 2023, arXiv 2203.03532), by
    window: it passes `false_alarm_windows` less than once in so many windows while nothing moves.
    """
    first_rows = inputs["rows"]
    if len(first_rows) < 2:  # noqa: PLR2004 - a place has a block on both sides
        return None
    each = [_of_group(group) for group in inputs["groups"]]
    nats = [math.fsum(of_place) for of_place in zip(*(one for one, _ in each), strict=True)]
    asked = [k for k, first in enumerate(first_rows[1:]) if nats and nats[k] and first >= inputs["told_row"]]
    if not asked:
        return None
    mean = math.fsum(math.exp(min(nats[k], MOST_NATS)) for k in asked) / policy.windows.blocks
    place = max(asked, key=lambda k: (nats[k], k))
    loud = [
        (float(gain[place]), str(feature), str(group["name"]))
        for group, (_, gains) in zip(inputs["groups"], each, strict=True)
        for gain, feature in zip(gains, group["axes"], strict=True)
    ]
    shown = tuple((feature, name) for _, feature, name in sorted(loud, key=lambda one: -one[0])[:MOST_NAMED])
    return Move(
        log_evidence=math.log(mean), onset_row=int(first_rows[place + 1]), shown=shown,
        told=mean > policy.drift.false_alarm_windows,
    )  # fmt: skip


def _of_group(group: dict[str, Any]) -> tuple[list[float], list[Floats]]:
    """Give the evidence of a group at each place, in nats, and each axis's part of it; 0 where it has too few rows."""
    counts = np.array(group["counts"], dtype=np.int64)
    before, rows = np.cumsum(counts)[:-1], int(counts.sum())
    asked = (before >= LEAST_ROWS) & (rows - before >= LEAST_ROWS)
    nats, gains = np.zeros(len(before)), [np.zeros(len(before)) for _ in group["axes"]]
    if not asked.any() or not gains:
        return nats.tolist(), gains
    n, free, design = before[asked].astype(float), rows - 2, DESIGN_WINDOWS * float(group["window"])
    weight, sums = n * (rows - n) / rows, np.cumsum(np.array(group["sums"], dtype=np.int64), axis=0) / (1 << FINE)
    gained, paid = np.ones(len(n)), np.ones(len(n))
    for k, dispersion in enumerate(group["dispersion"]):
        left, whole = sums[:-1, k][asked], float(sums[-1, k])
        squared = weight * ((whole - left) / (rows - n) - left / n) ** 2
        within = int(group["squares"][k]) / (1 << 2 * FINE) - whole * whole / rows - squared
        squared /= (within + 1.0) / free * dispersion  # one more row at its spread: no axis is ever a constant
        share = weight / (design * dispersion)
        gain = (1 + squared / free) / (1 + squared / (free * (1 + share)))
        gains[k][asked] = gain
        gained *= gain
        paid *= 1 + share
    nats[asked] = [(free + 1) / 2 * math.log(up) - math.log(down) / 2 for up, down in zip(gained, paid, strict=True)]
    return nats.tolist(), gains


def cut(blocks: Sequence[One], policy: Policy) -> Sequence[One]:
    """Give the latest of *blocks*, as many as are looked at."""
    return blocks[-MOST_WINDOWS * policy.windows.blocks :]
