"""Shifts: a loss that moves anew while an incident is open, or in the pause behind one, is noted with its onset."""

from __future__ import annotations

from typing import Any

from monitoring.performance.shifts import LEAST_SEEN
from server.reactions.evidence import cost, latest
from server.reactions.scene import Scene
from statemachine.health import ModelHealth
from statemachine.words import HEALTHY, Signal

JUDGE = "loss_note@1"


def look(scene: Scene) -> None:
    """Note a loss that has moved, wherever no alarm of the loss is watching."""
    health = scene.health
    pausing = scene.watermark_us < health.cooldown_until_us
    if health.place != HEALTHY or pausing:
        versions = _versions(scene, health)
        if versions:
            scene.follow(
                JUDGE, {"at_row": scene.watch.labelled_end, "window": scene.watch.window_rows, "versions": versions}
            )


def _versions(scene: Scene, health: ModelHealth) -> list[dict[str, Any]]:
    """Give what each version that answers cost on rows by which nothing was told, and no champion was chosen.

    Those rows were looked at until they said what they said, so they are no measure for rows to come.
    """
    alarmed = health.alarm.at_row if health.alarm and health.alarmed_by == Signal.LOSS else 0
    first = max(alarmed, health.loss_told_row, health.calm_row, health.epoch_row, scene.watch.reference_rows)
    most = health.policy.windows.blocks * health.policy.loss.memory
    blocks = latest(scene.watch.blocks_past(first), first, most)
    found = []
    for version in dict.fromkeys((health.champion, health.candidate, health.rollback_target)):
        known = [one for one in blocks if version in one.cost and one.cost[version][0]]
        if len(known) >= LEAST_SEEN:
            told = {"name": version, "rows": [one.first_row for one in known], "blocks": cost(known, version)}
            found.append(told)
    return found
