"""Splits: how the columns that a policy names divide rows into segments, which are watched by themselves."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from measures.segments import Segment
from measures.sums import block
from monitoring.performance.segments import Sums
from server.errors import Invalid
from server.intake.feed import Floats, Ints
from server.intake.schema import CATEGORICAL, NUMERIC, Feature, Schema
from statemachine.policies.policy import Policy
from statemachine.policies.sections import MOST_SEGMENTS, Split

SUMS = 3  #: of a block: rows, sum, sum of squares
LABEL, FIFTHS, NO_FEATURE = "label", 5, -1
MOST_NAMED = 20  #: words in a refusal


def segments(policy: Policy, schema: Schema, field: str = "policy") -> tuple[Segment, ...]:
    """Give the segments that *policy* declares of a model.

    Raises:
        Invalid: A split is of what the model does not have, or there are more segments than are watched.
    """
    found: list[Segment] = []
    for i, split in enumerate(policy.segments.splits):
        where = f"segments.splits[{i}]"
        index = _index(split, schema, where, field)
        feature = schema.features[index]
        made = _categories(split, index, feature, where, field) if feature.kind == CATEGORICAL else None
        found += _bins(split, index, where, field) if made is None else made
    if len(found) > MOST_SEGMENTS:
        told = f"{len(found)} segments are not accepted; {MOST_SEGMENTS} over all splits are, such as by fewer values"
        raise Invalid(field, f"segments.splits: {told}")
    return tuple(found)


def _index(split: Split, schema: Schema, where: str, field: str) -> int:
    names = [one.name for one in schema.features]
    if split.column not in names:
        known = ", ".join(names[:MOST_NAMED]) + ", …" * (len(names) > MOST_NAMED)
        raise Invalid(field, f"{where}.column: {split.column!r} is no feature; accepted are {known}")
    return names.index(split.column)


def _categories(split: Split, index: int, feature: Feature, where: str, field: str) -> list[Segment]:
    if split.edges:
        raise Invalid(field, f"{where}.edges: {split.column!r} is no number; values are accepted, or neither")
    known = {word: code for code, word in enumerate(feature.categories)}
    for i, word in enumerate(split.values):
        if word not in known:
            words = ", ".join(list(known)[:MOST_NAMED]) + ", …" * (len(known) > MOST_NAMED)
            told = f"{word!r} is no category that the reference of this model has; accepted are {words or 'none here'}"
            raise Invalid(field, f"{where}.values[{i}]: {told}")
    wanted = split.values or tuple(known)
    return [Segment(name=f"{split.name}={word}", feature=index, code=known[word]) for word in wanted]


def _bins(split: Split, index: int, where: str, field: str) -> list[Segment]:
    if not split.edges:
        told = f"{where}.edges: {split.column!r} is a number ({NUMERIC}); one or more edges are accepted"
        raise Invalid(field, told)
    bounds = (-math.inf, *split.edges, math.inf)
    return [
        Segment(name=_bin(split.name, low, high), feature=index, low=low, high=high) for low, high in pairwise(bounds)
    ]


def _bin(name: str, low: float, high: float) -> str:
    """Name a bin.

    >>> _bin("age", -math.inf, 30.0), _bin("age", 30.0, 50.5), _bin("age", 50.5, math.inf)
    ('age<30', '30<=age<50.5', 'age>=50.5')
    """
    if high == math.inf:
        return f"{name}>={low:.15g}"
    return f"{name}<{high:.15g}" if low == -math.inf else f"{low:.15g}<={name}<{high:.15g}"


def by_label(schema: Schema, labels: Floats, most: int) -> tuple[Segment, ...]:
    """Give groups of rows by their label: up to so many classes that *labels* have most of, or the fifths of amounts.

    `feature` is none of them: they hold labels.
    """
    names = schema.named_classes
    if not names:
        places = np.sort(labels)[[len(labels) * k // FIFTHS for k in range(1, FIFTHS)]] if len(labels) else labels
        bounds = (-math.inf, *sorted(set(places.tolist())), math.inf)
        return tuple(
            Segment(name=_bin(LABEL, low, high), feature=NO_FEATURE, low=low, high=high)
            for low, high in pairwise(bounds)
        )
    counts = np.bincount(labels.astype(np.int64), minlength=len(names)).tolist()
    codes = sorted(sorted(range(len(names)), key=lambda code: (-counts[code], code))[:most])
    return tuple(Segment(name=f"{LABEL}={names[code]}", feature=NO_FEATURE, code=code) for code in codes)


def sums(held: Sequence[NDArray[np.bool_]], lost: Ints) -> Ints:
    """Add up the fixed-point losses *lost* (n,) of the rows that each segment holds, as (segments, 3) integers.

    That is 24 bytes a segment, so at most 384 a block and version. Merging is addition.
    """
    return np.array([block(lost[mine]) for mine in held], dtype=np.int64).reshape(-1, SUMS)


def of_segment(parts: Iterable[Ints], segment: int) -> tuple[Sums, ...]:
    """Give the block of one segment out of each of *parts*."""
    return tuple((int(one[segment, 0]), int(one[segment, 1]), int(one[segment, 2])) for one in parts)
