"""Claims about the parts of a rise that faults make, and about what is told of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from diagnosis.causes import Rise, bad_data, suspected
from diagnosis.inputs import SQUARE_UNIT, UNIT, Feature, Table

FEATURES = [Feature("x", 0, 3), Feature("y", 3, 2)]
#: A hundred rows before and since: how many lie in each slot of `x` and of `y`, and how many of these cost 1.
BEFORE = (80, 10, 10, 90, 10), (14, 3, 3, 18, 2)
SINCE = (50, 30, 20, 80, 20), (9, 21, 15, 37, 8)


def table(rows: tuple[int, ...], bad: tuple[int, ...]) -> Table:
    counts, lost = np.array([rows]), np.array([bad])
    return Table(counts, lost * UNIT, lost[0] * SQUARE_UNIT)


RISE = Rise(FEATURES, table(*BEFORE), table(*SINCE))


def fault(feature: str, kind: str, *slots: int, **told: Any) -> dict[str, Any]:
    return {"feature": feature, "kind": kind, "slots": list(slots), "log_evidence": 9.0, **told}


def test_a_fault_costs_what_its_rows_lose_beyond_the_mean_of_before_and_beyond_what_they_always_lost() -> None:
    found = bad_data(RISE, [fault("x", "missing", 1)])

    assert RISE.mean == pytest.approx(0.2)
    assert found is not None
    assert found.amount == pytest.approx((21 - 30 * 0.2) / 100 - (3 - 10 * 0.2) / 100)


def test_faults_of_one_feature_add_up_and_of_several_features_the_most_costly_counts() -> None:
    faults = [fault("y", "stuck", 1, log_evidence=30.0), fault("x", "range", 2), fault("x", "missing", 1)]
    found = bad_data(RISE, faults)

    assert found is not None
    assert found.amount == pytest.approx((36 - 50 * 0.2) / 100 - (6 - 20 * 0.2) / 100)
    assert (found.features, found.note, found.log_evidence) == (("x", "y"), "missing in x, range in x", 30.0)


def test_a_fault_of_which_something_is_told_is_named_before_one_of_more_evidence() -> None:
    faults = [fault("x", "missing", log_evidence=30.0), fault("y", "absurd", told="1 far above all that is known")]

    (found,) = suspected(faults, [])
    assert found.features == ("x", "y")
    assert found.note == "absurd in y (1 far above all that is known); cost not known"


def test_drift_within_a_segment_is_told_of_the_feature_and_not_of_the_segment() -> None:
    drifted = [
        {"name": "x in region=north", "within": "x", "change": "shift +1.0", "log_evidence": 9.0},
        {"name": "y", "change": "scale 2.00", "log_evidence": 30.0},
        {"name": "x", "change": "shift +0.1", "log_evidence": 8.0},
    ]

    (found,) = suspected([], drifted)
    assert (found.features, found.note) == (("x", "y"), "scale 2.00; cost not known")
