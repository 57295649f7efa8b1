"""Planting: what a cause is, the rows with it in them, and what a right diagnosis of it says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from benchmarks.causes.ground import Ground, Sick

Chance = np.random.Generator

LEAST_QUIET = 300  #: rows with a cause of which no loss rises, so that there is something to see
CLEAR = 3.5  #: standard errors by which the loss must have risen, so that there is a decline to explain


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """Rows with one cause in them; the kinds that name it, and the features of which one must be named."""

    sick: Sick
    kinds: tuple[str, ...]
    features: tuple[str, ...] = ()  #: none: the cause lies in no feature


Plant = Callable[[Ground, Chance], Iterator[Planted]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One cause: how it is planted, with the worlds to try in turn until the loss rises."""

    happens: str
    plant: Plant
    quiet: bool = False  #: no loss rises of it, and it must be named all the same
    control: bool = False  #: nothing is planted, and nothing may be named; not counted with the others
    warily: bool = False  #: asked under a policy that looks for all faults which a window can show


def planted(cause: Cause, on: Ground, seed: int) -> Planted | None:
    """Plant *cause*; None where it cannot be, where no loss rises of it, or where rows are too few for a quiet one."""
    if cause.quiet and on.sick_rows < LEAST_QUIET:
        return None
    chance = np.random.default_rng([seed, *cause.happens.encode()])
    return next((one for one in cause.plant(on, chance) if cause.quiet or risen(on, one.sick)), None)


def risen(on: Ground, sick: Sick) -> bool:
    """Say whether the loss rose clearly, by the truth and not by any judge."""
    calm = slice(on.reference_rows, on.onset)
    before, after = on.costs(on.outputs[calm], on.labels[calm]), on.costs(sick.outputs, sick.labels)
    before, after = before[~np.isnan(before)], after[~np.isnan(after)]
    error = np.hypot(before.std() / np.sqrt(len(before)), after.std() / np.sqrt(max(len(after), 1)))
    return bool(after.mean() - before.mean() > CLEAR * error) if len(after) else False
