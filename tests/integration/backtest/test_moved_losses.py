"""A loss that moves anew while an incident is open, through the whole service: noted, dated, and it moves no model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from backtest.stream import Stream
from statemachine.policies.policy import Policy
from tests.fixtures.faults import PLANTED, REFERENCE, ROWS, lived, planted

STILL = {"regret": {"every": 0}}
WINDOW = Policy().windows.rows_for(REFERENCE)
BACK = 1_700  #: where labels are again what they were


def there_and_back(seed: int) -> Stream:
    """Give a stream whose labels turn round, and back."""
    turned, steady = planted("concept", seed), planted("none", seed)
    return replace(turned, labels=np.where(np.arange(ROWS) < BACK, turned.labels, steady.labels))


@pytest.mark.parametrize("seed", [3, 4, 5])
def test_a_loss_that_moves_within_an_incident_is_noted_dated_and_derived_again(seed: int) -> None:
    events, audit = lived(there_and_back(seed), **STILL)

    (alarm,) = [e["payload"] for e in events if e["type"] == "alarm_raised"]
    noted = [e["payload"] for e in events if e["type"] == "loss_noted"]
    assert abs(alarm["onset_row"] - PLANTED) <= 2 * WINDOW
    assert [(one["subject"], abs(one["onset_row"] - BACK) <= WINDOW) for one in noted] == [("v1", True)]
    assert noted[0]["after"] < noted[0]["before"]
    assert (audit.rederived, audit.failures) == (audit.decisions, [])


@pytest.mark.parametrize("fault", ["none", "concept"])
def test_where_nothing_moves_or_nothing_more_no_loss_is_noted(fault: str) -> None:
    events, _ = lived(planted(fault, 3), **STILL)

    assert [e["type"] for e in events if e["type"] == "loss_noted"] == []
    assert ("alarm_raised" in {e["type"] for e in events}) == (fault == "concept")
