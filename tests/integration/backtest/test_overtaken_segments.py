"""A decline of the whole that begins while a segment is looked into, through the whole service: it is not shut out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from backtest.stream import Stream
from statemachine.policies.policy import Policy
from tests.fixtures.faults import PLANTED, REFERENCE, ROWS, lived, planted

EDGE = 1.4  #: of the feature `d`, which decides nothing; a twelfth of the rows lies above it
LOCAL = 900  #: from here on the labels of that segment are turned round
WINDOW = Policy().windows.rows_for(REFERENCE)
POLICY: dict[str, Any] = {
    "regret": {"every": 0},
    "segments": {"splits": [{"name": "d", "column": "d", "edges": [EDGE]}]},
    "confirmation": {"alpha": 1e-6, "most_windows": 100},  # so that the segment is still looked into with `PLANTED`
}


def local_then_whole(seed: int) -> Stream:
    """Give a stream of which a segment goes wrong first, and the whole with `PLANTED`."""
    stream = planted("concept", seed)
    d = next(one.values for one in stream.columns if one.name == "d")
    at = np.arange(ROWS)
    turned = (d >= EDGE) & (at >= LOCAL) & (at < PLANTED)
    return replace(stream, labels=np.where(turned, 1 - stream.labels, stream.labels))


@pytest.mark.parametrize("seed", [7, 10, 13, 14])
def test_a_loss_of_the_whole_is_not_shut_out_by_a_segment_that_is_looked_into(seed: int) -> None:
    events, audit = lived(local_then_whole(seed), **POLICY)

    alarms = [e["payload"] for e in events if e["type"] == "alarm_raised"]
    confirmed = [e["payload"]["signal"] for e in events if e["type"] == "decline_confirmed"]
    assert [one["signal"] for one in alarms] == ["segment", "loss"]
    assert alarms[0]["at_row"] < PLANTED
    assert abs(alarms[1]["onset_row"] - PLANTED) <= WINDOW
    assert confirmed[:1] == ["loss"]
    assert (audit.rederived, audit.failures) == (audit.decisions, [])
