"""Judges of what comes of a decline: its causes, the gates of a candidate, its canary and its promotion."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from diagnosis import first
from diagnosis.answer import Attribution
from diagnosis.judge import judge as diagnose
from monitoring.performance.decline import alarm
from monitoring.profiles.relations import opened
from retraining import gates as gated
from rollout import judge as rollout
from server.judges.rulings import Inputs, Ruling, judged, recovered
from statemachine.policies.policy import Policy

FAULTS = ("data_quality", "label_quality")  #: causes that windows find


def diagnosis_of_before(inputs: Inputs, policy: Policy) -> Ruling:
    """By losses by label and bin alone."""
    return _explained(first.judge(inputs, policy.diagnosis), inputs)


def diagnosis(inputs: Inputs, policy: Policy, most_noise: float) -> Ruling:
    """By losses and by what falls together; *most_noise* is the share of labels up to which they may be noise."""
    relations = opened(inputs["relations"])
    return _explained(diagnose({**inputs, "relations": relations}, policy.diagnosis, most_noise), inputs)


def diagnosis_anew(inputs: Inputs, policy: Policy, most_noise: float) -> Ruling | None:
    """Diagnose an incident of which a cause was `named`; what names the same says nothing new.

    A fault of whole rows or of labels, or a rule across columns, stays to blame while windows find it: no table of a
    feature tells what it costs, so that a diagnosis of more labels would pass it over.
    """
    named, found = inputs["named"], diagnosis(inputs, policy, most_noise)
    if found.payload["cause"] == named or (named in FAULTS and _beyond_features(inputs)):
        return None
    return replace(found, payload={**found.payload, "instead_of": named})


def _beyond_features(inputs: Inputs) -> bool:
    known = {each["name"] for each in inputs["layout"]}
    return any(each["feature"] not in known for each in inputs["quality"])


def _explained(found: Attribution[Any], inputs: Inputs) -> Ruling:
    payload = {"cause": found.cause, "causes": found.to_json()["causes"], "onset_row": found.onset_row}
    if "at_row" in inputs:  # what was judged before has neither
        payload |= {"at_row": inputs["at_row"], "instead_of": ""}
    return Ruling(event="diagnosis_made", payload=payload)


def gates(inputs: Inputs, policy: Policy) -> Ruling:
    """Say which entrant won the bake-off, and whether it may be tried."""
    return Ruling(event="gates_judged", payload=gated.judge(inputs, policy).to_json())


def gates_of_segments(inputs: Inputs, policy: Policy) -> Ruling:
    """Say so by the segments that the policy declares as well."""
    return Ruling(event="gates_judged", payload=gated.judge_with_segments(inputs, policy).to_json())


def unbeaten(inputs: Inputs, policy: Policy) -> Ruling | None:
    """Doing nothing won the bake-off: what spoke against the champion was no decline."""
    found = gated.judge(inputs, policy)
    return recovered(inputs, 0.0) if found.chosen == "nothing" else None


def canary(inputs: Inputs, policy: Policy) -> Ruling | None:
    """Say how a candidate does on its rung."""
    return judged(inputs, rollout.judge(inputs, policy))


def promotion(inputs: Inputs, policy: Policy) -> Ruling | None:
    """Say whether a promotion holds."""
    return judged(inputs, rollout.watch(inputs, policy))


def overtaken(inputs: Inputs, policy: Policy) -> Ruling | None:
    """Turn a refresh back where the world moves under it: the losses of both rose, and nothing proves it better.

    `inputs`: those of `canary@1`, and `risen`: of both versions what an alarm of the loss looks at.
    """
    if not all(alarm(one, policy).raised for one in inputs["risen"]):
        return None
    found = rollout.judge(inputs, policy)
    if found.lower > 0:
        return None
    kept = int(inputs["exposure_bp"])
    return judged(inputs, replace(found, verdict="abort", reason="OVERTAKEN", exposure_bp=kept))


def canary_with_segments(inputs: Inputs, policy: Policy) -> Ruling | None:
    """Say so by the segments that the policy declares as well."""
    return judged(inputs, rollout.judge_with_segments(inputs, policy))


def promotion_with_segments(inputs: Inputs, policy: Policy) -> Ruling | None:
    """Say whether a promotion holds, by the segments as well."""
    return judged(inputs, rollout.watch_with_segments(inputs, policy))


def canary_of_arms(inputs: Inputs, policy: Policy) -> Ruling | None:
    """Say how a candidate does where only what was served has an outcome."""
    return judged(inputs, rollout.judge_arms(inputs, policy))


def promotion_of_arms(inputs: Inputs, policy: Policy) -> Ruling | None:
    """Say whether a promotion holds there."""
    return judged(inputs, rollout.watch_arms(inputs, policy))
