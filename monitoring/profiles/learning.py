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
    features = [_learned(c, v) for c, v in zip(columns, values, strict=True)]
    spreads = dispersions(features, (_blocks(f, v, FINEST_BLOCKS) for f, v in zip(features, values, strict=True)))
    return tuple(replace(f, dispersion=spread) for f, spread in zip(features, spreads, strict=True))


def learn_feature(column: Column, values: Floats) -> Feature:
    """Learn one feature from *values* (n,), in order of time."""
    return learn_features([column], [values])[0]


def _learned(column: Column, values: Floats) -> Feature:
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 0.0)
    codes: tuple[int, ...] = ()
    edges: tuple[float, ...] = ()
    if column.kind == "categorical":
        codes = _codes(values, column.categories)
        bins = max(codes, default=0) + 1
    else:
        edges = _edges(finite, MAX_BINS)
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


def _codes(values: Floats, categories: int) -> tuple[int, ...]:
    """Return the bin of each known code: the 63 most frequent have their own, the others share the last."""
    known = values[np.isfinite(values) & (values >= 0) & (values < categories)].astype(np.int64)
    counts = np.bincount(known, minlength=categories)
    order = np.lexsort((np.arange(categories), -counts)) if categories > MAX_BINS else np.arange(categories)
    bins = np.empty(categories, np.int64)
    bins[order] = np.minimum(np.arange(categories), MAX_BINS - 1)
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
