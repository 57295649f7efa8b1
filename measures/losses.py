"""Losses of rows: what a model's outputs cost when the truth is known. Fixed point, so that sums are exact."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

SCALE = 1 << 20  #: fixed-point steps in one unit of loss
HALF = 0.5
LEAST_UNIT = 2.0**-900  #: so that steps of it can be counted
MOST_STEPS = 1 << 35  #: a larger loss counts as this, so that 64 bits hold the squares of a block of 8,000 rows


def losses(task: str, metric: str, outputs: Floats, labels: Floats) -> Floats:
    """Give the loss of each row, (n,). Rows without output or label are NaN.

    `accuracy` costs 1 for a wrong class; `mae` the absolute error; `brier` the square of what a chance misses;
    `roc_auc` what a row adds to 1 - AUC, which is the mean over the rows and may be less than nothing of one of them.

    >>> losses("binary", "accuracy", np.array([0.9, 0.2]), np.array([1.0, 1.0])).tolist()
    [0.0, 1.0]
    >>> float(losses("binary", "roc_auc", np.array([0.9, 0.2, 0.5]), np.array([1.0, 0.0, 0.0])).mean())
    0.0
    """
    known = ~(np.isnan(outputs) | np.isnan(labels))
    found = np.full(len(labels), np.nan)
    if metric == "mae":
        found[known] = np.abs(outputs[known] - labels[known])
    elif metric == "brier":
        found[known] = (outputs[known] - labels[known]) ** 2
    elif metric == "roc_auc":
        found[known] = rank_losses(outputs[known], labels[known])
    elif task == "binary":
        found[known] = (outputs[known] >= HALF) != (labels[known] >= HALF)
    else:
        found[known] = outputs[known] != labels[known]
    return found


def rank_losses(outputs: Floats, labels: Floats) -> Floats:
    """Give what each row adds to 1 - AUC among these rows, (n,): their mean is it. One class alone costs nothing.

    A row's share of wrongly ordered pairs tells of others too: sums of shares stray four times as much as shares would
    if rows had them by themselves. So a row has what AUC moves by where such rows are one in n more (the projection of
    Hoeffding, 1948, with the placement values of DeLong, DeLong and Clarke-Pearson, 1988): sums of that stray as those
    of independent rows do, and a row that is in its place more often than others has less than nothing.

    >>> rank_losses(np.array([0.9, 0.3, 0.5, 0.1]), np.array([1.0, 1.0, 0.0, 0.0])).tolist()
    [-0.25, 0.75, 0.75, -0.25]
    """
    positive = labels >= HALF
    found = np.zeros(len(labels))
    up, down = int(positive.sum()), int((~positive).sum())
    if not up or not down:
        return found
    found[positive] = _wrongly(outputs[positive], outputs[~positive])
    found[~positive] = _wrongly(-outputs[~positive], -outputs[positive])
    mean = float(found[positive].mean())
    return mean + (found - mean) * len(labels) / np.where(positive, up, down)


def _wrongly(mine: Floats, others: Floats) -> Floats:
    """Give the share of *others* that each of *mine* ought to be above, and is not; ties half."""
    ordered = np.sort(others)
    below, upto = np.searchsorted(ordered, mine, "left"), np.searchsorted(ordered, mine, "right")
    return np.asarray((len(ordered) - upto + HALF * (upto - below)) / len(ordered))


def unit_of(task: str, metric: str, found: Floats) -> float:
    """Give the unit of loss: 1 for shares, and for quantities the power of two at or above their mean loss."""
    del task
    mean = float(np.nanmean(found)) if metric == "mae" and len(found) else 1.0
    return max(2.0 ** math.ceil(math.log2(mean)), LEAST_UNIT) if metric == "mae" and mean > 0 else 1.0


def fixed(found: Floats, unit: float) -> Ints:
    """Write losses as whole steps of `unit / SCALE`; one beyond 32,768 units counts as that.

    >>> fixed(np.array([0.5, 1e30]), 1.0).tolist()
    [524288, 34359738368]
    """
    steps = np.rint(found * (SCALE / unit))
    return np.clip(steps, -MOST_STEPS, MOST_STEPS).astype(np.int64)
