"""Columns: which matter to the model, which are measured or named, and which say almost the same."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from backtest.stream import Floats
from benchmarks.causes.ground import Ground
from benchmarks.causes.planting import Chance

LEAST_DISTINCT = 20  #: values of a feature that counts as measured
TOLD = 3  #: features that matter most, of which chance takes one
ALIKE = 0.9  #: correlation of ranks, from which on two columns cannot be told apart
POOL = 2_000  #: rows on which it is measured what a column matters


def importance(on: Ground) -> Floats:
    """Give by how much the loss rises when each column is put in another order, (columns,)."""
    pool = on.rows[on.onset :][:POOL]
    labels, plain = on.labels[on.onset :][:POOL], on.outputs[on.onset :][:POOL]
    level = np.nanmean(on.costs(plain, labels))
    order, found = np.random.default_rng(1).permutation(len(pool)), np.zeros(pool.shape[1])
    for k in range(pool.shape[1]):
        broken = pool.copy()
        broken[:, k] = pool[order, k]
        found[k] = np.nanmean(on.costs(on.champion.predict(broken), labels)) - level
    return found


def targets(on: Ground, chance: Chance, fit: Callable[[int], bool] = lambda _: True) -> list[int]:
    """Give the columns that matter most and are *fit*, in an order of chance."""
    by_weight = [int(k) for k in np.argsort(-importance(on), kind="stable") if fit(int(k))][:TOLD]
    return [by_weight[i] for i in chance.permutation(len(by_weight))]


def measured(on: Ground) -> Callable[[int], bool]:
    """Say whether a column is a number with many values."""
    return lambda k: not on.words[k] and len(np.unique(known(on.rows[: on.reference_rows, k]))) >= LEAST_DISTINCT


def any_column(_: Ground) -> Callable[[int], bool]:
    """Take every column."""
    return lambda _: True


def named(on: Ground) -> Callable[[int], bool]:
    """Say whether a column holds words."""
    return lambda k: on.words[k] > 1


def known(values: Floats) -> Floats:
    """Leave out what is missing."""
    return values[~np.isnan(values)]


def ranks(values: Floats, reference: Floats) -> Floats:
    """Give the share of the reference that lies below each value; ties count half, missing is in the middle."""
    ordered = np.sort(known(reference))
    middle = np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right")
    return np.where(np.isnan(values), 0.5, middle / 2 / max(len(ordered), 1))


def twins(on: Ground, k: int) -> tuple[str, ...]:
    """Name column *k*, and those that say almost the same: nobody can tell them apart."""
    rows = on.rows[: on.reference_rows]
    own = ranks(rows[:, k], rows[:, k])
    others = (other for other in range(rows.shape[1]) if other != k)
    like = [o for o in others if abs(_correlation(own, ranks(rows[:, o], rows[:, o]))) >= ALIKE]
    return tuple(on.columns[column] for column in (k, *like))


def _correlation(left: Floats, right: Floats) -> float:
    spread = left.std() * right.std()
    return float(((left - left.mean()) * (right - right.mean())).mean() / spread) if spread > 0 else 0.0
