"""Rulings: the events that judges call for, each made in one place from what was judged."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from monitoring.performance.shifts import Shift
from rollout import judge as canary

Inputs = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """The event that a judge calls for, and its fields without `evidence`."""

    event: str
    payload: dict[str, Any]


def raised(inputs: Inputs, detector: str, nats: float, onset_row: int) -> Ruling:
    """Raise suspicion: *inputs* name the signal, and the subject where there is one."""
    payload = {
        "signal": inputs["signal"],
        "detector": detector,
        "log_evidence": nats,
        "onset_row": onset_row,
        "at_row": inputs["at_row"],
        "subject": inputs.get("subject", ""),
    }
    return Ruling(event="alarm_raised", payload=payload)


def noted(inputs: Inputs, detector: str, nats: float, onset_row: int, rows: int) -> Ruling:
    """Note faulty rows that raise no suspicion: *inputs* name the subject."""
    payload = {
        "subject": inputs["subject"], "detector": detector, "log_evidence": nats, "onset_row": onset_row,
        "at_row": inputs["at_row"], "rows": rows,
    }  # fmt: skip
    return Ruling(event="fault_noted", payload=payload)


def drifted(inputs: Inputs, detector: str, nats: float, onset_row: int) -> Ruling:
    """Note that rows are other than they were, with no suspicion: *inputs* name the subject."""
    payload = {
        "subject": inputs["subject"], "detector": detector, "log_evidence": nats, "onset_row": onset_row,
        "at_row": inputs["at_row"],
    }  # fmt: skip
    return Ruling(event="drift_noted", payload=payload)


def moved(inputs: Inputs, found: Shift) -> Ruling:
    """Note that a version's loss has moved anew."""
    payload = {
        "subject": found.version, "detector": "shiryaev_roberts_t@1", "log_evidence": found.log_evidence,
        "onset_row": found.onset_row, "at_row": inputs["at_row"], "before": found.before, "after": found.after,
    }  # fmt: skip
    return Ruling(event="loss_noted", payload=payload)


def resolved(inputs: Inputs, verdict: str, nats: float) -> Ruling | None:
    """Confirm the decline or clear the alarm; None where it stays open."""
    events = {"confirmed": "decline_confirmed", "cleared": "alarm_cleared"}
    if verdict not in events:
        return None
    payload = {"signal": inputs["signal"], "log_evidence": nats, "at_row": inputs["at_row"]}
    return Ruling(event=events[verdict], payload=payload)


def recovered(inputs: Inputs, nats: float) -> Ruling:
    """Say that what spoke against the champion has gone."""
    return Ruling(event="recovery_shown", payload={"log_evidence": nats, "at_row": inputs["at_row"]})


def challenged(inputs: Inputs, finding: str, nats: float) -> Ruling:
    """Say what a challenge has found."""
    payload = {"job": inputs["job"], "finding": finding, "log_evidence": nats, "at_row": inputs["at_row"]}
    return Ruling(event="challenge_judged", payload=payload)


def judged(inputs: Inputs, found: canary.Verdict) -> Ruling | None:
    """Say how a canary stands; None where it waits for more."""
    if found.verdict == "wait":
        return None
    return Ruling(event="canary_judged", payload={**asdict(found), "at_row": inputs["at_row"]})
