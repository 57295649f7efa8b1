"""Each alarm of a backtest: when, about what, since when, and what became of it; and what was noted without one."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from backtest.stream import Stream

#: What the move out of suspicion says of the alarm.
VERDICTS = {"confirm_decline": "confirmed", "clear_as_blip": "cleared", "give_up_waiting": "unresolved"}
OPEN = "open"


def alarms(stream: Stream, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Tell every alarm by the last row that had come, with `onset_row`, the first row that looked bad.

    `verdict` is confirmed, cleared, unresolved, overtaken by the next alarm, or open where the stream has ended before;
    `until` the row at which it came to that. `cause` is what the latest diagnosis named, `causes_before` what those
    before it did, and `retrained` says whether a remedy was begun for it.
    """
    told = [_told(stream, raised, after) for raised, after in _episodes(events)]
    for one in told[:-1]:
        one["verdict"] = "overtaken" if one["verdict"] == OPEN else one["verdict"]
    return told


def noted(stream: Stream, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Tell every fault of single rows, which raised no alarm, by the last row that had come."""
    return _notes(stream, events, "fault_noted", ("onset_row", "subject", "detector", "rows"))


def drifted(stream: Stream, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Tell every drift that was noted and raised no alarm, by the last row that had come."""
    return _notes(stream, events, "drift_noted", ("onset_row", "subject", "detector"))


def moved(stream: Stream, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Tell every loss that was noted to have moved anew within an incident, by the last row that had come."""
    return _notes(stream, events, "loss_noted", ("onset_row", "subject", "detector", "before", "after"))


def _notes(stream: Stream, events: list[dict[str, Any]], kind: str, names: tuple[str, ...]) -> list[dict[str, Any]]:
    found = [event for event in events if event["type"] == kind]
    return [
        {"row": stream.row_at(one["occurred_us"]), **{name: one["payload"][name] for name in names}} for one in found
    ]


def _episodes(events: list[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Give each alarm with what came behind it, up to the next one."""
    raised = [number for number, event in enumerate(events) if event["type"] == "alarm_raised"]
    for first, end in pairwise([*raised, len(events)]):
        yield events[first], events[first + 1 : end]


def _told(stream: Stream, raised: dict[str, Any], after: list[dict[str, Any]]) -> dict[str, Any]:
    fact, moves = raised["payload"], [event for event in after if event["type"] == "state_changed"]
    left = next((move for move in moves if move["payload"]["source"] == "suspect"), None)
    causes = [event["payload"]["cause"] for event in after if event["type"] == "diagnosis_made"]
    return {
        "row": stream.row_at(raised["occurred_us"]),
        "onset_row": fact["onset_row"],
        "signal": fact["signal"],
        "subject": fact["subject"],
        "detector": fact["detector"],
        "verdict": VERDICTS.get(left["payload"]["trigger"], OPEN) if left else OPEN,
        "until": stream.row_at(left["occurred_us"]) if left else None,
        "cause": causes[-1] if causes else "",
        "causes_before": causes[:-1],
        "retrained": any(move["payload"]["trigger"] == "start_retraining" for move in moves),
    }
