"""Facts of a window that no histogram holds: which exact values come again and again, and how often.

They are facts of a whole window, as its repeated rows are, and do not merge.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from monitoring.reference import Floats

MOST_VALUES = 4  #: that are kept of a feature
#: What fewer rows than this share have is no code that matters, and may tell of somebody; it is not kept.
LEAST_SHARE = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The rows of a window, and of each feature the values that most rows have: two and one in a hundred at least.

    The commonest come first, and of those that equally many rows have the lower: no order of rows changes what is kept.
    """

    rows: int
    repeated: tuple[tuple[tuple[float, int], ...], ...]

    def rows_with(self, feature: int, value: float) -> int:
        """Return how many rows have *value*, or 0 where others have pushed it out."""
        return dict(self.repeated[feature]).get(value, 0)

    def to_json(self) -> dict[str, Any]:
        """Return plain values, for canonical bytes."""
        return {"rows": self.rows, "repeated": [[list(pair) for pair in one] for one in self.repeated]}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Undo `to_json`."""
        repeated = tuple(tuple((float(value), int(count)) for value, count in one) for one in data["repeated"])
        return cls(rows=data["rows"], repeated=repeated)


def facts(rows: Floats) -> Facts:
    """Return the facts of *rows* (n, features).

    >>> facts(np.array([[1.0], [0.0], [-0.0], [np.nan], [2.5], [1.0], [0.0]])).repeated
    (((0.0, 3), (1.0, 2)),)
    """
    return Facts(rows=len(rows), repeated=tuple(map(_repeated, rows.T)))


def _repeated(values: Floats) -> tuple[tuple[float, int], ...]:
    # Zero is added so that both zeros are one value, of one spelling.
    each, counts = np.unique(values[np.isfinite(values)] + 0.0, return_counts=True)
    again = counts >= max(2, LEAST_SHARE * len(values))
    each, counts = each[again], counts[again]
    first = np.lexsort((each, -counts))[:MOST_VALUES]
    return tuple(zip(each[first].tolist(), counts[first].tolist(), strict=True))
