"""The rows that a bake-off compares on, and what the champion lost on them: as trainers and the server count it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from measures.losses import fixed, losses
from measures.sums import block
from retraining.dataset import Dataset
from retraining.scope import Range, Spec
from retraining.segments import Blocks, by_segment

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Held:
    """The rows of a holdout of which truth and the champion's answer are known."""

    spec: Spec
    data: Dataset
    rows: Ints  #: (n,) where they stand in the dataset
    parts: tuple[npt.NDArray[np.bool_], ...]  #: (n,) of each segment of the spec: which of them it holds

    @classmethod
    def of(cls, spec: Spec, data: Dataset) -> Held:
        """Find them in *data*."""
        rows = known(data, indices(data, (spec.holdout,)), spec.champion)
        return cls(spec, data, rows, tuple(one.holds(data.rows[rows, one.feature]) for one in spec.segments))

    def cost(self, outputs: Floats) -> Ints:
        """Give what *outputs* (n,) for these rows lose on each, in fixed point."""
        found = losses(self.spec.task, self.spec.metric, outputs, self.data.labels[self.rows])
        return fixed(found, self.spec.unit)

    def champions(self) -> Floats:
        """Give what the champion answered, (n,)."""
        return np.asarray(self.data.outputs[self.spec.champion][self.rows])

    def blocks(self, values: Ints) -> Blocks:
        """Add *values* (n,) of the rows up in the order of time, in the blocks that the spec asks for."""
        return [block(part) for part in np.array_split(values, min(self.spec.blocks, max(len(values), 1)))]

    def by_segment(self, values: Ints) -> list[Blocks]:
        """Add *values* (n,) up for the rows that each segment of the spec holds, in the same blocks."""
        return by_segment(self.parts, values, self.spec.blocks)


def known(data: Dataset, rows: Ints, version: str = "") -> Ints:
    """Keep those of *rows* whose truth is known, and that *version* answered where one is named."""
    found = ~np.isnan(data.labels[rows])
    if version:
        found &= ~np.isnan(data.outputs[version][rows])
    return np.asarray(rows[found])


def indices(data: Dataset, ranges: tuple[Range, ...]) -> Ints:
    """Say where the rows of *ranges* stand in *data*; those that it does not have are left out."""
    base, last = data.first_row, data.first_row + len(data.labels)
    parts = [np.arange(max(first, base), min(end, last)) - base for first, end in ranges]
    return np.unique(np.concatenate(parts)) if parts else np.empty(0, dtype=np.int64)
