from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from remission.recalibration import (
    Affine,
    MalformedRecalibration,
    Piecewise,
    UnknownRecalibration,
    parse_recalibration,
    recalibrate,
)

from retraining import models

LINES = st.floats(-5, 5)
CHANCES = st.lists(st.floats(0, 1), min_size=1, max_size=20)


@given(CHANCES, LINES, LINES)
def test_what_is_served_is_what_was_proved_to_the_bit(chances: list[float], slope: float, offset: float) -> None:
    """The sandbox judges a correction by arithmetic of its own; serving must not differ, least of all at the ends."""
    how = parse_recalibration(json.dumps({"method": "logistic", "slope": slope, "intercept": offset}).encode())
    output = np.array(chances)

    assert np.array_equal(recalibrate(how, output), models.recalibrate("binary", output, slope, offset))


@given(st.lists(st.floats(-1e6, 1e6), min_size=1), LINES, LINES)
def test_values_are_corrected_as_they_were_proved(values: list[float], slope: float, offset: float) -> None:
    output = np.array(values)

    assert np.array_equal(
        recalibrate(Affine(slope, offset), output), models.recalibrate("regression", output, slope, offset)
    )


def test_a_step_curve_is_flat_beyond_its_ends() -> None:
    how = parse_recalibration(b'{"method": "piecewise", "x": [0.25, 0.75], "y": [0.0, 1.0]}')

    assert recalibrate(how, np.array([0.0, 0.5, 1.0])).tolist() == [0, 0.5, 1]
    assert isinstance(how, Piecewise)


@pytest.mark.parametrize(
    "document",
    [
        b"", b"{", b"\xff", b"[]", b"7", b"null",
        b'{"method": "affine", "slope": 1}',
        b'{"method": "affine", "slope": "1", "intercept": 0}',
        b'{"method": "affine", "slope": true, "intercept": 0}',
        b'{"method": "logistic", "slope": NaN, "intercept": 0}',
        b'{"method": "logistic", "slope": 1, "intercept": Infinity}',
        b'{"method": "piecewise", "x": [], "y": []}',
        b'{"method": "piecewise", "x": [0, 1], "y": [0]}',
        b'{"method": "piecewise", "x": [1, 0], "y": [0, 1]}',
        b'{"method": "piecewise", "x": 7, "y": [0]}',
    ],
)  # fmt: skip
def test_a_correction_that_lacks_something_is_refused(document: bytes) -> None:
    with pytest.raises(MalformedRecalibration):
        parse_recalibration(document)


@pytest.mark.parametrize("method", ["pickle", None, ["affine"], {}])
def test_a_correction_of_another_kind_is_refused_by_its_name(method: object) -> None:
    with pytest.raises(UnknownRecalibration) as caught:
        parse_recalibration(json.dumps({"method": method}).encode())

    assert caught.value.method == method
