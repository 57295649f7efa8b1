"""What counts fast gives the integers of what places every value, for whatever a float can hold."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from monitoring.profiles.compiled import CompiledCounter
from monitoring.profiles.counting import STRETCH, ArrayCounter, Counter
from monitoring.profiles.learning import learn
from monitoring.profiles.reference import Column, Reference

Floats = NDArray[np.float64]
ODD = [0.0, -0.0, 5e-324, -5e-324, 2.2e-308, 1e-300, 1.7e308, -1.7e308, np.inf, -np.inf, np.nan, 0.5, -1.0, 1e18]
LARGEST = np.finfo(np.float64).max
CHANCE = np.random.default_rng(20261125)
#: Pasts of one feature: each is hard in a way of its own.
PASTS = {
    "normal": CHANCE.normal(size=300),
    "heavy": CHANCE.standard_cauchy(300) ** 3,
    "positive": CHANCE.lognormal(sigma=4, size=300),
    "far from zero": 1e15 + CHANCE.normal(size=300),
    "tied": np.round(CHANCE.normal(size=300)),
    "constant": np.full(300, 3.0),
    "subnormal": CHANCE.integers(0, 200, 300) * 5e-324,
    "whole line": np.linspace(-1, 1, 300) * LARGEST,
    "huge": np.linspace(0.5, 1, 300) * LARGEST,
    "unknown": np.full(300, np.nan),
}
COLUMNS = [
    *(Column(name=name) for name in PASTS),
    Column(name="few", kind="categorical", categories=5),
    Column(name="many", kind="categorical", categories=100),
    Column(name="none", kind="categorical"),
]
CODES = [CHANCE.integers(0, 5, 300), CHANCE.integers(0, 100, 300), np.zeros(300)]
REFERENCE = learn(COLUMNS, np.column_stack([*PASTS.values(), *CODES]), CHANCE.random(300))
COUNTERS: list[Counter] = [ArrayCounter(REFERENCE), CompiledCounter(REFERENCE)]


def placed(reference: Reference, rows: Floats, outputs: Floats) -> list[int]:
    """Count by placing each value."""
    counts = np.bincount(reference.place(rows, outputs).ravel(), minlength=reference.starts[-1])
    return [int(count) for count in counts]


def borders() -> Floats:
    """Give every value at which a slot begins or ends, and both neighbours of each."""
    edges = [edge for f in REFERENCE.features for edge in (*f.edges, f.low, f.high, *f.far())]
    at = np.array([*edges, *range(-1, 102), *ODD])
    with np.errstate(over="ignore"):
        return np.concatenate([at, np.nextafter(at, np.inf), np.nextafter(at, -np.inf)])


BORDERS = borders()
VALUES = st.one_of(st.sampled_from(BORDERS.tolist()), st.floats(), st.integers(-3, 105).map(float))


@pytest.mark.parametrize("counter", COUNTERS)
@given(values=st.lists(VALUES, max_size=40))
def test_any_values_are_counted_where_they_are_placed(counter: Counter, values: list[float]) -> None:
    column = np.array(values, dtype=np.float64)
    rows = np.tile(column[:, None], len(COLUMNS))

    counts = counter.count(rows, column)

    assert counts.tolist() == placed(REFERENCE, rows, column)


@pytest.mark.parametrize("counter", COUNTERS)
def test_each_side_of_each_border_is_counted_where_it_is_placed(counter: Counter) -> None:
    rows = np.tile(BORDERS[:, None], len(COLUMNS))

    counts = counter.count(rows, BORDERS)

    assert counts.tolist() == placed(REFERENCE, rows, BORDERS)


@pytest.mark.parametrize("counter", COUNTERS)
def test_more_rows_than_a_stretch_are_counted_where_they_are_placed(counter: Counter) -> None:
    chance = np.random.default_rng(3)
    rows = np.column_stack([chance.choice(past, 3 * STRETCH + 1) for past in (*PASTS.values(), *CODES)]).astype(float)
    rows[chance.random(rows.shape) < 0.02] = np.nan
    outputs = chance.normal(size=len(rows))

    counts = counter.count(rows, outputs)

    assert counts.tolist() == placed(REFERENCE, rows, outputs)


@given(past=st.lists(st.floats(), min_size=10, max_size=90), now=st.lists(st.floats(), max_size=30))
def test_whatever_the_reference_learned_values_are_counted_where_they_are_placed(
    past: list[float], now: list[float]
) -> None:
    learned, column = np.array(past, dtype=np.float64), np.array([*past, *now], dtype=np.float64)
    reference = learn([Column(name="x")], learned[:, None], learned)

    counts = ArrayCounter(reference).count(column[:, None], column)

    assert counts.tolist() == placed(reference, column[:, None], column)
    assert counts.tolist() == CompiledCounter(reference).count(column[:, None], column).tolist()


@pytest.mark.parametrize("counter", COUNTERS)
def test_rows_of_another_width_are_refused(counter: Counter) -> None:
    with pytest.raises(ValueError, match=r"rows have shape \(4, 2\), expected \(4, 13\)"):
        counter.count(np.zeros((4, 2)), np.zeros(4))


@pytest.mark.parametrize("counter", COUNTERS)
def test_no_rows_are_counted_as_none(counter: Counter) -> None:
    counts = counter.count(np.zeros((0, len(COLUMNS))), np.zeros(0))

    assert counts.tolist() == [0] * REFERENCE.starts[-1]


def test_what_counts_in_the_service_does_not_load_numba() -> None:
    look = "import sys, monitoring.profiles.profile, server.watching.watch; print('numba' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", look], check=True, capture_output=True, text=True)

    assert found.stdout == "False\n"
