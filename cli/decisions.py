"""What a decision says, in a sentence for people."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

SEGMENT = "segments: "  #: how gates of single segments begin
Verdict = dict[str, Any]  #: what an event tells, by the names of its fields


def sentence(model: str, kind: str, verdict: Verdict) -> str:
    """Tell what was decided about *model*; its name alone where it is of another release, whose fields are others."""
    try:
        return f"{model}: {_SAID[kind](verdict)}."
    except (KeyError, TypeError, ValueError):
        return f"{model}: a decision of the type {kind} is on record."


def _alarm(said: Verdict) -> str:
    about = f" ({said['subject']})" if said.get("subject") else ""
    return (
        f"an alarm was raised at row {said['at_row']} by the signal {said['signal']}{about}; "
        f"the first row that looks bad is {said['onset_row']}"
    )


def _fault(said: Verdict) -> str:
    return f"{said['rows']} rows were faulty in {said['subject']}, since row {said['onset_row']}; nothing follows"


def _drift(said: Verdict) -> str:
    what = said["subject"] or "all features together"
    return f"rows are other than the reference's since row {said['onset_row']}, in {what}; nothing follows"


def _loss(said: Verdict) -> str:
    moved = f"from {said['before']:.4g} to {said['after']:.4g} a row"
    return f"the loss of {said['subject']} moved {moved} since row {said['onset_row']}; nothing follows"


def _diagnosis(said: Verdict) -> str:
    instead = f", by the rows up to {said['at_row']}, and not {said['instead_of']}" if said.get("instead_of") else ""
    return f"the decline since row {said['onset_row']} has the cause {said['cause']}{instead}"


def _challenge(said: Verdict) -> str:
    return f"challengers met the champion by row {said['at_row']}, and the finding is {said['finding']}"


def _gates(said: Verdict) -> str:
    gates = [gate for gate in said["gates"] if not gate["name"].startswith(SEGMENT)]
    passed = sum(gate["verdict"] == "pass" for gate in gates)
    end = f"{said['chosen']} ({said['remedy']}) may serve" if said["passed"] else "nothing new may serve"
    return f"{passed} of {len(gates)} gates were passed, so {end}{_segments(said['gates'])}{_cure(gates)}"


def _segments(gates: list[Verdict]) -> str:
    """Name the segments in which a candidate is worse, and those of which too few rows were there."""
    told = {"fail": "it is worse in", "insufficient": "too few rows to tell of"}
    named = {verdict: [one["name"].removeprefix(SEGMENT) for one in gates if _is_of(one, verdict)] for verdict in told}
    return "".join(f"; {told[verdict]} {', '.join(names)}" for verdict, names in named.items() if names)


def _is_of(gate: Verdict, verdict: str) -> bool:
    return bool(gate["name"].startswith(SEGMENT) and gate["verdict"] == verdict)


def _cure(gates: list[Verdict]) -> str:
    told = {"fail": "what the incident is about is no better", "insufficient": "whether it helps cannot be told"}
    verdict = next((gate["verdict"] for gate in gates if gate["name"] == "cure"), "")
    return f"; {told[verdict]}" if verdict in told else ""


def _canary(said: Verdict) -> str:
    why = f" ({said['reason']})" if said["reason"] else ""
    share = f"{said['exposure_bp'] / 100:g} % of the traffic"
    return f"the canary's verdict is {said['verdict']}{why}, at {share} and after {said['sample']} labelled rows"


_SAID: dict[str, Callable[[Verdict], str]] = {
    "alarm_raised": _alarm,
    "alarm_cleared": lambda said: f"the alarm of the signal {said['signal']} was cleared at row {said['at_row']}",
    "decline_confirmed": lambda said: f"the decline in {said['signal']} was confirmed at row {said['at_row']}",
    "recovery_shown": lambda said: f"the champion does well again without a remedy, seen at row {said['at_row']}",
    "diagnosis_made": _diagnosis,
    "fault_noted": _fault,
    "drift_noted": _drift,
    "loss_noted": _loss,
    "challenge_judged": _challenge,
    "gates_judged": _gates,
    "canary_judged": _canary,
    "signal_silenced": lambda said: f"no point of the signal {said['subject']} came for too long",
    "signal_heard": lambda said: f"points of the signal {said['subject']} come again",
}
