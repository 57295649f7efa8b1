"""Segments: which rows belong together, by the value of one feature."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """The rows of one category, or of one bin of a number, of the feature with this index."""

    name: str
    feature: int
    code: int | None = None
    low: float = -math.inf
    high: float = math.inf

    def holds(self, values: Floats) -> npt.NDArray[np.bool_]:
        """Say which rows are in it, by the *values* of its feature; one that has no value is in none."""
        if self.code is not None:
            return np.asarray(values == self.code)
        return np.asarray(np.isfinite(values) & (values >= self.low) & (values < self.high))

    def to_json(self) -> dict[str, Any]:
        """Give the segment as JSON, which has no infinity: a side without a bound is not named.

        >>> Segment(name="age<30", feature=2, high=30.0).to_json()
        {'name': 'age<30', 'feature': 2, 'high': 30.0}
        """
        code = {} if self.code is None else {"code": self.code}
        bounds = {side: at for side, at in (("low", self.low), ("high", self.high)) if math.isfinite(at)}
        return {"name": self.name, "feature": self.feature, **code, **bounds}
