"""Faults of one column on its way to the model: the world, and its truth, stay as they were."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from backtest.stream import Floats
from benchmarks.causes.columns import known, measured, ranks, targets
from benchmarks.causes.ground import Ground, Sick
from benchmarks.causes.planting import Chance, Plant, Planted
from monitoring.profiles.reference import MAX_BINS
from monitoring.quality.stillness import COMMON

Change = Callable[[Floats, Floats, Chance], Floats]  #: values, the reference's values, chance

SHARE = 0.6  #: of the rows that a partial fault falls on
MOST_FROZEN, LEAST_FROZEN = 3, 20  #: entities that are tried, and rows that one must have


def fault(change: Change, kinds: tuple[str, ...], fit: Callable[[Ground], Callable[[int], bool]] = measured) -> Plant:
    """Change the values of one column on their way to the model; the world stays as it was."""

    def plant(on: Ground, chance: Chance) -> Iterator[Planted]:
        for k in targets(on, chance, fit(on)):
            rows = on.rows[on.onset : on.onset + on.sick_rows].copy()
            rows[:, k] = change(rows[:, k], on.rows[: on.reference_rows, k], chance)
            yield Planted(sick=_seen(on, rows), kinds=kinds, features=(on.columns[k],))

    return plant


def _seen(on: Ground, rows: Floats) -> Sick:
    """Let the champion answer *rows*, which happen instead of those behind the onset."""
    return Sick(rows, on.champion.predict(rows), on.labels[on.onset : on.onset + len(rows)])


def _some(values: Floats, chance: Chance, code: float) -> Floats:
    return np.where(chance.random(len(values)) < SHARE, code, values)


def frozen(on: Ground, chance: Chance) -> Iterator[Planted]:
    """Let one entity's sensor repeat a value, while all others go on: that of the one with most rows, or the next."""
    if on.entity is None:
        return
    whose = on.rows[:, on.entity]
    codes, counts = np.unique(known(whose[: on.reference_rows]), return_counts=True)
    for code in codes[np.argsort(-counts, kind="stable")][:MOST_FROZEN]:
        for k in targets(on, chance, lambda k: k != on.entity and _many_valued(on, k)):
            rows = on.rows[on.onset : on.onset + on.sick_rows].copy()
            mine = np.flatnonzero((rows[:, on.entity] == code) & ~np.isnan(rows[:, k]))
            rare = mine[[not _is_common(on, k, value) for value in rows[mine, k]]]
            if len(mine) >= LEAST_FROZEN and len(rare):
                mine = mine[mine >= rare[0]]
                rows[mine, k] = rows[rare[0], k]
                yield Planted(sick=_seen(on, rows), kinds=("data_quality",), features=(on.columns[k],))


def _is_common(on: Ground, k: int, value: float) -> bool:
    """Say whether so many rows have *value* that it may well last, as a zero of rain: nobody could tell."""
    return float((on.rows[: on.reference_rows, k] == value).mean()) >= COMMON


def _many_valued(on: Ground, k: int) -> bool:
    """Say whether column *k* has so many values that a sensor which repeats one of them tells."""
    return measured(on)(k) and len(np.unique(known(on.rows[: on.reference_rows, k]))) > MAX_BINS


def missing(values: Floats, _: Floats, chance: Chance) -> Floats:
    """Lose a part of the values."""
    return _some(values, chance, np.nan)


def far_code(values: Floats, past: Floats, chance: Chance) -> Floats:
    """Write the first of the usual codes that lies further below the range than the range is wide."""
    low, high = float(np.nanmin(past)), float(np.nanmax(past))
    return _some(values, chance, next(code for code in (-9_999.0, -999_999.0, -1e15) if code < 2 * low - high))


def near_code(values: Floats, past: Floats, chance: Chance) -> Floats:
    """Write the least or the greatest value as a code for what is not known."""
    return _some(values, chance, float(np.nanmin(past) if chance.random() < 0.5 else np.nanmax(past)))


def unit(values: Floats, _: Floats, __: Chance) -> Floats:
    """Give values in another unit."""
    return values * 1_000


def offset(values: Floats, past: Floats, chance: Chance) -> Floats:
    """Move all values by less than their range."""
    span = float(np.nanmax(past) - np.nanmin(past))
    way = 1.0 if chance.random() < 0.5 else -1.0
    return values + way * span * float(chance.uniform(0.4, 0.9))


def stuck(values: Floats, _: Floats, chance: Chance) -> Floats:
    """Repeat one value for ever."""
    return np.full_like(values, chance.choice(known(values)))


def turned(values: Floats, past: Floats, _: Chance) -> Floats:
    """Turn the axis round."""
    return float(np.nanmin(past)) + float(np.nanmax(past)) - values


def clipped(values: Floats, past: Floats, chance: Chance) -> Floats:
    """Let a sensor end within the range."""
    low = chance.random() < 0.5
    edge = float(np.nanquantile(past, 0.7 if low else 0.3))
    return np.maximum(values, edge) if low else np.minimum(values, edge)


def out_of_order(values: Floats, _: Floats, chance: Chance) -> Floats:
    """Give each row the value of another."""
    return values[chance.permutation(len(values))]


def noisy(values: Floats, past: Floats, chance: Chance) -> Floats:
    """Blur the rank of each value by half of the range, so that the distribution stays almost as it was."""
    placed = np.argsort(np.argsort(ranks(values, past) + chance.normal(scale=0.5, size=len(values))))
    ordered = np.sort(values)  # missing values come last, and so do the highest blurred ranks
    return ordered[placed]


def new_word(values: Floats, past: Floats, chance: Chance) -> Floats:
    """Write a word that nobody knows into a part of the rows."""
    return _some(values, chance, float(np.nanmax(past)) + 1)


def swapped(values: Floats, past: Floats, _: Chance) -> Floats:
    """Turn the order of codes round, by how common they are: the commonest takes the place of the second, and so on."""
    codes, counts = np.unique(known(past), return_counts=True)
    order = codes[np.argsort(-counts, kind="stable")]
    other = {float(a): float(b) for a, b in zip(order, np.roll(order, 1), strict=True)}
    return np.array([value if np.isnan(value) else other.get(float(value), value) for value in values])


def mirrored(values: Floats, _: Floats, __: Chance) -> Floats:
    """Give the greatest value the place of the least, and so on."""
    found, present = values.copy(), np.flatnonzero(~np.isnan(values))
    order = present[np.argsort(values[present], kind="stable")]
    found[order] = values[order[::-1]]
    return found


def sent_twice(on: Ground, _: Chance) -> Iterator[Planted]:
    """Let every row come twice, one right behind the other."""
    source = on.onset + np.arange(on.sick_rows) // 2
    sick = Sick(on.rows[source], on.outputs[source], on.labels[source])
    yield Planted(sick=sick, kinds=("data_quality",), features=("@row",))
