"""Recorded history whose features follow the clock, through the whole service: what its seasons hide, and what not."""

from __future__ import annotations

from typing import Any

import numpy as np

from backtest.stream import Column, Stream
from tests.fixtures.faults import lived

REFERENCE, ROWS = 2_400, 3_600  #: ten days, and five more
PACE_US, DAY_US = 360_000_000, 86_400_000_000
DRIFT = {"alarms": "always"}
QUIET: dict[str, dict[str, Any]] = {
    "quality": {"alarms": "never"}, "regret": {"every": 0}, "timers": {"silence_seconds": 1e9}
}  # fmt: skip


def swinging(shift: float) -> Stream:
    """Give ten rows an hour, of which `b` swings each day, and has a *shift* behind the reference; `a` is the label."""
    chance, times = np.random.default_rng(4), np.arange(ROWS) * PACE_US
    rows = chance.normal(size=(ROWS, 2))
    labels = (rows[:, 0] + chance.normal(scale=0.3, size=ROWS) > 0).astype(float)
    rows[:, 1] += 2 * np.sin(2 * np.pi * times / DAY_US) + shift * (np.arange(ROWS) >= REFERENCE)
    return Stream(
        name="planted", task="binary", classes=("no", "yes"), labels=labels, reference_rows=REFERENCE, times_us=times,
        columns=(Column(name="a", values=rows[:, 0]), Column(name="b", values=rows[:, 1])),
    )  # fmt: skip


def alarms(events: list[dict[str, Any]]) -> list[str]:
    return [event["payload"]["subject"] for event in events if event["type"] == "alarm_raised"]


def test_a_shift_that_a_swing_of_the_day_hides_is_found_by_hour_and_each_decision_derives_again() -> None:
    blind, _ = lived(swinging(0.7), drift=DRIFT, **QUIET)

    seeing, audit = lived(swinging(0.7), drift={**DRIFT, "seasons": ["hour"]}, **QUIET)

    assert alarms(blind) == []
    assert alarms(seeing) == ["b"]
    assert "decline_confirmed" in [event["type"] for event in seeing]
    assert (audit.rederived, audit.failures) == (audit.decisions, [])
    assert audit.decisions >= 2


def test_a_swing_alone_raises_nothing() -> None:
    events, _ = lived(swinging(0.0), drift={**DRIFT, "seasons": ["hour"]}, **QUIET)

    assert alarms(events) == []
