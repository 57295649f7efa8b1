"""Learns a reference from rows: quantile bins, counts, and how far the rows' own blocks stray."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from monitoring.profiles.dispersion import dispersions
from monitoring.profiles.profile import repeated_rows
from monitoring.profiles.reference import (
    FAR_OVER,
    FAR_UNDER,
    FIRST_BIN,
    INVALID,
    MAX_BINS,
    MISSING,
    NEW,
    OUTPUT,
    Column,
    Feature,
    Floats,
    Ints,
    Reference,
)

LABEL_BINS = 8
MOST_BLOCKS = 64
FINEST_BLOCKS = 256  #: More of them see a weaker dependence of rows.
LEAST_BLOCK = 10
#: Rows that a bin of a feature's values has at least, while others are left that could have them. What is expected of
#: each bin is half a row more than it had, so of many bins with a row or two each a third too much would be expected.
LEAST_ROWS = 10
SOME = 2  #: rare categories, from which on they share a bin


def learn(columns: Sequence[Column], rows: Floats, outputs: Floats, labels: Floats | None = None) -> Reference:
    """Learn a reference from *rows* (n, features), the model's *outputs* (n,) and *labels* (n,), in order of time.

    Raises:
        ValueError: There are fewer than 10 rows, or the columns differ from the declared ones.
    """
    if len(rows) < LEAST_BLOCK or rows.shape[1] != len(columns):
        message = (
            f"a reference of shape {rows.shape} does not serve {len(columns)} columns and at least {LEAST_BLOCK} rows"
        )
        raise ValueError(message)
    declared = [*columns, Column(name=OUTPUT)]
    features = learn_features(declared, [*rows.T, outputs])
    known = labels[~np.isnan(labels)] if labels is not None else np.empty(0)
    return Reference(
        rows=len(rows),
        features=features,
        label_edges=_edges(known, LABEL_BINS),
        repeats=repeated_rows(rows, outputs),
    )


def learn_features(columns: Sequence[Column], values: Sequence[Floats]) -> tuple[Feature, ...]:
    """Learn features that share their rows from their *values*, each (n,), in order of time."""
    values = [_as_new(c, v) for c, v in zip(columns, values, strict=True)]
    features = [_learned(c, v) for c, v in zip(columns, values, strict=True)]
    spreads = dispersions(features, (_blocks(f, v, FINEST_BLOCKS) for f, v in zip(features, values, strict=True)))
    return tuple(replace(f, dispersion=spread) for f, spread in zip(features, spreads, strict=True))


def learn_feature(column: Column, values: Floats) -> Feature:
    """Learn one feature from *values* (n,), in order of time."""
    return learn_features([column], [values])[0]


def _as_new(column: Column, values: Floats) -> Floats:
    """Let rows of categories that the reference has once be of new ones: beside all other rows each is.

    So the reference says how many rows will be of categories that it has not seen: the estimate of Turing (Good 1953,
    Biometrika 40:3, section 2).
    """
    if column.kind != "categorical":
        return values
    _, at, counts = np.unique(values, return_inverse=True, return_counts=True)
    once = (counts[at] == 1) & (values >= 0) & (values < column.categories)
    return np.where(once, float(column.categories), values)


def _learned(column: Column, values: Floats) -> Feature:
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 0.0)
    codes: tuple[int, ...] = ()
    edges: tuple[float, ...] = ()
    if column.kind == "categorical":
        codes = _codes(values, column.categories)
        bins = max(codes, default=0) + 1
    else:
        edges = _joined(_edges(finite, MAX_BINS), finite)
        bins = len(edges) + 1
    blank = Feature(
        name=column.name,
        kind=column.kind,
        edges=edges,
        low=low,
        high=high,
        codes=codes,
        counts=(0,) * (FIRST_BIN + bins),
        peaks=(),
    )
    blocks = _blocks(blank, values, MOST_BLOCKS)
    return replace(blank, counts=tuple(blocks.sum(axis=0).tolist()), peaks=_peaks(blocks))


def _edges(values: Floats, bins: int) -> tuple[float, ...]:
    """Return inner edges: one bin for each value if these are few, else quantiles; ties make fewer bins."""
    distinct = np.unique(values)
    if len(distinct) <= bins:
        return tuple(distinct[1:].tolist())
    ordered = np.sort(values)
    at = (np.arange(1, bins) * len(ordered)) // bins
    cuts = np.unique(ordered[at])
    return tuple(cuts[cuts > distinct[0]].tolist())


def _joined(edges: tuple[float, ...], values: Floats) -> tuple[float, ...]:
    """Return the *edges* that leave `LEAST_ROWS` of *values* in each bin; what is left over joins the last."""
    counts = np.histogram(values, bins=[-np.inf, *edges, np.inf])[0].tolist()
    kept, held, left = list[float](), 0, len(values)
    for edge, count in zip(edges, counts, strict=False):
        held, left = held + count, left - count
        if held >= LEAST_ROWS and left >= LEAST_ROWS:
            kept, held = [*kept, edge], 0
    return tuple(kept)


def _codes(values: Floats, categories: int) -> tuple[int, ...]:
    """Return the bin of each known code: the 63 most frequent have their own, and those with few rows share the last.

    Where there are more, those with the most rows were picked for being many: the rarer the last of them, the more of
    its rows is luck, which none of the others repeats.
    """
    known = values[np.isfinite(values) & (values >= 0) & (values < categories)].astype(np.int64)
    counts = np.bincount(known, minlength=categories)
    rare = int((counts < LEAST_ROWS).sum())
    if categories <= MAX_BINS and rare < SOME:
        return tuple(range(categories))
    own = min(categories - rare, MAX_BINS - 1)
    bins = np.empty(categories, np.int64)
    bins[np.lexsort((np.arange(categories), -counts))] = np.minimum(np.arange(categories), own)
    return tuple(bins.tolist())


def _blocks(feature: Feature, values: Floats, most: int) -> Ints:
    """Return counts (blocks, slots) of up to *most* equal stretches of at least 10 rows."""
    number = max(1, min(most, len(values) // LEAST_BLOCK))
    block = (np.arange(len(values)) * number) // len(values)
    flat = block * feature.slots + feature.place(values)
    return np.bincount(flat, minlength=number * feature.slots).astype(np.int64).reshape(number, -1)


def _peaks(blocks: Ints) -> tuple[float, ...]:
    rows = blocks.sum(axis=1)
    groups = [blocks[:, MISSING], blocks[:, INVALID], blocks[:, NEW], blocks[:, FAR_UNDER] + blocks[:, FAR_OVER]]
    return tuple(float((group / rows).max()) for group in [*groups, blocks[:, FIRST_BIN:].max(axis=1)])
