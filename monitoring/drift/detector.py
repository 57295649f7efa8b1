"""Tells whether inputs or outputs drift: an e-detector over a dictionary of alternatives per feature.

Alarm: the weighted mean of exp(CUSUM) over all alternatives reaches c, so that at least c windows pass on average
before a false one (Shin, Ramdas and Rinaldo 2023, arXiv 2203.03532). After the alarm, fresh e-processes ask both ways:
does it persist, or did it come back? Only windows after the alarm count there.
"""

from __future__ import annotations

from typing import Any

from monitoring.drift.promises import Thresholds
from monitoring.drift.watches import DriftFinding, DriftWatch
from monitoring.profiles.alternatives import RULE
from monitoring.profiles.profile import Profile
from monitoring.profiles.projections import Projections
from monitoring.profiles.reference import Reference
from monitoring.profiles.seasons import Seasons, cells_from_json, wanted


def judge(inputs: dict[str, Any], policy: Thresholds, rule: int = RULE) -> DriftFinding:
    """Fold the recorded windows and return what the last one taught.

    *inputs* holds `reference`, `windows` (each `start_row` and `profile`) and, if folding does not begin with nothing,
    the `state` before the first window. Where projections are watched, it holds those of the reference as
    `projections`, and so does each window; where seasons are asked for, it holds `seasons`, and each window `cells`.
    """
    reference = compared(inputs, policy)
    seasons = wanted(inputs.get("seasons"), policy, reference)
    watch = DriftWatch.start(reference, policy, rule, seasons)
    if inputs.get("state") is not None:
        watch = watch.restored(inputs["state"])
    finding = DriftFinding(verdict="none", log_evidence=0.0, onset_row=-1, row=-1)
    for each in inputs["windows"]:
        watch, finding = watch.observe(each["start_row"], shown(each, seasons), policy)
    return finding


def shown(window: dict[str, Any], seasons: Seasons | None) -> Profile:
    """Read what a recorded window shows to a watch: its counts, and where seasons are asked for, those of each."""
    if seasons is not None:
        return seasons.laid(cells_from_json(window["cells"]))
    beside = Profile.from_json(window["projections"]) if "projections" in window else None
    return Profile.from_json(window["profile"]).beside(beside)


def compared(inputs: dict[str, Any], policy: Thresholds) -> Reference:
    """Return what windows are compared with: the recorded reference, and the projections of it that are watched."""
    projections = Projections.from_json(inputs.get("projections")).first(policy.projections)
    return projections.joined(Reference.from_json(inputs["reference"]))
