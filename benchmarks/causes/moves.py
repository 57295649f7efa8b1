"""Moves: other rows come than before, each with its own truth and its own answer."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from operator import ne

import numpy as np
import numpy.typing as npt

from backtest.stream import Floats
from benchmarks.causes.columns import LEAST_DISTINCT, known, targets, twins
from benchmarks.causes.ground import Ground, Sick
from benchmarks.causes.planting import Chance, Planted


def _drawn(on: Ground, weights: Floats, chance: Chance) -> Sick:
    """Let rows come by *weights* (rows behind the onset,), each at most once."""
    keys = np.log(np.maximum(chance.random(len(weights)), 1e-300)) / np.maximum(weights, 1e-12)
    chosen = on.onset + np.sort(np.argsort(-keys, kind="stable")[: on.sick_rows])
    return Sick(on.rows[chosen], on.outputs[chosen], on.labels[chosen])


def _bad_parts(on: Ground, k: int, within: npt.NDArray[np.bool_] | None = None) -> Floats:
    """Give a weight for each row behind the onset, high where the values of column *k* go with a high loss."""
    calm = slice(on.reference_rows, on.onset)
    cost = on.costs(on.outputs[calm], on.labels[calm])
    past, pool = (_parts(on, k, on.rows[part, k]) for part in (calm, slice(on.onset, None)))
    use = ~np.isnan(cost) if within is None else ~np.isnan(cost) & within[calm]
    level = {code: cost[use & (past == code)].mean() for code in np.unique(past[use]) if (past[use] == code).sum() > 20}
    worst = sorted(level, key=lambda code: -level[code])[: max(len(level) // 3, 1)]
    return np.where(np.isin(pool, worst), 8.0, 0.4)


def _parts(on: Ground, k: int, values: Floats) -> Floats:
    """Give each value its word, or the fifth of the reference that it lies in."""
    if on.words[k]:
        return np.nan_to_num(values, nan=-1)
    bins = np.quantile(known(on.rows[: on.reference_rows, k]), np.linspace(0, 1, 6)[1:-1])
    return np.searchsorted(bins, values).astype(np.float64)


def covariate(on: Ground, chance: Chance) -> Iterator[Planted]:
    """Let rows become common in which one column has values at which the model was always bad."""
    order = targets(on, chance)
    for k in [*order, *(k for k in range(len(on.columns)) if k not in order)]:
        yield Planted(sick=_drawn(on, _bad_parts(on, k), chance), kinds=("covariate_drift",), features=twins(on, k))


def covariates(on: Ground, chance: Chance) -> Iterator[Planted]:
    """Let rows become common that are bad by three columns at once."""
    for _ in range(4):
        chosen = chance.permutation(len(on.columns))[:3]
        weights = np.prod([_bad_parts(on, int(k)) for k in chosen], axis=0)
        features = tuple(name for k in chosen for name in twins(on, int(k)))
        yield Planted(sick=_drawn(on, weights, chance), kinds=("covariate_drift",), features=features)


def covariate_in_segment(on: Ground, chance: Chance) -> Iterator[Planted]:
    """Let bad values of one column become common, but only in a segment of the rows."""
    for segment, inside in segments(on, chance):
        for k in targets(on, chance, partial(ne, segment)):
            weights = np.where(inside[on.onset :], _bad_parts(on, k, inside), 1.0)
            yield Planted(
                sick=_drawn(on, weights, chance), kinds=("covariate_drift",),
                features=(*twins(on, k), *twins(on, segment)),
            )  # fmt: skip


def prior(on: Ground, chance: Chance) -> Iterator[Planted]:
    """Let one class, or a range of the truth, become common; what its rows look like stays."""
    calm = slice(on.reference_rows, on.onset)
    cost = on.costs(on.outputs[calm], on.labels[calm])
    group = groups(on, on.labels[on.onset :])
    past = groups(on, on.labels[calm])
    level = {code: np.nanmean(cost[past == code]) for code in np.unique(past)}
    for code in sorted(level, key=lambda code: -level[code])[:2]:
        weights = np.where(group == code, 8.0, 0.6)
        yield Planted(sick=_drawn(on, weights, chance), kinds=("label_shift",))


def groups(on: Ground, labels: Floats) -> Floats:
    """Give the class of each label, or the quarter of the range that it lies in."""
    if on.task != "regression":
        return labels
    edges = np.quantile(on.labels[: on.reference_rows], [0.25, 0.5, 0.75])
    return np.searchsorted(edges, labels).astype(float)


def segments(on: Ground, chance: Chance) -> Iterator[tuple[int, npt.NDArray[np.bool_]]]:
    """Give columns with the rows of a part of their values, a sixth to a half of all."""
    for k in chance.permutation(len(on.columns)).tolist():
        past, all_rows = on.rows[: on.reference_rows, k], on.rows[:, k]
        if on.words[k] or len(np.unique(known(past))) < LEAST_DISTINCT:
            codes, counts = np.unique(known(past), return_counts=True)
            fit = [code for code, count in zip(codes, counts, strict=True) if 1 / 6 <= count / len(past) <= 1 / 2]
            if fit:
                yield k, all_rows == chance.choice(fit)
        else:
            start = chance.uniform(0, 0.7)
            low, high = np.nanquantile(past, [start, start + 0.3])
            inside = (all_rows >= low) & (all_rows <= high)
            if 1 / 6 <= inside.mean() <= 1 / 2:
                yield k, inside


def nothing(on: Ground, _: Chance) -> Iterator[Planted]:
    """Let the rows come as they are."""
    rows = slice(on.onset, on.onset + on.sick_rows)
    yield Planted(sick=Sick(on.rows[rows], on.outputs[rows], on.labels[rows]), kinds=("unknown",))
