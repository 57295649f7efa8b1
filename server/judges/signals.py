"""Judges of what is told beside rows: metric series, conditions, and silence."""

from __future__ import annotations

from typing import Any

from monitoring.signals import conditions as asked
from monitoring.signals import series as points
from server.judges.rulings import Inputs, Ruling, raised, recovered, resolved
from statemachine.policies.policy import Policy
from statemachine.timers import SECOND_US
from statemachine.words import Reason


def series(inputs: Inputs, policy: Policy, detector: str) -> Ruling | None:
    """Raise suspicion where a metric series has moved to the worse; the state on record says by which rule."""
    found = points.judge(inputs, policy.metrics)
    if not points.raises(found, policy.metrics):
        return None
    return raised(inputs, detector, found.log_evidence, int(inputs["at_row"]))


def series_resolve(inputs: Inputs, policy: Policy) -> Ruling | None:
    """Points since the alarm confirm it or clear it, be it now or while nobody could follow."""
    found = points.judge(inputs, policy.metrics)
    verdict = {"confirmed": "confirmed", "watching": "cleared"}.get(found.phase, "open")
    return resolved(inputs, verdict, found.log_evidence)


def series_recovered(inputs: Inputs, policy: Policy) -> Ruling | None:
    """Say that a metric series is back."""
    found = points.judge(inputs, policy.metrics)
    return recovered(inputs, found.log_evidence) if found.phase == "watching" else None


def silence(inputs: Inputs, policy: Policy) -> Ruling | None:
    """Raise suspicion where rows, or labels, have not come for too long."""
    del policy
    silent = inputs["now_us"] - inputs["last_us"] >= inputs["limit_us"]
    return raised(inputs, "silence@1", 0.0, int(inputs["at_row"])) if silent else None


def data_back(inputs: Inputs, policy: Policy) -> Ruling | None:
    """Clear a silence: what was silent has come."""
    del policy
    return resolved(inputs, "cleared", 0.0)


def conditions(inputs: Inputs, policy: Policy) -> Ruling | None:
    """The first condition that asks for suspicion, and has held for as long as it must, raises it."""
    found = asked.first(policy.conditions, asked.ALARMING, asked.signals_in(inputs))
    if found is None:
        return None
    onset = inputs["looks"][-found.persistence.of :][0]["first_row"]
    return raised({**inputs, "subject": found.name}, "condition@1", 0.0, int(onset))


def conditions_resolve(inputs: Inputs, policy: Policy) -> Ruling | None:
    """Windows after the alarm confirm it where the condition goes on holding, and clear it where it cannot."""
    verdict = {"holds": "confirmed", "fails": "cleared"}.get(asked.verdict(inputs, policy.conditions), "open")
    return resolved(inputs, verdict, 0.0)


def conditions_recovery(inputs: Inputs, policy: Policy) -> Ruling | None:
    """Say that a condition which had held does so no more."""
    return recovered(inputs, 0.0) if asked.verdict(inputs, policy.conditions) == asked.FAILS else None


def conditions_accept(inputs: Inputs, policy: Policy) -> Ruling | None:
    """A rise of the loss is accepted while a condition holds that says so."""
    found = asked.named(policy.conditions, inputs["subject"], asked.ACCEPTING)
    holds = found is not None and asked.stands(found, asked.signals_in(inputs)) == asked.HOLDS
    return resolved(inputs, "cleared", 0.0) if holds else None


def signal_silence(inputs: Inputs, policy: Policy) -> Ruling | None:
    """No point came for as many intervals as the declaration allows to pass."""
    del policy
    payload = {**_about_signal(inputs), "reason": str(Reason.SIGNAL_SILENT)}
    return Ruling(event="signal_silenced", payload=payload) if _is_silent(inputs) else None


def signal_return(inputs: Inputs, policy: Policy) -> Ruling | None:
    """Say that a silent signal is heard again."""
    del policy
    return None if _is_silent(inputs) else Ruling(event="signal_heard", payload=_about_signal(inputs))


def _is_silent(inputs: Inputs) -> bool:
    limit_us = int(inputs["silent_after"] * inputs["interval_seconds"] * SECOND_US)
    return int(inputs["now_us"]) - int(inputs["last_us"]) >= limit_us


def _about_signal(inputs: Inputs) -> dict[str, Any]:
    return {name: inputs[name] for name in ("subject", "provider", "last_us")}
