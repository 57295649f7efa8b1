"""What can be planted in a stream: other rows, a turned concept, broken values, late labels, gaps, a series."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from backtest.drills.ground import Plan, by_chance, by_group, by_relation, numeric, with_column
from backtest.stream import Floats, Ints, Stream

Chance = np.random.Generator
Mask = npt.NDArray[np.bool_]
Pick = Callable[[Stream, Plan, Chance], Ints]
RARE, COMMON = 0.05, 0.9  #: shares of the rows that move, before and behind a change of what comes
UPPER = 0.6  #: rows above this quantile are those that move
LEAST_PART, BEST_PART = 0.1, 0.35  #: shares of rows: a segment is at least the first, and best near the second
LEAST_DECLARED = 0.05  #: share of the rows that a declared segment has, so that a drill may plant in it
LEAST_GROUPS = 4  #: of rows, where no column tells of any
COMMON_VALUE, LEAST_VALUES = 0.05, 64  #: share of the rows that one value may have, and values at least
PRIOR_STEP = 0.35  #: by which the share of a class rises or falls


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """A stream with something planted: in which rows, in which feature, and what reaches the service when."""

    stream: Stream
    touched: Mask  #: rows that are not as they would have been
    feature: str = ""
    due: Ints | None = None  #: by row, the row from which its label may be told
    series: Floats | None = None  #: a point of a latency series a window


def turned(stream: Stream) -> Stream:
    """Turn the concept round: the highest value of each number becomes the lowest, and so on.

    Each number keeps its distribution, numbers keep their rank correlations with each other, and labels stay; what
    spoke for a label now speaks against it. Without numbers the labels are turned round instead.
    """
    places = numeric(stream)
    if not places:
        return replace(stream, labels=np.nanmax(stream.labels) + np.nanmin(stream.labels) - stream.labels)
    for place in places:
        column = stream.columns[place]
        stream = with_column(stream, place, replace(column, values=_reversed(column.values)))
    return stream


def _reversed(values: Floats) -> Floats:
    present = np.flatnonzero(~np.isnan(values))
    order = present[np.argsort(values[present], kind="stable")]
    found = values.copy()
    found[order] = values[order[::-1]]
    return found


def concept(stream: Stream, where: Mask) -> Planted:
    """Turn the concept round in the rows of *where*."""
    other = turned(stream)
    mixed = tuple(
        replace(old, values=np.where(where, new.values, old.values))
        for old, new in zip(stream.columns, other.columns, strict=True)
    )
    labels = np.where(where, other.labels, stream.labels)
    return Planted(stream=replace(stream, columns=mixed, labels=labels), touched=where)


def between(plan: Plan, *spans: tuple[float, float]) -> Mask:
    """Mark the rows of *spans*, in windows behind the change."""
    row = np.arange(plan.rows)
    marked: Mask = np.any([(row >= plan.after(first)) & (row < plan.after(end)) for first, end in spans], axis=0)
    return marked


def ramp(plan: Plan, windows: float, chance: Chance) -> Mask:
    """Mark ever more rows behind the change; all of them after *windows*."""
    passed = (np.arange(plan.rows) - plan.change) / (windows * plan.window)
    return np.asarray(chance.random(plan.rows) < passed)


def segment(stream: Stream) -> Mask:
    """Mark a part of the rows: those of a word that is neither rare nor the rule, else those below a quantile."""
    parts = [one.values == code for one in stream.columns if one.words for code in range(len(one.words))]
    fit = [part for part in parts if LEAST_PART <= part.mean() <= 2 * BEST_PART]
    if fit:
        return np.asarray(min(fit, key=lambda part: abs(float(part.mean()) - BEST_PART)))
    places = by_relation(stream)
    values = stream.columns[places[0]].values if places else np.arange(stream.rows) % 2
    return np.asarray(values <= np.nanquantile(values, BEST_PART))


def declared(stream: Stream, plan: Plan, where: Mask) -> Planted:
    """Turn the truth round in the rows of *where* that are in the smallest segment that a policy has declared.

    One of few rows is left alone: the reference would hardly know it. Where none is declared nothing is planted.
    """
    parts = {one.name: one.holds(stream.columns[one.feature].values.astype(np.float64)) for one in plan.segments}
    fit = {name: part for name, part in parts.items() if part.mean() >= LEAST_DECLARED}
    if not fit:
        return Planted(stream=stream, touched=np.zeros_like(where))
    name = min(fit, key=lambda each: (float(fit[each].mean()), each))
    other = np.nanmax(stream.labels) + np.nanmin(stream.labels) - stream.labels
    touched = where & fit[name]
    labels = np.where(touched, other, stream.labels)
    return Planted(stream=replace(stream, labels=labels), touched=touched, feature=name)


def rows_by_feature(rank: int) -> Pick:
    """Let rows that were rare become the rule: by the upper part of a number, 0 the most telling, -1 the least."""

    def pick(pool: Stream, plan: Plan, chance: Chance) -> Ints:
        places = by_relation(pool)
        if not places:
            return by_chance(pool, plan, chance)
        values = pool.columns[places[rank]].values
        return by_group(values > np.nanquantile(values, UPPER), plan, chance, (RARE, COMMON))

    return pick


def rows_by_bend(pool: Stream, plan: Plan, chance: Chance) -> Ints:
    """Let rows become the rule in which the truth goes another way than a straight line through the others says."""
    places = numeric(pool)
    if not places:
        return by_chance(pool, plan, chance)
    values = max((pool.columns[k].values for k in places), key=lambda values: bend(values, pool.labels))
    return by_group(values > np.nanquantile(values, UPPER), plan, chance, (RARE, COMMON))


def bend(values: Floats, labels: Floats) -> float:
    """Say by how much the line through the lower rows misses the mean truth of the upper ones."""
    known = ~np.isnan(values) & ~np.isnan(labels)
    values, labels = values[known], labels[known]
    upper = values > np.quantile(values, UPPER)
    if not 1 < upper.sum() < len(values) - 1 or np.ptp(values[~upper]) == 0:
        return 0.0
    slope, level = np.polyfit(values[~upper], labels[~upper], 1)
    return abs(float(np.mean(labels[upper] - (slope * values[upper] + level))))


def rows_by_label(pool: Stream, plan: Plan, chance: Chance) -> Ints:
    """Change how often a class, or a high value, occurs; what rows of it look like stays."""
    if pool.task == "regression":
        group = pool.labels > np.quantile(pool.labels, UPPER)
    else:
        codes, counts = np.unique(pool.labels, return_counts=True)
        group = pool.labels == codes[np.argmin(counts)]
    share = float(group.mean())
    return by_group(group, plan, chance, (share, share + (PRIOR_STEP if share <= 1 / 2 else -PRIOR_STEP)))


def varied(values: Floats) -> bool:
    """Say whether a number has no common value: one that stands still is strange then, and not as a zero of rain is."""
    _, counts = np.unique(values[~np.isnan(values)], return_counts=True)
    return len(counts) >= LEAST_VALUES and bool(counts.max() <= COMMON_VALUE * len(values))


def broken(
    stream: Stream,
    where: Mask,
    change: Callable[[Floats], Floats],
    fit: Callable[[Floats], bool] = lambda _: True,
) -> Planted:
    """Break the most telling number that is *fit* for it in the rows of *where*."""
    places = [place for place in by_relation(stream) if fit(stream.columns[place].values)]
    if not places:
        return Planted(stream=stream, touched=np.zeros_like(where))
    column = stream.columns[places[0]]
    values = np.where(where, change(column.values), column.values)
    spoilt = with_column(stream, places[0], replace(column, values=values))
    return Planted(stream=spoilt, touched=where, feature=column.name)


def frozen(stream: Stream, where: Mask) -> Planted:
    """Let the most telling number stand still in the rows of *where*, in all groups but one, in each at another value.

    Groups are those of the first column of words, or, without any, rows in turn.
    """
    words = next((one.values for one in stream.columns if one.words is not None), np.arange(stream.rows) % LEAST_GROUPS)
    group = words.astype(np.int64)
    own = group != np.bincount(group[group >= 0]).argmax()
    shares = (group + 1) / (group.max() + 2)
    return broken(stream, where & own & (group >= 0), lambda x: np.nanquantile(x, shares, method="lower"), varied)


def new_word(stream: Stream, where: Mask) -> Planted:
    """Write a word that nobody has seen into the first column of words."""
    for place, column in enumerate(stream.columns):
        if column.words is not None:
            values = np.where(where, len(column.words), column.values).astype(np.int32)
            spoilt = replace(column, values=values, words=(*column.words, "unheard-of"))
            return Planted(stream=with_column(stream, place, spoilt), touched=where, feature=column.name)
    return Planted(stream=stream, touched=np.zeros_like(where))


def sent_twice(stream: Stream, where: Mask) -> Planted:
    """Send the row before again instead of each row of *where*."""
    source = np.where(where, np.arange(stream.rows) - 1, np.arange(stream.rows))
    columns = tuple(replace(one, values=one.values[source]) for one in stream.columns)
    spoilt = replace(stream, columns=columns, labels=stream.labels[source])
    return Planted(stream=spoilt, touched=where, feature="@row")
