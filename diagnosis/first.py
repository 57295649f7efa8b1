"""The judge of diagnosis as the first release had it, so that what it has judged can be derived again.

It reads losses by label and bin alone. `diagnosis/judge.py` is the one that is asked today.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from diagnosis.causes import Kind, Part, Rise, bad_data, changed_concept, moved_inputs, moved_labels
from diagnosis.inputs import UNIT, Feature, Table
from diagnosis.thresholds import Thresholds


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """A cause, the share of the rise that it explains (in [0, 1]), where it shows, and the evidence."""

    kind: Kind
    share: float
    effect: float  #: loss units a row
    log_evidence: float
    features: tuple[str, ...]
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """Causes, strongest first; the first is the diagnosis. `confidence` is in [0, 1], and no probability.

    It is the share of the first cause times how clearly the loss rose: 1 from five standard errors on.
    """

    causes: tuple[Cause, ...]
    onset_row: int
    confidence: float
    rise: float  #: loss units a row
    error: float  #: standard error of the rise
    labelled: int  #: rows with a label since the onset

    @property
    def cause(self) -> Kind:
        """The first cause."""
        return self.causes[0].kind

    def to_json(self) -> dict[str, Any]:
        """Return plain values, for canonical bytes."""
        return {**asdict(self), "causes": [{**asdict(c), "features": list(c.features)} for c in self.causes]}


def judge(inputs: dict[str, Any], policy: Thresholds) -> Diagnosis:
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
    serving = _serving(inputs.get("serving"))
    parts = _explain(rise, serving, findings, policy) if clear else [*serving, *_suspect(findings, inputs["drift"])]
    causes = _ranked(parts, rise, policy, clear=clear)
    clarity = min(1.0, rise.amount / (5 * rise.error)) if clear and rise.error > 0 else float(clear)
    confidence = causes[0].share * clarity if causes[0].kind != "unknown" else 0.0
    return Diagnosis(
        causes=causes,
        onset_row=_onset(inputs, causes[0]),
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


def _suspect(findings: list[dict[str, Any]], drift: list[dict[str, Any]]) -> list[Part]:
    """Without a clear rise of the loss, name what is seen; it explains nothing yet."""
    parts = []
    if findings:
        first = max(findings, key=lambda each: float(each["log_evidence"]))
        names = tuple(sorted({each["feature"] for each in findings}))
        parts.append(_unpriced("data_quality", names, first, f"{first['kind']} in {first['feature']}"))
    if drift:
        first = max(drift, key=lambda each: float(each["log_evidence"]))
        parts.append(_unpriced("covariate_drift", tuple(each["name"] for each in drift), first, first["change"]))
    return parts


def _unpriced(kind: Kind, names: tuple[str, ...], first: dict[str, Any], note: str) -> Part:
    evidence = float(first["log_evidence"])
    return Part(kind=kind, amount=0.0, error=0.0, features=names, log_evidence=evidence, note=f"{note}; cost not known")


def _serving(serving: dict[str, Any] | None) -> list[Part]:
    """Outputs that differ when computed again from the same rows and version come from the serving side."""
    if not serving or not serving["differing"]:
        return []
    note = f"{serving['differing']} of {serving['compared']} outputs differ when computed again"
    excess = serving.get("excess_loss", 0) / UNIT / max(serving.get("labelled", 0), 1)
    return [Part(kind="serving", amount=excess, error=0.0, note=note)]


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


def _onset(inputs: dict[str, Any], first: Cause) -> int:
    """Return the first row of the bad data: the fault's own, if a fault is the cause."""
    own = [each["onset_row"] for each in inputs["quality"] if each["feature"] in first.features]
    return int(min(own)) if first.kind == "data_quality" and own else int(inputs["onset_row"])
