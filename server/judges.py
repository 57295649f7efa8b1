"""The judges by name: each turns recorded inputs and a policy into the event that follows, or into none.

The live path and the audit run the same function on the same canonical bytes. That is all that "derived again" means.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import orjson

from diagnosis import first
from diagnosis.answer import Diagnosis
from diagnosis.judge import judge as diagnose
from monitoring import conditions, drift, inspection, onset, performance, quality, regret, series
from monitoring.assumptions import assumptions
from monitoring.facts import ABSURD
from monitoring.reference import OUTPUT
from monitoring.relations import opened
from monitoring.seasons import wanted
from retraining import gates
from rollout import judge as canary
from server.rulings import Inputs, Ruling, challenged, judged, raised, recovered, resolved
from statemachine.canonical import canonical
from statemachine.policy import Policy, Quality
from statemachine.timers import SECOND_US
from statemachine.words import Reason

Fetch = Callable[[str], bytes]


Judge = Callable[[Inputs, Policy], Ruling | None]


class UnknownJudge(LookupError):
    """The evidence names a judge that this release does not know."""

    def __init__(self, judge: str) -> None:
        """Name the judge, and those that are known."""
        super().__init__(f"judge {judge!r} is unknown here; known: {', '.join(sorted(JUDGES))}")
        self.judge = judge


def rule(judge: str, inputs: Inputs, policy: Policy, fetch: Fetch) -> tuple[Ruling | None, bytes]:
    """Run *judge* on *inputs* as they will be stored; give its ruling and the evidence's bytes."""
    body = canonical({"judge": judge, "inputs": inputs})
    return rederive(body, policy, fetch), body


def rederive(body: bytes, policy: Policy, fetch: Fetch) -> Ruling | None:
    """Run the judge of recorded evidence again.

    Raises:
        UnknownJudge: No judge of that name and version is known here.
        KeyError: An input is missing.
    """
    evidence = orjson.loads(body)
    judge, inputs = evidence["judge"], evidence["inputs"]
    if judge not in JUDGES:
        raise UnknownJudge(judge)
    if "reference" in inputs and isinstance(inputs["reference"], str):
        reference = orjson.loads(fetch(inputs["reference"]))
        inputs |= {"reference": reference["profile"]}
        inputs |= {part: reference.get(part) for part in ("habits", "projections", "seasons")}
    return JUDGES[judge](inputs, policy)


def _alarm_of_before(inputs: Inputs, policy: Policy) -> Ruling | None:
    """Dated by the loudest span, which reaches back before a change where the value was high already."""
    found = performance.alarm(inputs, policy)
    if not found.raised:
        return None
    rows = inputs["rows"]
    return raised(
        inputs,
        "shiryaev_roberts@1",
        found.log_evidence,
        rows[found.onset] if found.onset < len(rows) else inputs["at_row"],
    )


def _alarm(inputs: Inputs, policy: Policy) -> Ruling | None:
    """Dated by where the value rose; what raises the alarm is as before."""
    found = performance.alarm(inputs, policy)
    if not found.raised:
        return None
    rose = _rise(inputs, policy)
    return raised(inputs, "shiryaev_roberts@2", found.log_evidence, int(inputs["rows"][rose.index]))


def _rise(inputs: Inputs, policy: Policy) -> onset.Change:
    """Date the rise of a value, to one of the windows before this look, as the alarm itself goes back."""
    level, window = float(inputs["level"]), int(inputs["window"])
    return onset.likeliest(inputs["blocks"], level, window, policy.windows.blocks)


def _resolve(inputs: Inputs, policy: Policy) -> Ruling | None:
    found = performance.resolve(inputs, policy)
    return resolved(inputs, found.verdict, found.log_evidence)


def _recovery(inputs: Inputs, policy: Policy) -> Ruling | None:
    found = performance.recovered(inputs, policy)
    return recovered(inputs, found.log_evidence) if found.verdict == "recovered" else None


def _challenge(inputs: Inputs, policy: Policy) -> Ruling:
    found = regret.judge(inputs, policy)
    return challenged(inputs, found.finding, found.log_evidence)


