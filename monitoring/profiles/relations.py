"""Relations: for every two variables of a row, which of their levels fall together; merging is addition.

A variable is a feature, the output, the label or the loss; a level is a part of its values: up to four parts of the
bins of the reference with a like number of rows each, and three for what is flawed, or lies below or above them. What
goes wrong upstream, in serving, in the world or with labels leaves other relations as they were: diagnosis asks which.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from monitoring.profiles.packing import packed, unpacked
from monitoring.profiles.reference import (
    FAR_OVER,
    FAR_UNDER,
    FIRST_BIN,
    LABEL,
    OVER,
    UNDER,
    Feature,
    Floats,
    Ints,
    Reference,
)

LOSS = "@loss"
FLAWED, LOW, HIGH = range(3)  #: levels of values that are missing, invalid or new, and of those outside of the bins
FIRST_PART = 3
PARTS = 4
AT_ONCE = 4_096  #: rows; what they take as a table of zeros and ones stays small


@dataclass(frozen=True, slots=True, eq=False)
class Levels:
    """The levels of all variables, one after another: `starts` says where each variable's begin, and where they end."""

    reference: Reference
    names: tuple[str, ...]
    starts: tuple[int, ...]
    of_slot: Ints  #: level of each flat slot of the reference
    loss_edges: tuple[int, ...]  #: fixed-point losses; each belongs to the level above it

    @classmethod
    def of(cls, reference: Reference, loss_edges: Sequence[int]) -> Self:
        """Cut the variables of *reference* into levels, and losses at *loss_edges*."""
        parts = [_levels(feature) for feature in reference.features]
        sizes = [*(FIRST_PART + PARTS for _ in parts), reference.label_bins, len(loss_edges) + 1]
        starts = np.concatenate([[0], np.cumsum(sizes)])
        return cls(
            reference=reference,
            names=(*(feature.name for feature in reference.features), LABEL, LOSS),
            starts=tuple(starts.tolist()),
            of_slot=np.concatenate([part + start for part, start in zip(parts, starts, strict=False)]),
            loss_edges=tuple(loss_edges),
        )

    def placed(self, rows: Floats, outputs: Floats) -> Ints:
        """Return the level of each feature and of the output, (n, features + 1)."""
        return self.of_slot[self.reference.place(rows, outputs)]

    def together(self, rows: Floats, outputs: Floats, labels: Floats, losses: Ints) -> Ints:
        """Return how many rows have each two levels, (levels, levels); all labels are known."""
        at = self._at(rows, outputs, labels, losses)
        found = np.zeros((self.starts[-1], self.starts[-1]), np.int64)
        for first in range(0, len(at), AT_ONCE):
            found += _together(at[first : first + AT_ONCE], self.starts[-1])
        return found

    def _at(self, rows: Floats, outputs: Floats, labels: Floats, losses: Ints) -> Ints:
        label = self.reference.place_labels(labels) + self.starts[-3]
        loss = np.searchsorted(np.array(self.loss_edges), losses, side="right") + self.starts[-2]
        return np.column_stack([self.placed(rows, outputs), label, loss])

    def beside(self, rows: Floats, outputs: Floats, labels: Floats, losses: Ints) -> Ints:
        """Return how many rows have each level and each of the output, label or loss, (levels, those levels).

        This is what `together` tells in the last columns; it grows with the features, and not with their square.
        """
        at, first = self._at(rows, outputs, labels, losses), self.starts[-4]
        found = np.zeros((self.starts[-1], self.starts[-1] - first), np.int64)
        for start in range(0, len(at), AT_ONCE):
            some = at[start : start + AT_ONCE] - first
            for column in (-3, -2, -1):
                flat = (some + first) * found.shape[1] + some[:, column, None]
                found += np.bincount(flat.ravel(), minlength=found.size).reshape(found.shape)
        return found

    def single(self, rows: Floats, outputs: Floats) -> Ints:
        """Return how many rows have each level, (levels,); no label is known, and so no loss."""
        return np.bincount(self.placed(rows, outputs).ravel(), minlength=self.starts[-1]).astype(np.int64)


def to_json(levels: Levels, before: Ints, after: Ints, unlabelled: Sequence[Ints]) -> dict[str, Any]:
    """Return the relations of labelled rows *before* and *after*, and the levels of those without a label, packed.

    Levels that hold nothing are left out, and of two equal halves of a table one is kept.
    """
    used = before.diagonal() + after.diagonal() + sum(unlabelled) > 0
    half = np.triu_indices(int(used.sum()))
    sizes = [int(used[first:end].sum()) for first, end in zip(levels.starts, levels.starts[1:], strict=False)]
    return {
        "variables": [{"name": name, "levels": size} for name, size in zip(levels.names, sizes, strict=True)],
        "before": packed(before[np.ix_(used, used)][half]),
        "after": packed(after[np.ix_(used, used)][half]),
        "unlabelled": [packed(one[used]) for one in unlabelled],
    }


def opened(data: dict[str, Any]) -> dict[str, Any]:
    """Undo the packing of `to_json`, for those who know nothing of it."""
    first, second = (unpacked(one) for one in data["unlabelled"])
    return {**data, "before": unpacked(data["before"]), "after": unpacked(data["after"]), "unlabelled": [first, second]}


def _together(at: Ints, levels: int) -> Ints:
    """Multiply a table of zeros and ones by itself. Floats hold such sums exactly, whatever the order of adding."""
    marks = np.zeros((len(at), levels))
    marks[np.arange(len(at))[:, None], at] = 1
    return np.asarray(marks.T @ marks).astype(np.int64)


def _levels(feature: Feature) -> Ints:
    """Return the level of each slot of *feature*: its bins in parts of like size, its words by how common they are."""
    found = np.full(feature.slots, FLAWED)
    found[[FAR_UNDER, UNDER]], found[[OVER, FAR_OVER]] = LOW, HIGH
    counts = np.array(feature.counts[FIRST_BIN:], np.int64)
    if feature.kind == "categorical":
        order = np.lexsort((np.arange(len(counts)), -counts))
        part = np.empty(len(counts), np.int64)
        part[order] = np.minimum(np.arange(len(counts)), PARTS - 1)
    elif len(counts) <= PARTS:
        part = np.arange(len(counts))
    else:
        twice_to_middle = 2 * np.cumsum(counts) - counts
        part = np.minimum(twice_to_middle * PARTS // max(2 * int(counts.sum()), 1), PARTS - 1)
    found[FIRST_BIN:] = FIRST_PART + part
    return found
