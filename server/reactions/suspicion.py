"""Healthy, suspect, degraded: alarms, the second look, causes, and recovery."""

from __future__ import annotations

from typing import Any

from server.closings import LabelBlock
from server.reactions import challenge, segments
from server.reactions.evidence import accepted, cost, latest, lead, of_late, since
from server.reactions.scene import Scene
from statemachine import commands as c
from statemachine.health import ModelHealth
from statemachine.words import DEGRADED, HEALTHY, SUSPECT, Reason, Signal

BY_LABELS = (Signal.LOSS, Signal.PINNED)


def look(scene: Scene) -> None:
    """Look at the labels so far, as the model's state asks."""
    health = scene.health
    if health.place == HEALTHY:
        _suspect(scene, health)
    elif health.place == SUSPECT and health.alarm is not None:
        _resolve(scene, health)
    elif health.place == DEGRADED and health.alarm is not None and health.alarm.signal in (*BY_LABELS, Signal.SEGMENT):
        _recover(scene, health)


def _suspect(scene: Scene, health: ModelHealth) -> None:
    if scene.watermark_us < health.cooldown_until_us:
        return
    blocks = of_late(scene.watch, health)
    if len(blocks) < health.policy.windows.blocks:
        return
    if scene.follow("alarm@2", _value(scene, health, Signal.LOSS, blocks)) is not None:
        return
    pinned = health.rollback_target
    if pinned and scene.follow("alarm@2", _value(scene, health, Signal.PINNED, blocks, pinned)) is not None:
        return
    if _suspect_segment(scene, health, blocks):
        return
    challenge.try_challenger(scene)


def _suspect_segment(scene: Scene, health: ModelHealth, blocks: list[LabelBlock]) -> bool:
    """Look at the parts of the rows that the policy declares, where the whole is well."""
    if not scene.watch.segments or health.policy.segments.alarms != "always":
        return False
    return scene.follow(segments.JUDGE, segments.value(scene.watch, health, blocks)) is not None


def _resolve(scene: Scene, health: ModelHealth) -> None:
    alarm = health.alarm
    if alarm is None:
        return
    if alarm.signal == Signal.REGRET:
        challenge.look_again(scene)
        return
    blocks = since(scene.watch, alarm.at_row)
    if alarm.signal == Signal.SEGMENT:
        _ask_segment(scene, health, "resolve@1", blocks)
    elif alarm.signal in BY_LABELS:
        scene.follow("resolve@1", _value(scene, health, alarm.signal, blocks, alarm.subject))


def _ask_segment(scene: Scene, health: ModelHealth, judge: str, blocks: list[LabelBlock]) -> None:
    inputs = segments.since_alarm(scene.watch, health, blocks)
    if inputs is not None:
        scene.follow(judge, inputs)


def _recover(scene: Scene, health: ModelHealth) -> None:
    alarm = health.alarm
    if alarm is None:
        return
    blocks = latest(scene.watch.blocks, max(alarm.at_row, health.epoch_row), health.policy.windows.blocks * 12)
    if alarm.signal == Signal.SEGMENT:
        _ask_segment(scene, health, "recovery@1", blocks)
    else:
        scene.follow("recovery@1", _value(scene, health, alarm.signal, blocks, alarm.subject))


def _value(
    scene: Scene, health: ModelHealth, signal: str, blocks: list[LabelBlock], subject: str = ""
) -> dict[str, Any]:
    """Give what a judge of performance asks for: the loss above its level, or the lead of another version."""
    if signal == Signal.PINNED:
        both = [one for one in blocks if subject in one.cost and health.champion in one.cost]
        values, normal = lead(both, health.champion, subject), 0.0
    else:
        both = [one for one in blocks if health.champion in one.cost]
        values = cost(both, health.champion)
        normal = accepted(scene.watch, health)
    return {
        "signal": str(signal),
        "subject": subject,
        "at_row": scene.watch.labelled_end,
        "rows": [one.first_row for one in both],
        "blocks": values,
        "level": normal,
        "window": scene.watch.window_rows,
    }


def seek_remedy(scene: Scene) -> None:
    """Begin a remedy where the table, the budget and the pause allow it."""
    health = scene.health
    if health.place == DEGRADED:
        scene.attempt(c.StartRetraining(requested_by="service", reason=Reason.REMEDY))
    elif health.place == HEALTHY and health.improvement:
        scene.attempt(c.StartRetraining(requested_by="service", reason=Reason.IMPROVEMENT))
