"""What windows have found since a row: faults of the data and features that drifted, as a diagnosis is told of them."""

from __future__ import annotations

from typing import Any

from monitoring.profiles.reference import OUTPUT
from server.watching.watch import Watch
from statemachine.health import ModelHealth


def faults_since(watch: Watch, health: ModelHealth, row: int) -> list[dict[str, Any]]:
    """Give the faults that were found in the windows since *row*, each feature and kind once, the strongest.

    A fault that was laid to rest is the world as it is: it is blamed no more, so that models may learn it.
    """
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for window in watch.windows:
        for fault in window.faults if window.end_row > row else ():
            key = (fault.feature, fault.kind)
            if fault.onset_row < health.calm_row:
                continue
            if key not in found or fault.log_evidence > found[key]["log_evidence"]:
                found[key] = fault.to_json()
    return [found[key] for key in sorted(found)]


def drift_since(watch: Watch, row: int) -> list[dict[str, Any]]:
    """Give the features that were named as drifted in the windows since *row*, the strongest evidence first.

    Of what columns make up together, `columns` says which.
    """
    found: dict[str, dict[str, Any]] = {}
    members = watch.profiler.projections.members(watch.profiler.reference)
    for window in watch.windows:
        shaped = window.shapes.found.features if window.shapes else ()
        for feature in (*window.drift.features, *shaped) if window.end_row > row else ():
            name, evidence = feature["name"], feature["log_evidence"]
            if name != OUTPUT and evidence > found.get(name, {"log_evidence": -1.0})["log_evidence"]:
                joint = {"columns": members[name]} if name in members else {}
                found[name] = {"name": name, "change": feature["change"], "log_evidence": evidence, **joint}
    every = [*found.values(), *_drifted_within(watch, row)]
    return sorted(every, key=lambda each: (-each["log_evidence"], each["name"]))


def _drifted_within(watch: Watch, row: int) -> list[dict[str, Any]]:
    """Give the features that drifted within segments in the windows since *row*, each segment and feature once."""
    found: dict[str, dict[str, Any]] = {}
    for window in watch.windows:
        for segment, drift in window.within if window.end_row > row else ():
            for feature in drift.features:
                name = f"{feature['name']} in {segment}"
                if feature["log_evidence"] > found.get(name, {"log_evidence": -1.0})["log_evidence"]:
                    told = {"change": f"{feature['change']} in {segment}", "log_evidence": feature["log_evidence"]}
                    found[name] = {"name": name, **told, "within": feature["name"]}
    return [one for one in found.values() if one["within"] != OUTPUT]
