"""Judges of the data: whether they are whole, and whether they drift."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from monitoring.drift import by_label, departures, learned, parts, together
from monitoring.drift import detector as drifts
from monitoring.drift.assumptions import assumptions
from monitoring.drift.watches import DriftFinding
from monitoring.profiles.reference import OUTPUT
from monitoring.profiles.seasons import wanted
from monitoring.quality import faults as faulty
from monitoring.quality import inspection
from monitoring.quality.clock import GAP
from monitoring.quality.facts import ABSURD
from server.judges.rulings import Inputs, Ruling, drifted, noted, raised, recovered, resolved
from statemachine.policies.policy import Policy
from statemachine.policies.sections import Quality


@dataclass(frozen=True, slots=True)
class Rule:
    """How the data of windows are judged, and the number that detectors of faults carry by it."""

    number: int
    judge: Callable[[Inputs, Quality], tuple[faulty.QualityFinding, ...]]


MOST_NAMED = 3  #: features of one group
SINGLE = (ABSURD, GAP)  #: kinds of which one row is a fault
COUNTS = Rule(1, faulty.judge)
COUNTS_AND_FACTS = Rule(2, inspection.judge)


def _faults(inputs: Inputs, policy: Policy, rule: Rule) -> list[faulty.QualityFinding]:
    """Give the faults of the data; what the model itself puts out is no fault of theirs."""
    first = int(inputs.get("not_before", 0))
    found = rule.judge(inputs, policy.quality)
    return [fault for fault in found if fault.feature != OUTPUT and fault.onset_row >= first]


def quality(inputs: Inputs, policy: Policy, rule: Rule) -> Ruling | None:
    """Raise suspicion where the data of a window are broken."""
    found = _faults(inputs, policy, rule)
    if not found:
        return None
    first = found[0]
    return raised(
        {**inputs, "subject": first.feature}, f"quality_{first.kind}@{rule.number}", first.log_evidence, first.onset_row
    )


def glitch(inputs: Inputs, policy: Policy) -> Ruling | None:
    """Single rows with absurd values, and gaps, speak against no model in their first window; later they do."""
    found = _faults(inputs, policy, COUNTS_AND_FACTS)
    if not found or any(one.kind not in SINGLE or one.onset_row < inputs["first_row"] for one in found):
        return None
    subject, rows = ", ".join(one.feature for one in found), {row for one in found for row in one.rows}
    onset = min(one.onset_row for one in found)
    return noted({**inputs, "subject": subject}, f"quality_{found[0].kind}@2", found[0].log_evidence, onset, len(rows))


def quality_resolve(inputs: Inputs, policy: Policy, rule: Rule) -> Ruling | None:
    """Fresh evidence since the alarm: a fault again confirms; a span without one clears."""
    found = _faults(inputs, policy, rule)
    same = [one for one in found if one.feature == inputs["subject"]]
    if same:
        return resolved(inputs, "confirmed", same[0].log_evidence)
    return resolved(inputs, "cleared", 0.0) if len(inputs["windows"]) >= policy.quality.clear_windows else None


def repaired(inputs: Inputs, policy: Policy, rule: Rule) -> Ruling | None:
    """A span of windows without a fault: the data were repaired."""
    enough = len(inputs["windows"]) >= policy.quality.clear_windows
    return recovered(inputs, 0.0) if enough and not _faults(inputs, policy, rule) else None


def accepted(inputs: Inputs, policy: Policy) -> Ruling | None:
    """A fault that lasts is no fault any more: the range has changed, and models must learn it."""
    lasted = int(inputs["at_row"]) - int(inputs["since_row"])
    return recovered(inputs, 0.0) if lasted >= policy.quality.accept_windows * int(inputs["window"]) else None


def drift_of_before(inputs: Inputs, policy: Policy) -> Ruling | None:
    """By the rule that takes an offset off each ratio, which was blind to changes of scale."""
    return _drifted(inputs, drifts.judge(inputs, policy.drift, rule=1), "histogram_cusum@1")


def drift(inputs: Inputs, policy: Policy, rule: int) -> Ruling | None:
    """What was assumed stands in the evidence; where it is not what this *rule* assumes, nothing follows from it."""
    if not _assumed(inputs, policy, rule):
        return None
    return _drifted(inputs, drifts.judge(inputs, policy.drift, rule), f"histogram_cusum@{rule}")


def drift_note(inputs: Inputs, policy: Policy, rule: int, detector: str) -> Ruling | None:
    """Features that leave what the reference expects are noted, but those of which a fault is told already.

    What is assumed of them is what drift assumes by this *rule*.
    """
    if not _assumed(inputs, policy, rule):
        return None
    found = departures.judge(inputs, policy.drift, rule)
    names = [str(feature["name"]) for feature in found.features if feature["name"] not in inputs["faulty"]]
    if found.verdict != "alarm" or not names:
        return None
    return drifted({**inputs, "subject": ", ".join(names)}, detector, found.log_evidence, found.onset_row)


def _assumed(inputs: Inputs, policy: Policy, rule: int) -> bool:
    reference = drifts.compared(inputs, policy.drift)
    seasons = wanted(inputs.get("seasons"), policy.drift, reference)
    return bool(inputs["assumptions"] == assumptions(reference, policy.drift, rule, seasons))


def label_drift_note(inputs: Inputs, policy: Policy) -> Ruling | None:
    """Features that leave what rows of the same label were are noted, but those of which a fault is told already."""
    told = [
        (f"{feature['name']} in {name}", found)
        for name, found in by_label.judge(inputs, policy)
        for feature in [one for one in found.features if one["name"] not in inputs["faulty"]][:MOST_NAMED]
        if found.verdict == "alarm"
    ]
    if not told:
        return None
    nats, onset = max(found.log_evidence for _, found in told), min(found.onset_row for _, found in told)
    return drifted({**inputs, "subject": ", ".join(name for name, _ in told)}, "label_departures@1", nats, onset)


def labels_moved(inputs: Inputs, policy: Policy) -> Ruling | None:
    """Rows of all labels that have moved are noted by what shows it best, but for what a fault is told of already."""
    found = together.judge(inputs, policy)
    if found is None or not found.told:
        return None
    names = [f"{feature} in {group}" for feature, group in found.shown if feature not in inputs["faulty"]]
    if not names:
        return None
    return drifted({**inputs, "subject": ", ".join(names)}, "labels_moved_t@1", found.log_evidence, found.onset_row)


def shape(inputs: Inputs, policy: Policy) -> Ruling | None:
    """Say what was learned of a change that no alternative is near to; and later whether it lasts."""
    found = _shaped(inputs, policy)
    if found is not None and found.verdict == "alarm":
        return raised({**inputs, "subject": _told(found)}, "learned_cusum@1", found.log_evidence, found.onset_row)
    return resolved(inputs, found.verdict, found.log_evidence) if found is not None else None


def shape_note(inputs: Inputs, policy: Policy) -> Ruling | None:
    """Note it where drift raises no suspicion, unless that its feature has left is told already."""
    found = _shaped(inputs, policy)
    if found is None or found.verdict != "alarm" or found.features[0]["name"] in (*inputs["told"], OUTPUT):
        return None
    return drifted({**inputs, "subject": _told(found)}, "learned_cusum@1", found.log_evidence, found.onset_row)


def _shaped(inputs: Inputs, policy: Policy) -> DriftFinding | None:
    """Give what the window taught; None where it is not what this rule assumes."""
    compared = drifts.compared(inputs, policy.drift)
    if inputs["assumptions"] != learned.assumptions(compared, policy.drift):
        return None
    return learned.judge(inputs, policy.drift)


def _told(found: DriftFinding) -> str:
    (feature,) = found.features
    return f"{feature['name']} ({feature['change']})"


def segment_drift(inputs: Inputs, policy: Policy) -> Ruling | None:
    """Drift within one segment, by its own rows of the reference, whose counts stand in the evidence."""
    found = parts.judge(inputs, policy)
    if found.verdict == "alarm":
        names = ", ".join(str(feature["name"]) for feature in found.features[:3])
        about = {**inputs, "subject": f"{inputs['subject']}: {names}"}
        return raised(about, "segment_histogram_cusum@1", found.log_evidence, found.onset_row)
    return resolved(inputs, found.verdict, found.log_evidence)


def _drifted(inputs: Inputs, found: DriftFinding, detector: str) -> Ruling | None:
    if found.verdict == "alarm":
        names = ", ".join(str(feature["name"]) for feature in found.features[:3])
        return raised({**inputs, "subject": names}, detector, found.log_evidence, found.onset_row)
    return resolved(inputs, found.verdict, found.log_evidence)
