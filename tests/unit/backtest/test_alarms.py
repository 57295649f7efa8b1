"""What a report tells of alarms: when, since when, what became of each, and whether it began a remedy."""

from __future__ import annotations

from typing import Any

import numpy as np

from backtest.alarms import alarms, drifted
from backtest.stream import Stream

STREAM = Stream(
    name="toy", task="binary", columns=(), labels=np.zeros(100), classes=("no", "yes"),
    times_us=np.arange(100), reference_rows=20,
)  # fmt: skip


def raised(at: int, onset: int, signal: str = "loss") -> dict[str, Any]:
    payload = {"onset_row": onset, "signal": signal, "subject": "", "detector": "d@1"}
    return {"type": "alarm_raised", "occurred_us": at, "payload": payload}


def moved(at: int, source: str, trigger: str) -> dict[str, Any]:
    return {"type": "state_changed", "occurred_us": at, "payload": {"source": source, "trigger": trigger}}


def diagnosed(at: int, cause: str) -> dict[str, Any]:
    return {"type": "diagnosis_made", "occurred_us": at, "payload": {"cause": cause}}


def test_an_alarm_ends_by_the_move_out_of_suspicion() -> None:
    told = alarms(STREAM, [raised(30, 25), moved(30, "healthy", "raise_alarm"), moved(40, "suspect", "clear_as_blip")])

    assert [(one["row"], one["onset_row"], one["verdict"], one["until"]) for one in told] == [(30, 25, "cleared", 40)]


def test_an_alarm_that_the_stream_leaves_behind_is_open() -> None:
    (told,) = alarms(STREAM, [raised(95, 90), moved(95, "healthy", "raise_alarm")])

    assert (told["verdict"], told["until"]) == ("open", None)


def test_what_comes_behind_an_alarm_belongs_to_it_until_the_next_one() -> None:
    events = [
        raised(30, 25), moved(40, "suspect", "confirm_decline"), diagnosed(40, "concept"),
        moved(40, "degraded", "start_retraining"), raised(70, 69, "quality"), moved(80, "suspect", "confirm_decline"),
        diagnosed(80, "data_quality"),
    ]  # fmt: skip

    told = alarms(STREAM, events)

    assert [(one["signal"], one["cause"], one["retrained"]) for one in told] == [
        ("loss", "concept", True), ("quality", "data_quality", False),
    ]  # fmt: skip


def test_the_cause_of_an_alarm_is_the_latest_that_was_named_and_those_before_stand_beside_it() -> None:
    events = [
        raised(30, 25),
        moved(40, "suspect", "confirm_decline"),
        diagnosed(40, "serving"),
        diagnosed(60, "concept"),
    ]

    (told,) = alarms(STREAM, events)

    assert (told["cause"], told["causes_before"]) == ("concept", ["serving"])


def test_a_log_without_alarms_tells_none() -> None:
    assert alarms(STREAM, [moved(30, "healthy", "refresh")]) == []


def test_an_alarm_whose_place_another_takes_is_overtaken() -> None:
    events = [raised(30, 25, "regret"), raised(40, 38), moved(50, "suspect", "confirm_decline")]

    told = alarms(STREAM, events)

    assert [(one["signal"], one["verdict"]) for one in told] == [("regret", "overtaken"), ("loss", "confirmed")]


def test_drift_that_is_noted_is_told_apart_from_alarms() -> None:
    fact = {"onset_row": 38, "subject": "x, y", "detector": "d@1", "log_evidence": 9.0, "at_row": 40, "evidence": ""}
    events = [{"type": "drift_noted", "occurred_us": 40, "payload": fact}]

    assert alarms(STREAM, events) == []
    assert drifted(STREAM, events) == [{"row": 40, "onset_row": 38, "subject": "x, y", "detector": "d@1"}]
