"""Corrections of another version's output."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import assert_never

import numpy as np

from remission.columns import Floats

_EDGE = 1e-9  # keeps logits finite


class UnknownRecalibration(ValueError):
    """The correction is of no kind that is known here."""

    def __init__(self, method: object) -> None:
        super().__init__(f"{type(self).__doc__} {method!r}.")
        self.method = method


@dataclass(frozen=True, slots=True)
class Affine:
    """Output times slope plus intercept: for values."""

    slope: float
    intercept: float


@dataclass(frozen=True, slots=True)
class Logistic:
    """The same on the logit: for probabilities (Platt 1999)."""

    slope: float
    intercept: float


@dataclass(frozen=True, slots=True)
class Piecewise:
    """Linear between knots, flat beyond them: for isotonic fits."""

    x: tuple[float, ...]
    y: tuple[float, ...]


Recalibration = Affine | Logistic | Piecewise


def parse_recalibration(document: bytes) -> Recalibration:
    """Return the correction that a JSON artefact describes.

    >>> parse_recalibration(b'{"method": "affine", "slope": 2, "intercept": 1}')
    Affine(slope=2.0, intercept=1.0)

    Raises:
        UnknownRecalibration: Its method is not known.
        KeyError: It lacks a parameter.
    """
    fields = json.loads(document)
    match fields.get("method"):
        case "affine":
            return Affine(float(fields["slope"]), float(fields["intercept"]))
        case "logistic":
            return Logistic(float(fields["slope"]), float(fields["intercept"]))
        case "piecewise":
            return Piecewise(tuple(map(float, fields["x"])), tuple(map(float, fields["y"])))
        case method:
            raise UnknownRecalibration(method)


def recalibrate(how: Recalibration, output: Floats) -> Floats:
    """Return *output*, (rows,), corrected.

    >>> recalibrate(Logistic(1.0, 0.0), np.array([0.25])).round(6)
    array([0.25])
    """
    match how:
        case Affine():
            return output * how.slope + how.intercept
        case Logistic():
            inner = np.clip(output, _EDGE, 1 - _EDGE)
            logit = np.log(inner) - np.log1p(-inner)
            corrected: Floats = 1 / (1 + np.exp(-(how.slope * logit + how.intercept)))
            return corrected
        case Piecewise():
            return np.interp(output, how.x, how.y)
        case _:
            assert_never(how)