def _regret_alarm_of_before(inputs: Inputs, policy: Policy) -> Ruling | None:
    """Dated by the first row on which challengers met the champion this time."""
    found = regret.judge(inputs, policy)
    if found.finding != "regret":
        return None
    return raised(inputs, "regret@1", found.log_evidence, int(inputs["onset_row"]))


def _regret_alarm(inputs: Inputs, policy: Policy) -> Ruling | None:
    """Dated by where the champion's own loss rose; one that never rose says nothing of when the world moved on."""
    found = regret.judge(inputs, policy)
    if found.finding != "regret":
        return None
    rose = _rise(inputs["served"], policy)
    since = inputs["served"]["rows"][rose.index] if rose.nats >= onset.LEAST_NATS else inputs["onset_row"]
    return raised(inputs, "regret@2", found.log_evidence, int(since))


Look = Callable[[Inputs, Policy], performance.Resolution]


def _second_look(inputs: Inputs, policy: Policy, look: Look) -> Ruling:
    found = look(inputs, policy)
    return challenged(inputs, found.verdict, found.log_evidence)


def _regret_resolve(inputs: Inputs, policy: Policy, look: Look) -> Ruling | None:
    """An improvement clears the alarm too: what it tells of is no decline."""
    found = look(inputs, policy)
    verdict = "cleared" if found.verdict == "improvement" else found.verdict
    return resolved(inputs, verdict, found.log_evidence)


def _diagnosis_of_before(inputs: Inputs, policy: Policy) -> Ruling:
    """By losses by label and bin alone."""
    return _explained(first.judge(inputs, policy.diagnosis))


def _diagnosis(inputs: Inputs, policy: Policy) -> Ruling:
    relations = opened(inputs["relations"])
    return _explained(diagnose({**inputs, "relations": relations}, policy.diagnosis))


def _explained(found: Diagnosis[Any]) -> Ruling:
    payload = {"cause": found.cause, "causes": found.to_json()["causes"], "onset_row": found.onset_row}
    return Ruling(event="diagnosis_made", payload=payload)


def _gates(inputs: Inputs, policy: Policy) -> Ruling:
    return Ruling(event="gates_judged", payload=gates.judge(inputs, policy).to_json())


def _unbeaten(inputs: Inputs, policy: Policy) -> Ruling | None:
    """Doing nothing won the bake-off: what spoke against the champion was no decline."""
    found = gates.judge(inputs, policy)
    return recovered(inputs, 0.0) if found.chosen == "nothing" else None


def _canary(inputs: Inputs, policy: Policy) -> Ruling | None:
    return judged(inputs, canary.judge(inputs, policy))


def _promotion(inputs: Inputs, policy: Policy) -> Ruling | None:
    return judged(inputs, canary.watch(inputs, policy))


@dataclass(frozen=True, slots=True)
class _Rule:
    """How the data of windows are judged, and the number that detectors of faults carry by it."""

    number: int
    judge: Callable[[Inputs, Quality], tuple[quality.QualityFinding, ...]]


_COUNTS = _Rule(1, quality.judge)
_COUNTS_AND_FACTS = _Rule(2, inspection.judge)


def _faults(inputs: Inputs, policy: Policy, rule: _Rule) -> list[quality.QualityFinding]:
    """Give the faults of the data; what the model itself puts out is no fault of theirs."""
    first = int(inputs.get("not_before", 0))
    found = rule.judge(inputs, policy.quality)
    return [fault for fault in found if fault.feature != OUTPUT and fault.onset_row >= first]


def _quality(inputs: Inputs, policy: Policy, rule: _Rule) -> Ruling | None:
    found = _faults(inputs, policy, rule)
    if not found:
        return None
    first = found[0]
    return raised(
        {**inputs, "subject": first.feature}, f"quality_{first.kind}@{rule.number}", first.log_evidence, first.onset_row
    )


def _glitch(inputs: Inputs, policy: Policy) -> Ruling | None:
    """Single rows with absurd values that began in this window speak against no model; those that go on are a doubt."""
    found = _faults(inputs, policy, _COUNTS_AND_FACTS)
    single = all(one.kind == ABSURD and one.onset_row >= inputs["first_row"] for one in found)
    return resolved(inputs, "cleared", 0.0) if single else None


