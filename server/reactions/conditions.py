"""The conditions of a policy: what they hold against a model, and what they accept of it."""

from __future__ import annotations

from typing import Any

from measures.sums import span
from monitoring.signals.conditions import ACCEPTING, ALARMING, engine, first, signals_in
from server.reactions import segments
from server.reactions.evidence import cost, level
from server.reactions.scene import Scene
from server.watching.looks import ESTIMATED, ESTIMATED_ERROR, ESTIMATED_UP, Look
from server.watching.watch import Watch
from statemachine.health import ModelHealth
from statemachine.words import DEGRADED, HEALTHY, SUSPECT, Signal

OF_SEGMENTS = {"segment.log_evidence", "segment.up"}


def look(scene: Scene) -> None:
    """Look at the conditions when a window has ended."""
    health = scene.health
    if not health.policy.conditions:
        return
    if health.place == HEALTHY and scene.watermark_us >= health.cooldown_until_us:
        _suspect(scene, health)
    elif health.place == SUSPECT and health.alarmed_by == Signal.LOSS:
        accept(scene)
    elif health.place == SUSPECT and health.alarmed_by == Signal.CONDITION:
        scene.follow("conditions_resolve@1", _since_alarm(scene, health))
    elif health.place == DEGRADED and health.alarmed_by == Signal.CONDITION:
        scene.follow("conditions_recovery@1", _since_alarm(scene, health))


def _suspect(scene: Scene, health: ModelHealth) -> None:
    inputs = _inputs(scene, health, max(health.calm_row, health.epoch_row))
    found = first(health.policy.conditions, ALARMING, signals_in(inputs))
    if found is not None:
        scene.follow("conditions@1", inputs, escalate=found.then == "escalate")


def accept(scene: Scene) -> None:
    """Clear the alarm of a risen loss where a condition accepts it; the alarm stays on record, and so does this."""
    health = scene.health
    risen = health.place == SUSPECT and health.alarmed_by == Signal.LOSS
    if not risen or not health.policy.conditions:
        return
    inputs = _inputs(scene, health, health.epoch_row)
    found = first(health.policy.conditions, ACCEPTING, signals_in(inputs))
    if found is not None:
        about = {"signal": str(Signal.LOSS), "subject": found.name, "at_row": scene.watch.labelled_end}
        scene.follow("conditions_accept@1", {**inputs, **about}, accepted_by=found.name)


def _since_alarm(scene: Scene, health: ModelHealth) -> dict[str, Any]:
    """Give the windows behind the alarm, which alone confirm it or clear it."""
    row = health.alarm.at_row if health.alarm else 0
    return {**_inputs(scene, health, row), "subject": health.alarmed_about}


def _inputs(scene: Scene, health: ModelHealth, row: int) -> dict[str, Any]:
    """Give what a judge of conditions asks for: the signals of each window that begins at or behind *row*."""
    longest = max(one.persistence.of for one in health.policy.conditions)
    watch, normal = scene.watch, level(scene.watch, health)
    looks = [one for one in watch.looks[-longest:] if one.first_row >= row]
    told = [
        {
            "first_row": one.first_row,
            "end_row": one.end_row,
            "signals": {**one.signals, **_loss(watch, health, one, normal)},
        }
        for one in looks
    ]
    return {"signal": str(Signal.CONDITION), "at_row": scene.at_row, "engine": engine(), "looks": told}


def _loss(watch: Watch, health: ModelHealth, one: Look, normal: float) -> dict[str, float | None]:
    """Tell the champion's loss of the last window of labels before *one* ended, as far as conditions name it."""
    blocks = watch.blocks[max(one.blocks - health.policy.windows.blocks, 0) : one.blocks]
    known = cost([block for block in blocks if block.first_row >= health.epoch_row], health.champion)
    found = span(known)
    full = len(known) == health.policy.windows.blocks and found.rows > 0
    rise = found.mean / normal - 1 if full and normal else None
    told = {"loss.level": found.mean if full else None, "loss.up": rise, "loss.rows": float(found.rows)}
    told |= _estimated(watch, health, one, normal) | _segments(watch, health, one)
    return {name: value for name, value in told.items() if name in one.signals}


def _segments(watch: Watch, health: ModelHealth, one: Look) -> dict[str, float | None]:
    """Tell how the policy's segments stood when *one* ended, where a condition asks."""
    if not OF_SEGMENTS & one.signals.keys():
        return {}
    first = max(one.blocks - health.policy.windows.blocks * health.policy.loss.memory, 0)
    since = max(health.epoch_row, watch.reference_rows, health.calm_row)
    blocks = [block for block in watch.blocks[first : one.blocks] if block.first_row >= since]
    return segments.signals(watch, health, blocks)


def _estimated(watch: Watch, health: ModelHealth, one: Look, normal: float) -> dict[str, float | None]:
    """Tell what is expected of the window; a champion that came after the reference is another version than that."""
    if health.champion != watch.profiler.estimated_version:
        return dict.fromkeys((ESTIMATED, ESTIMATED_ERROR, ESTIMATED_UP))
    found = one.signals.get(ESTIMATED)
    return {ESTIMATED_UP: found / normal - 1 if found is not None and normal else None}
