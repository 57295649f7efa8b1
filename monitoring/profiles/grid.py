"""The reference's bins as step functions, and a grid of even cells over them that finds a value's step with no search.

What a value's cell is follows from one product and one sum of floats. Both are monotone, so a cut in a lower cell lies
below the value and one in a higher cell above it, however they round. A cell with one cut or none needs one comparison,
with the next cut. Those with more, and what lies outside of the grid, are special: there a value's place is searched.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from monitoring.profiles.reference import (
    FAR_OVER,
    FAR_UNDER,
    FIRST_BIN,
    INVALID,
    MISSING,
    OVER,
    UNDER,
    Feature,
    Floats,
    Ints,
    Reference,
)

CELLS = 2_048  #: of a numeric feature; a category has one of its own
LARGEST = float(np.finfo(np.float64).max)


@dataclass(frozen=True, slots=True, eq=False)
class StepFunction:
    """A numeric feature as a step function.

    `cuts` ascend and end with infinity and NaN. Values in `[cuts[i], cuts[i + 1])` have slot `slots[i + 1]`, those
    below `cuts[0]` have `slots[0]`, and NaN has the last.
    """

    cuts: Floats
    slots: Ints

    @classmethod
    def of(cls, feature: Feature) -> Self:
        """Give the steps of a numeric *feature*.

        >>> from monitoring.profiles.learning import learn
        >>> from monitoring.profiles.reference import Column
        >>> x = np.array([[1.0], [2.0]] * 10)
        >>> steps = StepFunction.of(learn([Column(name="x")], x, x[:, 0]).features[0])
        >>> steps.cuts[1:].round(2).tolist(), steps.slots.tolist()
        ([0.1, 1.0, 2.0, 2.0, 3.0, inf, nan], [1, 3, 4, 7, 8, 5, 6, 1, 0])
        """
        far_low, far_high = feature.far()
        with np.errstate(over="ignore"):  # what comes after the largest number is infinity, and that is right here
            above, far_above = np.nextafter([feature.high, far_high], np.inf)
        inner = np.clip(np.array(feature.edges, dtype=np.float64), feature.low, above)
        cuts = [-LARGEST, max(far_low, -LARGEST), feature.low, *inner, above, far_above, np.inf, np.nan]
        bins = range(FIRST_BIN, FIRST_BIN + len(inner) + 1)
        slots = [INVALID, FAR_UNDER, UNDER, *bins, OVER, FAR_OVER, INVALID, MISSING]
        return cls(np.array(cuts, dtype=np.float64), np.array(slots, dtype=np.int64))

    def count(self, values: Floats) -> Ints:
        """Return how many *values* are in each step: sorted, they need one search for each cut."""
        counts = np.empty(len(self.slots), np.int64)
        counts[:-1] = np.searchsorted(np.sort(values), self.cuts)
        counts[-1] = len(values)
        counts[1:] -= counts[:-1].copy()
        return counts


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """The cells of one feature: the first and the last are those outside of the grid.

    `lower` is the step at the beginning of a cell, or -1 where a value's step takes a search.
    """

    scale: float
    shift: float
    lower: Ints

    def of(self, values: Floats) -> Floats:
        """Return the cell of each value as a float that is still to be cut to a whole number."""
        with np.errstate(over="ignore", invalid="ignore"):
            return np.minimum(np.fmax(values * self.scale + self.shift, 0.0), len(self.lower) - 1.0)


def numeric_cells(feature: Feature, steps: StepFunction) -> Cells:
    """Lay a grid of even cells over a numeric feature."""
    span = feature.high - feature.low or 1.0
    with np.errstate(over="ignore", invalid="ignore"):
        scale = np.float64(CELLS - 2) / span
        shift = 2.0 - np.float64(feature.low) * scale
    if not (np.isfinite(scale) and np.isfinite(shift)):
        scale = shift = np.float64(0.0)
    bare = Cells(float(scale), float(shift), np.zeros(CELLS + 2, np.int64))
    cuts = steps.cuts[:-2]  # infinity and NaN lie outside of every grid
    number = np.bincount(bare.of(cuts).astype(np.int64), minlength=CELLS + 2)
    lower = np.concatenate([[0], np.cumsum(number)[:-1]])
    lower[number > 1] = lower[0] = lower[-1] = -1
    return Cells(bare.scale, bare.shift, lower)


def category_cells(feature: Feature) -> Cells:
    """Give each known code the cell of its bin; it holds for whole values alone."""
    lower = np.concatenate([[-1], np.array(feature.codes, dtype=np.int64) + FIRST_BIN, [-1]])
    return Cells(1.0, 1.0, lower)


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """The cells of all features one after another, and where their steps are counted.

    Feature j has the cells `[first[j], first[j + 1])`, and the places `[begins[j], begins[j + 1])` to count at: one for
    each step and then one for what is special. `cut` is where the step after that of a place begins, or NaN. `target`
    says which flat slot a place belongs to; what is special belongs to none, and has the number past the last.
    """

    steps: tuple[StepFunction | None, ...]
    scale: Floats
    shift: Floats
    top: Floats
    first: Ints
    lower: Ints
    cut: Floats
    begins: Ints
    target: Ints

    @classmethod
    def of(cls, reference: Reference) -> Self:
        """Lay the grid of a reference."""
        features, starts = reference.features, reference.starts
        steps = tuple(StepFunction.of(each) if each.kind == "numeric" else None for each in features)
        cells = [category_cells(f) if s is None else numeric_cells(f, s) for f, s in zip(features, steps, strict=True)]
        slots = [np.arange(f.slots) if s is None else s.slots for f, s in zip(features, steps, strict=True)]
        begins = np.cumsum([0, *(len(each) + 1 for each in slots)])
        special = begins[1:] - 1
        none = [np.full(len(each) + 1, np.nan) for each in slots]
        cuts = [n if s is None else np.append(s.cuts, n[:2]) for s, n in zip(steps, none, strict=True)]
        lower = [np.where(c.lower < 0, s, c.lower + b) for c, b, s in zip(cells, begins[:-1], special, strict=True)]
        target = [np.append(each + start, starts[-1]) for each, start in zip(slots, starts[:-1], strict=True)]
        return cls(
            steps=steps,
            scale=np.array([each.scale for each in cells]),
            shift=np.array([each.shift for each in cells]),
            top=np.array([len(each.lower) - 1.0 for each in cells]),
            first=np.cumsum([0, *(len(each.lower) for each in cells)]),
            lower=np.concatenate(lower),
            cut=np.concatenate(cuts),
            begins=begins,
            target=np.concatenate(target),
        )

    @property
    def special(self) -> Ints:
        """The place of what is special, for each feature."""
        return self.begins[1:] - 1
