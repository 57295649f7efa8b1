"""Signals that need no labels: broken data, drifted features, metric series, and silence."""

from __future__ import annotations

from typing import Any

import orjson

from monitoring.drift.assumptions import assumptions
from monitoring.signals import series
from server.judges.data import SINGLE
from server.judges.rulings import Ruling
from server.reactions import segments
from server.reactions.scene import Scene
from server.watching.closings import LabelWindow, RowWindow, SeriesPoint
from server.watching.parts import PartWindow
from server.watching.watch import Watch
from statemachine import timers
from statemachine.health import Alarm, ModelHealth
from statemachine.words import DEGRADED, HEALTHY, SUSPECT, Signal

BEYOND_COUNTS = {"facts", "rules", "frozen", "labels", "ticks"}  #: what windows hold where more than counts is judged
DRIFT, SEGMENT_DRIFT = "drift@3", "segment_drift@1"
LATE_WINDOWS = 4  #: windows beyond twice the usual delay, after which labels count as absent


def look_at_window(scene: Scene, window: RowWindow) -> None:
    """Look at a closed window of rows: first whether the data are whole, then whether they moved."""
    _look_at_data(scene, window)
    if window.departed.verdict == "alarm":
        _note_drift(scene, scene.health, window)


def _note_drift(scene: Scene, health: ModelHealth, window: RowWindow) -> None:
    """Note features that have left, unless that is what the model is under suspicion of."""
    if health.alarmed_by != Signal.DRIFT:
        inputs = _drift(scene, health, window, window.departures_before.to_json())
        scene.follow("drift_note@2", {**inputs, "faulty": _faulty(health, window)})


def look_at_labels(scene: Scene, window: LabelWindow) -> None:
    """Note features that have left among rows of one label, unless drift is what the model is under suspicion of."""
    health = scene.health
    if health.alarmed_by == Signal.DRIFT:
        return
    faulty = _faulty(health, *scene.watch.windows[-1:])
    if window.moved:
        scene.follow("labels_moved@1", {"at_row": scene.at_row, **window.moved.inputs, "faulty": faulty})
    if window.told:
        inputs = {
            "at_row": scene.at_row, "reference": health.reference_sha256, "groups": window.groups,
            "parts": [part.to_json() for part in window.told], "faulty": faulty,
        }  # fmt: skip
        scene.follow("label_drift_note@1", inputs)


def _faulty(health: ModelHealth, *windows: RowWindow) -> list[str]:
    """Name the features whose data are broken in *windows*, where that is what the model is under suspicion of."""
    if health.alarmed_by != Signal.QUALITY:
        return []
    return sorted({fault.feature for window in windows for fault in window.faults})


def _look_at_data(scene: Scene, window: RowWindow) -> None:
    _end_silence(scene, scene.health)
    health = scene.health
    signal = health.alarmed_by
    if health.place == HEALTHY:
        fresh = any(fault.onset_row >= health.calm_row for fault in window.faults)
        if fresh and health.policy.quality.alarms == "always":
            inputs = _quality(scene, health, [window], window.quality_before.to_json())
            if not _noted(scene, window, inputs):
                _ask(scene, "quality", inputs)
        elif window.drift.verdict == "alarm" and drift_counts(scene, health):
            scene.follow(DRIFT, _drift(scene, health, window, window.drift_before.to_json()))
        elif health.policy.segments.alarms == "always" and drift_counts(scene, health):
            _suspect_segment(scene, window)
    elif health.place == SUSPECT and signal == Signal.SEGMENT_DRIFT:
        _ask_segment(scene, health, window)
    elif health.place == SUSPECT and signal == Signal.QUALITY:
        _ask(scene, "quality_resolve", _anew(scene, health, _after(scene.watch, health)))
    elif health.place == SUSPECT and signal == Signal.DRIFT:
        scene.follow(DRIFT, _drift(scene, health, window, window.drift_before.to_json()))
    elif health.place == DEGRADED and health.awaits_repair:
        _await_repair(scene, health)


def _suspect_segment(scene: Scene, window: RowWindow) -> None:
    """Suspect the first segment that drifted, in the order of the policy."""
    for part in window.parts:
        if part.drift.verdict == "alarm":
            scene.follow(SEGMENT_DRIFT, _within(scene, window, part))
            return


def _ask_segment(scene: Scene, health: ModelHealth, window: RowWindow) -> None:
    """Let the segment under suspicion speak, if the window has rows of it."""
    parts = {part.name: part for part in window.parts}
    mine = parts.get(segments.named_in(health.alarmed_about, parts))
    if mine is not None:
        scene.follow(SEGMENT_DRIFT, _within(scene, window, mine))


def _within(scene: Scene, window: RowWindow, part: PartWindow) -> dict[str, Any]:
    return {
        **part.to_json(), "signal": str(Signal.SEGMENT_DRIFT), "at_row": window.end_row,
        "reference": scene.health.reference_sha256, "segments": scene.watch.profiler.parts.number,
    }  # fmt: skip


def _noted(scene: Scene, window: RowWindow, inputs: dict[str, Any]) -> bool:
    """Note faults of single rows, of which no doubt of the model follows; say whether there are no others."""
    single = any(fault.kind in SINGLE for fault in window.faults)
    told = {**inputs, **scene.watch.profiler.before.to_json(), "first_row": window.first_row}
    return single and scene.follow("glitch@1", told) is not None


def _await_repair(scene: Scene, health: ModelHealth) -> None:
    """Broken data end when they are whole again, or when the fault has lasted so long that it is the world."""
    latest = scene.watch.windows[-health.policy.quality.clear_windows :]
    if _ask(scene, "repaired", _anew(scene, health, latest)) is None:
        since = health.alarm.at_row if health.alarm else health.onset_row
        inputs = {"at_row": scene.at_row, "since_row": since, "window": scene.watch.window_rows}
        scene.follow("accepted@1", inputs)


