"""Healthy, suspect, degraded: alarms, the second look, causes, and recovery."""

from __future__ import annotations

from math import inf
from typing import Any

from server.reactions import challenge, segments, shifts
from server.reactions.evidence import earliest, latest, lead, of_late, own_loss, since
from server.reactions.scene import Scene
from server.watching.closings import LabelBlock
from statemachine import commands as c
from statemachine.answers.suspicion import NARROWER
from statemachine.health import Alarm, ModelHealth
from statemachine.words import DEGRADED, HEALTHY, SUSPECT, Reason, Signal

BY_LABELS = (Signal.LOSS, Signal.PINNED)
RECOVERY_WINDOWS = 12  #: of the latest, by which a champion recovers


def look(scene: Scene) -> None:
    """Look at the labels so far, as the model's state asks."""
    health = scene.health
    shifts.look(scene)
    if health.place == HEALTHY:
        _suspect(scene, health)
    elif health.place == SUSPECT and health.alarm is not None:
        _resolve(scene, health)
    elif health.place == DEGRADED and health.alarmed_by in (*BY_LABELS, Signal.SEGMENT):
        _recover(scene, health)


def _suspect(scene: Scene, health: ModelHealth) -> None:
    """Look for a rise of the loss. Behind a failure all else waits for its pause: it might ask for the same again."""
    blocks = of_late(scene.watch, health)
    if len(blocks) < health.policy.windows.blocks or _loss_rises(scene, health, blocks):
        return
    if scene.watermark_us < health.cooldown_until_us:
        return
    pinned = health.rollback_target
    if pinned and scene.follow("alarm@2", _value(scene, health, Signal.PINNED, blocks, pinned)) is not None:
        return
    if _suspect_segment(scene, health, blocks):
        return
    challenge.try_challenger(scene)


def _loss_rises(scene: Scene, health: ModelHealth, blocks: list[LabelBlock]) -> bool:
    """Raise the alarm of the loss where it rises; also where what is looked into would shut it out."""
    return scene.follow("alarm@2", _value(scene, health, Signal.LOSS, blocks)) is not None


def _suspect_segment(scene: Scene, health: ModelHealth, blocks: list[LabelBlock]) -> bool:
    """Look at the parts of the rows that the policy declares, where the whole is well."""
    if not scene.watch.segments or health.policy.segments.alarms != "always":
        return False
    return scene.follow(segments.JUDGE, segments.value(scene.watch, health, blocks)) is not None


def _resolve(scene: Scene, health: ModelHealth) -> None:
    alarm = health.alarm
    if alarm is None:
        return
    if alarm.signal in NARROWER and _loss_rises(scene, health, of_late(scene.watch, health)):
        return
    if alarm.signal == Signal.REGRET:
        challenge.look_again(scene)
        return
    before, after = (
        _of_alarm(scene, health, alarm, blocks)
        for blocks in (of_late(scene.watch, health, alarm.at_row), since(scene.watch, alarm.at_row))
    )
    if before is not None and after is not None:
        scene.follow("resolve@2", {**after, "before": before["blocks"]})


def _of_alarm(scene: Scene, health: ModelHealth, alarm: Alarm, blocks: list[LabelBlock]) -> dict[str, Any] | None:
    """Give what is asked of the value under suspicion, of *blocks*; None where labels say nothing of it any more."""
    if alarm.signal == Signal.SEGMENT:
        return segments.of_alarm(scene.watch, health, blocks)
    return _value(scene, health, alarm.signal, blocks, alarm.subject) if alarm.signal in BY_LABELS else None


def _recover(scene: Scene, health: ModelHealth) -> None:
    """Ask whether the rise is over: what it was, the first rows after the alarm tell, and others what is left of it.

    Rows by which a loss was told to have moved were looked at until they said so, and belong to neither.
    """
    alarm, policy = health.alarm, health.policy
    if alarm is None:
        return
    first, told = max(alarm.at_row, health.epoch_row), health.loss_told_row
    most = policy.windows.blocks * policy.confirmation.most_windows
    early = earliest(scene.watch.blocks_past(first), first, most, told if told > first else inf)
    begun = max([first, told, *(one.end_row for one in early)])
    late = latest(scene.watch.blocks_past(begun), begun, policy.windows.blocks * RECOVERY_WINDOWS)
    inputs, risen = (_of_alarm(scene, health, alarm, blocks) for blocks in (late, early))
    if inputs is not None and risen is not None:
        scene.follow("recovery@2", {**inputs, "risen": risen["blocks"]})


def _value(
    scene: Scene, health: ModelHealth, signal: str, blocks: list[LabelBlock], subject: str = ""
) -> dict[str, Any]:
    """Give what a judge of performance asks for: the loss above its level, or the lead of another version."""
    asked = {"signal": str(signal), "subject": subject, "at_row": scene.watch.labelled_end}
    if signal != Signal.PINNED:
        return {**asked, **own_loss(scene.watch, health, blocks)}
    both = [one for one in blocks if subject in one.cost and health.champion in one.cost]
    return {
        **asked, "rows": [one.first_row for one in both], "blocks": lead(both, health.champion, subject),
        "level": 0.0, "window": scene.watch.window_rows,
    }  # fmt: skip


def seek_remedy(scene: Scene) -> None:
    """Begin a remedy where the table, the budget and the pause allow it."""
    health = scene.health
    if health.place == DEGRADED:
        scene.attempt(c.StartRetraining(requested_by="service", reason=Reason.REMEDY))
    elif health.place == HEALTHY and health.improvement:
        scene.attempt(c.StartRetraining(requested_by="service", reason=Reason.IMPROVEMENT))
