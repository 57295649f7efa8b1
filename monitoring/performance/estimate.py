"""Estimates the loss of rows whose labels have not come, from what rows like them cost in the reference.

What is known of a row is the slot of each of its features. A table gives each slot its part of the expected loss, so
the mean over a window is counts times table: exact, in any order, and with no row at hand. The parts are fitted by
backfitting with shrinkage (Hastie and Tibshirani 1990, chapter 4); how much they are shrunk is chosen by predicting
blocks of the reference from the others. Two classes with scores are better served by `confidence.py`.

Like every such estimate it holds while the loss of a row given its features stays what it was: it sees covariate drift,
and is blind to a changed concept.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from measures.losses import SCALE
from monitoring.profiles.profile import Profile
from monitoring.profiles.reference import FIRST_BIN, Floats, Ints, Reference

ROUNDS = 3  #: of backfitting; the parts of features that overlap settle within a few
SHRINKAGES = (5.0, 40.0, 320.0)  #: rows at no difference that each slot borrows
COARSE = 8  #: neighbouring bins that have a part in common, so that few rows a bin suffice for what is smooth
FOLDS = 5
LEAST_ROWS = 50  #: with a loss, below which a table tells nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimated:
    """The loss a row that a window is expected to have, in units of loss, and its standard error."""

    loss: float
    error: float
    rows: int

    def to_json(self) -> dict[str, Any]:
        """Return plain values, for canonical bytes."""
        return {"loss": self.loss, "error": self.error, "rows": self.rows}


@dataclass(frozen=True, slots=True, eq=False)
class LossByBin:
    """What each slot adds to the loss of a row: `parts` are (flat slots), in steps of `1 / SCALE` unit, as is `base`.

    `spread` is the standard deviation of a row's loss around its estimate, and `stray` that of the mean of a block of
    the reference around its estimate from the other blocks, beyond what `spread` explains; both in units of loss.
    """

    base: int
    parts: Ints
    spread: float
    stray: float

    def estimate(self, window: Profile) -> Estimated:
        """Return what *window* is expected to lose a row.

        Raises:
            ValueError: The window has no rows.
        """
        if not window.rows:
            message = "a window without rows has no loss to estimate"
            raise ValueError(message)
        total = self.base * window.rows + int(window.counts @ self.parts)
        error = math.sqrt(self.spread**2 / window.rows + self.stray**2)
        return Estimated(loss=round(total / window.rows / SCALE, 9), error=round(error, 9), rows=window.rows)

    def to_json(self) -> dict[str, Any]:
        """Return plain values, for canonical bytes."""
        return {"base": self.base, "parts": self.parts.tolist(), "spread": self.spread, "stray": self.stray}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Undo `to_json`."""
        return cls(data["base"], np.array(data["parts"], np.int64), float(data["spread"]), float(data["stray"]))


def learn_losses(reference: Reference, rows: Floats, outputs: Floats, losses: Floats) -> LossByBin | None:
    """Learn the table from *rows* (n, features), *outputs* (n,) and their *losses* (n,) in units; NaN is unknown.

    None where too few losses are known to tell anything.

    >>> from monitoring.profiles.learning import learn
    >>> from monitoring.profiles.profile import profile
    >>> from monitoring.profiles.reference import Column
    >>> rng = np.random.default_rng(7)
    >>> x = rng.uniform(size=(2_000, 1))
    >>> cost = (rng.uniform(size=2_000) < x[:, 0]).astype(float)
    >>> reference = learn([Column(name="x")], x, np.zeros(2_000))
    >>> table = learn_losses(reference, x, np.zeros(2_000), cost)
    >>> high = x[x[:, 0] > 0.8]
    >>> round(table.estimate(profile(reference, high, np.zeros(len(high)))).loss, 1)
    0.9
    """
    known = np.isfinite(losses)
    if known.sum() < LEAST_ROWS:
        return None
    fit = _Fit(_coarse(reference), reference.place(rows[known], outputs[known]))
    lost, blocks = losses[known], _blocks(int(known.sum()))
    tried = [(_crossed(fit, lost, blocks, each), each) for each in SHRINKAGES]
    predicted, shrinkage = min(tried, key=lambda one: float(np.mean((one[0] - lost) ** 2)))
    spread, stray = _strays(lost - predicted, blocks)
    base, parts = fit.parts(lost, np.ones(len(lost), bool), shrinkage)
    return LossByBin(round(base * SCALE), np.rint(parts * SCALE).astype(np.int64), spread, stray)


def _coarse(reference: Reference) -> Ints:
    """Return for each flat slot the stretch of bins that it belongs to; special slots and categories stand alone."""
    found: list[int] = []
    for feature in reference.features:
        bins = range(feature.slots - FIRST_BIN)
        groups = [k // COARSE for k in bins] if feature.kind == "numeric" else list(bins)
        first = found[-1] + 1 if found else 0
        found += [first + k for k in range(FIRST_BIN)] + [first + FIRST_BIN + k for k in groups]
    return np.array(found, dtype=np.int64)


def _blocks(rows: int) -> Ints:
    """Return which fifth of the reference each row stands in."""
    return (np.arange(rows) * FOLDS) // rows


@dataclass(frozen=True, slots=True, eq=False)
class _Fit:
    """Fits parts of losses: `groups` are (flat slots), `placed` the flat slot of each value, (n, features)."""

    groups: Ints
    placed: Ints

    def parts(self, losses: Floats, used: npt.NDArray[np.bool_], shrinkage: float) -> tuple[float, Floats]:
        """Return the mean of the *used* losses, and each slot's part: what other features leave, shrunk."""
        base, columns = float(losses[used].mean()), self.placed[used].T
        fine, coarse = np.zeros(len(self.groups)), np.zeros(int(self.groups[-1]) + 1)
        left = losses[used] - base
        for _ in range(ROUNDS):
            for column in columns:
                left = _settle(coarse, self.groups[column], left, shrinkage)
                left = _settle(fine, column, left, shrinkage)
        return base, fine + coarse[self.groups]


def _settle(parts: Floats, column: Ints, left: Floats, shrinkage: float) -> Floats:
    """Fit the parts of one column anew to what is *left*; return what is left then."""
    own = left + parts[column]
    rows = np.bincount(column, minlength=len(parts))
    here = rows > 0
    parts[here] = np.bincount(column, weights=own, minlength=len(parts))[here] / (rows[here] + shrinkage)
    return np.asarray(own - parts[column])


def _crossed(fit: _Fit, losses: Floats, blocks: Ints, shrinkage: float) -> Floats:
    """Predict each fifth of the rows from the others."""
    predicted = np.empty(len(losses))
    for each in range(FOLDS):
        mine = blocks == each
        base, parts = fit.parts(losses, ~mine, shrinkage)
        predicted[mine] = base + parts[fit.placed[mine]].sum(axis=1)
    return predicted


def _strays(residuals: Floats, blocks: Ints) -> tuple[float, float]:
    """Return how far single rows stray from what was predicted, and how far whole fifths do beyond that."""
    spread = float(residuals.std())
    fifths = [residuals[blocks == each] for each in range(FOLDS)]
    of_means = sum(float(each.mean()) ** 2 - spread**2 / len(each) for each in fifths) / FOLDS
    return round(spread, 9), round(math.sqrt(max(of_means, 0.0)), 9)
