"""Claims about the parts of a rise: their standard errors are those that the world shows."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from diagnosis.causes import Rise
from diagnosis.inputs import SQUARE_UNIT, UNIT, Feature, Table
from diagnosis.parts import moved_feature

FEATURE = Feature("x", 0, 3)
RATES = np.array([0.1, 0.5, 0.9])  #: of losses of 1, in each slot


def drawn(chance: np.random.Generator, rows: int, shares: list[float]) -> Table:
    """Draw rows of one label into slots, and what they cost."""
    counts: NDArray[np.int64] = chance.multinomial(rows, shares)
    bad = chance.binomial(counts, RATES)
    return Table(counts[None, :], bad[None, :] * UNIT, bad * SQUARE_UNIT)


@pytest.mark.parametrize("since", [[0.5, 0.3, 0.2], [0.2, 0.3, 0.5]], ids=["the same shares", "other shares"])
def test_what_a_moved_feature_explains_strays_by_its_standard_error(since: list[float]) -> None:
    chance, before = np.random.default_rng(3), [0.5, 0.3, 0.2]
    told = np.array([
        moved_feature(Rise([FEATURE], drawn(chance, 2_000, before), drawn(chance, 1_000, since)), FEATURE)
        for _ in range(2_000)
    ])  # fmt: skip

    amounts, errors = told.T
    assert amounts.mean() == pytest.approx(
        float((np.array(since) - before) @ RATES), abs=0.003
    )  # a slot borrows five rows
    assert errors.mean() == pytest.approx(float(amounts.std()), rel=0.05)
