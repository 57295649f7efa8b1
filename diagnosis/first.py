"""The judge of diagnosis as the first release had it, so that what it has judged can be derived again.

It reads losses by label and bin alone. `diagnosis/judge.py` is the one that is asked today.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from diagnosis.answer import Attribution, Cause, onset_of
from diagnosis.causes import (
    Part,
    Rise,
    bad_data,
    changed_concept,
    moved_inputs,
    moved_labels,
    served_otherwise,
    suspected,
)
from diagnosis.inputs import Feature, Table
from diagnosis.thresholds import Thresholds


def judge(inputs: dict[str, Any], policy: Thresholds) -> Attribution[Cause]:
    """Explain the loss since the onset.

    *inputs* holds `layout` (per feature `name`, `start`, `slots`), `reference` and `current` (loss tables: `rows`,
    `loss`, `squares`; `current` since `onset_row`), `quality` and `drift` (findings, may be empty), `onset_row`,
    and may hold `serving`: of rows whose output was computed again, `compared`, `differing` and, where labelled,
    `labelled` and `excess_loss`: fixed-point, recorded outputs' losses less those of the outputs computed again.
    """
    features = [Feature(each["name"], each["start"], each["slots"]) for each in inputs["layout"]]
    rise = Rise(features, Table.from_json(inputs["reference"]), Table.from_json(inputs["current"]))
    known = {feature.name for feature in features}
    findings = [each for each in inputs["quality"] if each["feature"] in known]
    clear = rise.labelled >= policy.least_labels and rise.amount > policy.errors * rise.error
    serving = served_otherwise(inputs.get("serving"))
    parts = _explain(rise, serving, findings, policy) if clear else [*serving, *suspected(findings, inputs["drift"])]
    causes = _ranked(parts, rise, policy, clear=clear)
    clarity = min(1.0, rise.amount / (5 * rise.error)) if clear and rise.error > 0 else float(clear)
    confidence = causes[0].share * clarity if causes[0].kind != "unknown" else 0.0
    return Attribution(
        causes=causes,
        onset_row=onset_of(inputs, causes[0]),
        confidence=round(confidence, 6),
        rise=round(rise.amount, 6),
        error=round(rise.error, 6),
        labelled=rise.labelled,
    )


def _explain(rise: Rise, serving: list[Part], findings: list[dict[str, Any]], policy: Thresholds) -> list[Part]:
    """Give each cause what those before it left: faults, then the better of inputs and labels, then the concept."""
    left, parts = rise.amount, []
    for each in serving:
        parts.append(replace(each, amount=min(max(each.amount, 0.0), left)))
        left -= parts[-1].amount
    spoilt = {each["feature"] for each in findings}
    fault = bad_data(rise, findings)
    if fault:
        parts.append(replace(fault, amount=min(max(fault.amount, 0.0), left)))
        left -= parts[-1].amount
    rivals = [each for each in (moved_inputs(rise, spoilt), moved_labels(rise)) if _stands(each, policy)]
    for each in sorted(rivals, key=lambda part: (-part.amount, part.kind)):
        parts.append(replace(each, amount=min(each.amount, left)))
        left -= parts[-1].amount
    concept = changed_concept(rise, left)
    return [*parts, concept] if _stands(concept, policy) else parts


def _stands(part: Part, policy: Thresholds) -> bool:
    return part.amount > policy.errors * part.error and part.amount > 0


def _ranked(parts: list[Part], rise: Rise, policy: Thresholds, *, clear: bool) -> tuple[Cause, ...]:
    found = [_cause(part, rise if clear else None) for part in parts]
    if not clear:  # A cause that is seen comes before "unknown" even while its cost is not known.
        return (*found, _unknown(1.0))
    listed = [each for each in found if each.share >= policy.least_share]
    rest = 1 - sum(each.share for each in listed)
    if rest >= policy.least_share or not listed:
        listed.append(_unknown(rest))
    return tuple(sorted(listed, key=lambda each: -each.share))


def _unknown(share: float) -> Cause:
    return Cause(kind="unknown", share=round(share, 6), effect=0.0, log_evidence=0.0, features=(), note="")


def _cause(part: Part, rise: Rise | None) -> Cause:
    share = min(1.0, max(0.0, part.amount / rise.amount)) if rise else 0.0
    return Cause(
        kind=part.kind,
        share=round(share, 6),
        effect=round(part.amount, 6),
        features=part.features,
        log_evidence=part.log_evidence,
        note=part.note,
    )
