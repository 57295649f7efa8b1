"""Shapes: features that are spread otherwise, in a way that no alternative of drift is near to."""

from __future__ import annotations

from typing import Any

from monitoring.drift.departures import STAYS
from monitoring.drift.learned import assumptions
from server.reactions.scene import Scene
from server.reactions.signals import drift_counts
from server.watching.closings import RowWindow, ShapeWindow
from statemachine.health import ModelHealth
from statemachine.words import HEALTHY, SUSPECT, Signal

JUDGE, NOTE = "shape@1", "shape_note@1"


def look(scene: Scene, window: RowWindow) -> None:
    """Suspect what changed its shape, or note it where drift raises no suspicion; and ask later whether it lasts."""
    health, shapes = scene.health, window.shapes
    if shapes is None:
        return
    if health.place == SUSPECT and health.alarmed_by == Signal.SHAPE:
        scene.follow(JUDGE, _inputs(scene, health, window, shapes))
    elif shapes.found.verdict == "alarm" and not window.faults:
        _tell(scene, health, window, shapes)


def _tell(scene: Scene, health: ModelHealth, window: RowWindow, shapes: ShapeWindow) -> None:
    inputs = _inputs(scene, health, window, shapes)
    if health.place == HEALTHY and drift_counts(scene, health):
        scene.follow(JUDGE, inputs)
    elif health.alarmed_by != Signal.DRIFT:
        scene.follow(NOTE, {**inputs, "told": _left(window)})


def _left(window: RowWindow) -> list[str]:
    """Name the features of which it is known that they have left."""
    departures = window.departures_before
    pairs = zip(departures.dictionary.reference.features, departures.accused, strict=True)
    gone = {one.name for one, alternative in pairs if alternative != STAYS}
    return sorted(gone | {str(feature["name"]) for feature in window.departed.features})


def _inputs(scene: Scene, health: ModelHealth, window: RowWindow, shapes: ShapeWindow) -> dict[str, Any]:
    return {
        "signal": str(Signal.SHAPE), "subject": health.alarmed_about, "at_row": window.end_row,
        "reference": health.reference_sha256, "state": shapes.before.to_json(), "windows": [window.compared()],
        "assumptions": assumptions(scene.watch.profiler.compared, health.policy.drift),
    }  # fmt: skip
