"""The judges by name: each turns recorded inputs and a policy into the event that follows, or into none.

The live path and the audit run the same function on the same canonical bytes. That is all that "derived again" means.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import orjson

from diagnosis import noise
from monitoring.performance import regret
from server.judges import data, decline, remedies, signals
from server.judges.rulings import Inputs, Ruling
from statemachine.policies.policy import Policy
from statemachine.record.canonical import canonical

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


#: By name and version. One that a release has judged by stays as it is: another rule is another version beside it.
JUDGES: dict[str, Judge] = {
    "alarm@1": decline.alarm_of_before,
    "alarm@2": decline.alarm,
    "loss_note@1": decline.loss_note,
    "resolve@1": decline.resolve,
    "resolve@2": decline.persistence,
    "recovery@1": decline.recovery,
    "recovery@2": decline.recovery_from_rise,
    "segment_alarm@1": decline.segment_alarm,
    "challenge@1": decline.challenge,
    "regret_alarm@1": decline.regret_alarm_of_before,
    "regret_alarm@2": decline.regret_alarm,
    "second_look@1": partial(decline.second_look, look=regret.look_again),
    "second_look@2": partial(decline.second_look, look=regret.weigh),
    "regret_resolve@1": partial(decline.regret_resolve, look=regret.look_again),
    "regret_resolve@2": partial(decline.regret_resolve, look=regret.weigh),
    "diagnosis@1": remedies.diagnosis_of_before,
    "diagnosis@2": partial(remedies.diagnosis, most_noise=noise.SOME),
    "diagnosis@3": partial(remedies.diagnosis, most_noise=noise.ALL),
    "diagnosis_anew@3": partial(remedies.diagnosis_anew, most_noise=noise.ALL),
    "gates@1": remedies.gates,
    "gates@2": remedies.gates_of_segments,
    "unbeaten@1": remedies.unbeaten,
    "canary@1": remedies.canary,
    "canary@2": remedies.canary_with_segments,
    "canary@3": remedies.canary_of_arms,
    "overtaken@1": remedies.overtaken,
    "promotion@1": remedies.promotion,
    "promotion@2": remedies.promotion_with_segments,
    "promotion@3": remedies.promotion_of_arms,
    "quality@1": partial(data.quality, rule=data.COUNTS),
    "quality_resolve@1": partial(data.quality_resolve, rule=data.COUNTS),
    "repaired@1": partial(data.repaired, rule=data.COUNTS),
    "quality@2": partial(data.quality, rule=data.COUNTS_AND_FACTS),
    "quality_resolve@2": partial(data.quality_resolve, rule=data.COUNTS_AND_FACTS),
    "repaired@2": partial(data.repaired, rule=data.COUNTS_AND_FACTS),
    "glitch@1": data.glitch,
    "accepted@1": data.accepted,
    "drift@1": data.drift_of_before,
    "drift@2": partial(data.drift, rule=2),
    "drift@3": partial(data.drift, rule=3),
    "drift_note@1": partial(data.drift_note, rule=2, detector="departures@1"),
    "drift_note@2": partial(data.drift_note, rule=3, detector="departures@2"),
    "label_drift_note@1": data.label_drift_note,
    "labels_moved@1": data.labels_moved,
    "shape@1": data.shape,
    "shape_note@1": data.shape_note,
    "segment_drift@1": data.segment_drift,
    "series@1": partial(signals.series, detector="series@1"),
    "series_resolve@1": signals.series_resolve,
    "series_recovered@1": signals.series_recovered,
    "series@2": partial(signals.series, detector="series@2"),
    "series_resolve@2": signals.series_resolve,
    "series_recovered@2": signals.series_recovered,
    "series@3": partial(signals.series, detector="series@3"),
    "series_resolve@3": signals.series_resolve,
    "series_recovered@3": signals.series_recovered,
    "conditions@1": signals.conditions,
    "conditions_resolve@1": signals.conditions_resolve,
    "conditions_recovery@1": signals.conditions_recovery,
    "conditions_accept@1": signals.conditions_accept,
    "silence@1": signals.silence,
    "data_back@1": signals.data_back,
    "signal_silence@1": signals.signal_silence,
    "signal_return@1": signals.signal_return,
}