def _quality_resolve(inputs: Inputs, policy: Policy, rule: _Rule) -> Ruling | None:
    """Fresh evidence since the alarm: a fault again confirms; a span without one clears."""
    found = _faults(inputs, policy, rule)
    same = [one for one in found if one.feature == inputs["subject"]]
    if same:
        return resolved(inputs, "confirmed", same[0].log_evidence)
    return resolved(inputs, "cleared", 0.0) if len(inputs["windows"]) >= policy.quality.clear_windows else None


def _repaired(inputs: Inputs, policy: Policy, rule: _Rule) -> Ruling | None:
    """A span of windows without a fault: the data were repaired."""
    enough = len(inputs["windows"]) >= policy.quality.clear_windows
    return recovered(inputs, 0.0) if enough and not _faults(inputs, policy, rule) else None


def _accepted(inputs: Inputs, policy: Policy) -> Ruling | None:
    """A fault that lasts is no fault any more: the range has changed, and models must learn it."""
    lasted = int(inputs["at_row"]) - int(inputs["since_row"])
    return recovered(inputs, 0.0) if lasted >= policy.quality.accept_windows * int(inputs["window"]) else None


def _drift_of_before(inputs: Inputs, policy: Policy) -> Ruling | None:
    """By the rule that takes an offset off each ratio, which was blind to changes of scale."""
    return _drifted(inputs, drift.judge(inputs, policy.drift, rule=1), "histogram_cusum@1")


def _drift(inputs: Inputs, policy: Policy) -> Ruling | None:
    """What was assumed stands in the evidence; where it is not what this rule assumes, nothing follows from it."""
    compared = drift.compared(inputs, policy.drift)
    seasons = wanted(inputs.get("seasons"), policy.drift, compared)
    stated = assumptions(compared, policy.drift, rule=2, seasons=seasons)
    if inputs["assumptions"] != stated:
        return None
    return _drifted(inputs, drift.judge(inputs, policy.drift, rule=2), "histogram_cusum@2")


def _drifted(inputs: Inputs, found: drift.DriftFinding, detector: str) -> Ruling | None:
    if found.verdict == "alarm":
        names = ", ".join(str(feature["name"]) for feature in found.features[:3])
        return raised({**inputs, "subject": names}, detector, found.log_evidence, found.onset_row)
    return resolved(inputs, found.verdict, found.log_evidence)


def _series(inputs: Inputs, policy: Policy) -> Ruling | None:
    found = series.judge(inputs, policy.metrics)
    if not series.raises(found, policy.metrics):
        return None
    return raised(inputs, "series@1", found.log_evidence, int(inputs["at_row"]))


def _series_resolve(inputs: Inputs, policy: Policy) -> Ruling | None:
    """Points since the alarm confirm it or clear it, be it now or while nobody could follow."""
    found = series.judge(inputs, policy.metrics)
    verdict = {"confirmed": "confirmed", "watching": "cleared"}.get(found.phase, "open")
    return resolved(inputs, verdict, found.log_evidence)


def _series_recovered(inputs: Inputs, policy: Policy) -> Ruling | None:
    found = series.judge(inputs, policy.metrics)
    return recovered(inputs, found.log_evidence) if found.phase == "watching" else None


def _silence(inputs: Inputs, policy: Policy) -> Ruling | None:
    del policy
    silent = inputs["now_us"] - inputs["last_us"] >= inputs["limit_us"]
    return raised(inputs, "silence@1", 0.0, int(inputs["at_row"])) if silent else None


def _data_back(inputs: Inputs, policy: Policy) -> Ruling | None:
    del policy
    return resolved(inputs, "cleared", 0.0)


def _conditions(inputs: Inputs, policy: Policy) -> Ruling | None:
    """The first condition that asks for suspicion, and has held for as long as it must, raises it."""
    found = conditions.first(policy.conditions, conditions.ALARMING, conditions.signals_in(inputs))
    if found is None:
        return None
    onset = inputs["looks"][-found.persistence.of :][0]["first_row"]
    return raised({**inputs, "subject": found.name}, "condition@1", 0.0, int(onset))


