"""Corrections of another version's output."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, assert_never

import numpy as np

from remission.columns import Floats

_EDGE = 1e-6  # keeps logits finite; the same as where corrections are fitted and proved


class UnknownRecalibration(ValueError):
    """The correction is of no kind that is known here."""

    def __init__(self, method: object) -> None:
        super().__init__(f"{type(self).__doc__} {method!r}.")
        self.method = method


class MalformedRecalibration(ValueError):
    """The correction lacks a finite parameter, or is no JSON object."""

    def __init__(self) -> None:
        super().__init__(type(self).__doc__)


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
        MalformedRecalibration: It lacks a parameter.
    """
    try:
        return _parse(json.loads(document))
    except (KeyError, TypeError, AttributeError, json.JSONDecodeError, UnicodeDecodeError) as error:
        raise MalformedRecalibration from error


def _parse(fields: Mapping[str, Any]) -> Recalibration:
    match fields.get("method"):
        case "affine":
            return Affine(_finite(fields["slope"]), _finite(fields["intercept"]))
        case "logistic":
            return Logistic(_finite(fields["slope"]), _finite(fields["intercept"]))
        case "piecewise":
            return _piecewise(tuple(map(_finite, fields["x"])), tuple(map(_finite, fields["y"])))
        case method:
            raise UnknownRecalibration(method)


def _piecewise(x: tuple[float, ...], y: tuple[float, ...]) -> Piecewise:
    if not x or len(x) != len(y) or sorted(x) != list(x):
        raise MalformedRecalibration
    return Piecewise(x, y)


def _finite(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise MalformedRecalibration
    return float(value)


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
            corrected: Floats = 1 / (1 + np.exp(-(how.slope * np.log(inner / (1 - inner)) + how.intercept)))
            return corrected
        case Piecewise():
            return np.interp(output, how.x, how.y)
        case _:
            assert_never(how)
