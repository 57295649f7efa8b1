"""Rows of a small world as levels, and how these fall together before and since."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from diagnosis.relations import Relations

Ints = NDArray[np.int64]
SIZES = {"a": 4, "b": 3, "@output": 4, "@label": 2, "@loss": 2}
STARTS = np.concatenate([[0], np.cumsum(list(SIZES.values()))]).astype(int)


def rows_of(chance: np.random.Generator, rows: int) -> Ints:
    """Give levels: the output follows `a`, the label the output, and the loss both; `b` is idle."""
    a, b = chance.integers(0, 4, rows), chance.integers(0, 3, rows)
    output = np.where(chance.random(rows) < 0.8, a, chance.integers(0, 4, rows))
    label = (chance.random(rows) < np.array([0.1, 0.4, 0.6, 0.9])[output]).astype(np.int64)
    return np.column_stack([a, b, output, label, (output >= 2) != label])


def counted(levels: Ints) -> Ints:
    marks = np.zeros((len(levels), STARTS[-1]), np.int64)
    marks[np.arange(len(levels))[:, None], levels + STARTS[:-1]] = 1
    return marks.T @ marks


def relations(before: Ints, after: Ints, *unlabelled: Ints) -> Relations:
    """Relate rows with a label before and since, and those without one, where there are any."""
    half, none = np.triu_indices(STARTS[-1]), np.zeros(STARTS[-1], np.int64)
    told: dict[str, Any] = {
        "variables": [{"name": name, "levels": size} for name, size in SIZES.items()],
        "before": counted(before)[half], "after": counted(after)[half],
        "unlabelled": [counted(rows).diagonal() for rows in unlabelled] or [none, none],
    }  # fmt: skip
    return Relations.from_json(told)