def look_at_point(scene: Scene, closing: SeriesPoint) -> None:
    """Look at one point of a metric series. A series speaks for itself, in both directions."""
    _end_silence(scene, scene.health)
    health = scene.health
    shared = {"signal": str(Signal.METRIC), "subject": closing.name, "at_row": scene.at_row, "number": closing.number}
    if health.place == HEALTHY:
        _ask_series(scene, "series", {**shared, "state": closing.before.to_json(), "points": [closing.value]})
    elif health.alarm is not None and (health.alarm.signal, health.alarm.subject) == (Signal.METRIC, closing.name):
        judge = {SUSPECT: "series_resolve", DEGRADED: "series_recovered"}.get(health.place)
        if judge is not None:
            _ask_series(scene, judge, {**shared, **_since_alarm(scene, health.alarm, closing)})


def _ask_series(scene: Scene, judge: str, inputs: dict[str, Any]) -> None:
    """Ask by the rule of the state that points are added to: what was alarmed by an older one is resolved by it."""
    scene.follow(f"{judge}@{series.rule_of(inputs['state'])}", inputs)


def _since_alarm(scene: Scene, alarm: Alarm, closing: SeriesPoint) -> dict[str, Any]:
    """Give the points of a series behind the one that raised the alarm, and the series as it stood then."""
    inputs = orjson.loads(scene.unit.evidence(alarm.evidence))["inputs"]
    raised, _ = series.restored(inputs["state"]).observe(inputs["points"][0], scene.health.policy.metrics)
    values = scene.watch.series[closing.name].values
    return {"state": raised.suspected().to_json(), "points": values[inputs["number"] + 1 : closing.number + 1]}


def silence(scene: Scene) -> tuple[str, str] | None:
    """Say what has been silent for too long, with the evidence; None when nothing has."""
    now_us = scene.desk.clock.now_us(scene.watermark_us)
    for what, last_us in _last_heard_us(scene).items():
        inputs = {
            "signal": str(Signal.SILENCE),
            "subject": what,
            "at_row": scene.at_row,
            "last_us": last_us,
            "now_us": now_us,
            "limit_us": _silence_us(scene.health),
        }
        found = scene.rule("silence@1", inputs)
        if found is not None:
            return what, found[1]
    return None


def silent_from_us(scene: Scene) -> int:
    """Say when the silence would be too long if nothing more came."""
    return min(_last_heard_us(scene).values()) + _silence_us(scene.health)


def _last_heard_us(scene: Scene) -> dict[str, int]:
    """Give when rows last came, and labels where there were any; not before the model came to its present state."""
    watch, entered_us = scene.watch, scene.health.entered_us
    last = {"rows": watch.last_row_us, **({"labels": watch.last_label_us} if watch.blocks else {})}
    return {what: max(at_us, entered_us) for what, at_us in last.items()}


def _silence_us(health: ModelHealth) -> int:
    return int(timers.silence_seconds(health) * timers.SECOND_US)


def _end_silence(scene: Scene, health: ModelHealth) -> None:
    """Rows came, or labels did: what was silent is not."""
    if health.place != SUSPECT or health.alarmed_by != Signal.SILENCE:
        return
    last = scene.watch.last_label_us if health.alarmed_about == "labels" else scene.watch.last_row_us
    if last >= health.entered_us:
        scene.follow("data_back@1", {"signal": str(Signal.SILENCE), "at_row": scene.at_row, "last_us": last})


def _after(watch: Watch, health: ModelHealth) -> list[RowWindow]:
    row = health.alarm.at_row if health.alarm else 0
    return [window for window in watch.windows if window.first_row >= row]


def drift_counts(scene: Scene, health: ModelHealth) -> bool:
    """Say whether drift alone raises suspicion: by default only where no label tells what it costs."""
    alarms = health.policy.drift.alarms
    late = 2 * health.label_delay_rows + LATE_WINDOWS * scene.watch.window_rows
    unlabelled = scene.at_row - scene.watch.labelled_end > late
    return alarms == "always" or (alarms == "without_labels" and unlabelled)


def _quality(
    scene: Scene, health: ModelHealth, windows: list[RowWindow], state: dict[str, Any] | None
) -> dict[str, Any]:
    return {
        "signal": str(Signal.QUALITY),
        "subject": health.alarmed_about,
        "at_row": windows[-1].end_row if windows else scene.at_row,
        "reference": health.reference_sha256,
        "state": state,
        "not_before": health.calm_row if health.place == HEALTHY else 0,
        "windows": [window.inspected() for window in windows],
    }


def _anew(scene: Scene, health: ModelHealth, windows: list[RowWindow]) -> dict[str, Any]:
    """Give what windows say for themselves. What was under suspicion before them is all that they begin with."""
    return _quality(scene, health, windows, windows[0].quality_before.anew() if windows else None)


def _ask(scene: Scene, judge: str, inputs: dict[str, Any]) -> Ruling | None:
    """Ask the judge of the data's quality that reads more than counts where there is more, else the one that counts."""
    rule = 2 if any(BEYOND_COUNTS & window.keys() for window in inputs["windows"]) else 1
    return scene.follow(f"{judge}@{rule}", {**inputs, **scene.watch.profiler.before.to_json()})


def _drift(scene: Scene, health: ModelHealth, window: RowWindow, state: dict[str, Any]) -> dict[str, Any]:
    return {
        **_quality(scene, health, [window], state),
        "signal": str(Signal.DRIFT),
        "windows": [window.compared()],
        "assumptions": assumptions(
            scene.watch.profiler.compared, health.policy.drift, seasons=scene.watch.profiler.seasons
        ),
    }
