"""Healthy, suspect, degraded: alarms, the second look, causes, and recovery."""

from __future__ import annotations

from typing import Any

from server.closings import LabelBlock
from server.reactions import challenge
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
    elif health.place == DEGRADED and health.alarm is not None and health.alarm.signal in BY_LABELS:
        _recover(scene, health)


def _suspect(scene: Scene, health: ModelHealth) -> None:
    if scene.watermark_us < health.cooldown_until_us:
        return
    blocks = of_late(scene.watch, health)
    if len(blocks) < health.policy.windows.blocks or _loss_rises(scene, health):
        return
    pinned = health.rollback_target
    if pinned and scene.follow("alarm@2", _value(scene, health, Signal.PINNED, blocks, pinned)) is not None:
        return
    challenge.try_challenger(scene)


def _loss_rises(scene: Scene, health: ModelHealth) -> bool:
    """Raise the alarm of the loss where it rises; also while a regret is looked into, which would shut it out."""
    blocks = of_late(scene.watch, health)
    return scene.follow("alarm@2", _value(scene, health, Signal.LOSS, blocks)) is not None


def _resolve(scene: Scene, health: ModelHealth) -> None:
    alarm = health.alarm
    if alarm is None:
        return
    if alarm.signal == Signal.REGRET:
        if not _loss_rises(scene, health):
            challenge.look_again(scene)
        return
    if alarm.signal not in BY_LABELS:
        return
    blocks = since(scene.watch, alarm.at_row)
    scene.follow("resolve@1", _value(scene, health, alarm.signal, blocks, alarm.subject))


def _recover(scene: Scene, health: ModelHealth) -> None:
    alarm = health.alarm
    if alarm is None:
        return
    blocks = latest(scene.watch.blocks, max(alarm.at_row, health.epoch_row), health.policy.windows.blocks * 12)
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