def _conditions_resolve(inputs: Inputs, policy: Policy) -> Ruling | None:
    """Windows after the alarm confirm it where the condition goes on holding, and clear it where it cannot."""
    verdict = {"holds": "confirmed", "fails": "cleared"}.get(conditions.verdict(inputs, policy.conditions), "open")
    return resolved(inputs, verdict, 0.0)


def _conditions_recovery(inputs: Inputs, policy: Policy) -> Ruling | None:
    return recovered(inputs, 0.0) if conditions.verdict(inputs, policy.conditions) == conditions.FAILS else None


def _conditions_accept(inputs: Inputs, policy: Policy) -> Ruling | None:
    """A rise of the loss is accepted while a condition holds that says so."""
    found = conditions.named(policy.conditions, inputs["subject"], conditions.ACCEPTING)
    holds = found is not None and conditions.stands(found, conditions.signals_in(inputs)) == conditions.HOLDS
    return resolved(inputs, "cleared", 0.0) if holds else None


def _signal_silence(inputs: Inputs, policy: Policy) -> Ruling | None:
    """No point came for as many intervals as the declaration allows to pass."""
    del policy
    payload = {**_about_signal(inputs), "reason": str(Reason.SIGNAL_SILENT)}
    return Ruling(event="signal_silenced", payload=payload) if _is_silent(inputs) else None


def _signal_return(inputs: Inputs, policy: Policy) -> Ruling | None:
    del policy
    return None if _is_silent(inputs) else Ruling(event="signal_heard", payload=_about_signal(inputs))


def _is_silent(inputs: Inputs) -> bool:
    limit_us = int(inputs["silent_after"] * inputs["interval_seconds"] * SECOND_US)
    return int(inputs["now_us"]) - int(inputs["last_us"]) >= limit_us


def _about_signal(inputs: Inputs) -> dict[str, Any]:
    return {name: inputs[name] for name in ("subject", "provider", "last_us")}


#: By name and version. One that a release has judged by stays as it is: another rule is another version beside it.
JUDGES: dict[str, Judge] = {
    "alarm@1": _alarm_of_before,
    "alarm@2": _alarm,
    "resolve@1": _resolve,
    "recovery@1": _recovery,
    "challenge@1": _challenge,
    "regret_alarm@1": _regret_alarm_of_before,
    "regret_alarm@2": _regret_alarm,
    "second_look@1": partial(_second_look, look=regret.look_again),
    "second_look@2": partial(_second_look, look=regret.weigh),
    "regret_resolve@1": partial(_regret_resolve, look=regret.look_again),
    "regret_resolve@2": partial(_regret_resolve, look=regret.weigh),
    "diagnosis@1": _diagnosis_of_before,
    "diagnosis@2": _diagnosis,
    "gates@1": _gates,
    "unbeaten@1": _unbeaten,
    "canary@1": _canary,
    "promotion@1": _promotion,
    "quality@1": partial(_quality, rule=_COUNTS),
    "quality_resolve@1": partial(_quality_resolve, rule=_COUNTS),
    "repaired@1": partial(_repaired, rule=_COUNTS),
    "quality@2": partial(_quality, rule=_COUNTS_AND_FACTS),
    "quality_resolve@2": partial(_quality_resolve, rule=_COUNTS_AND_FACTS),
    "glitch@2": _glitch,
    "repaired@2": partial(_repaired, rule=_COUNTS_AND_FACTS),
    "accepted@1": _accepted,
    "drift@1": _drift_of_before,
    "drift@2": _drift,
    "series@1": _series,
    "series_resolve@1": _series_resolve,
    "series_recovered@1": _series_recovered,
    "conditions@1": _conditions,
    "conditions_resolve@1": _conditions_resolve,
    "conditions_recovery@1": _conditions_recovery,
    "conditions_accept@1": _conditions_accept,
    "silence@1": _silence,
    "data_back@1": _data_back,
    "signal_silence@1": _signal_silence,
    "signal_return@1": _signal_return,
}
